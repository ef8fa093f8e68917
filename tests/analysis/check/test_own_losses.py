"""Nothing is broken in the losses that come with losslab."""

import pytest
import yaml
from losslab.analysis.check import check_function
from losslab.cli.listing import CONF, choices
from losslab.training.assemble import build_objective

# One of each kind: of pixels, real values, rollouts, latents, parameters, and of the model itself.
EXAMINED = ("dice", "huber", "ppo_clip", "gaussian_kl", "l2_norm", "double_backprop")
# Options without which a loss can't be called.
COUNTS = {"counts": [900.0, 90.0, 9.0, 1.0]}
NEEDED = {"ldam": COUNTS, "logit_adjusted": COUNTS}
OWN = [name for name in choices("loss") if name != "custom"]


def terms(name):
    nodes = yaml.safe_load((CONF / "loss" / f"{name}.yaml").read_text())
    for node in nodes.values():
        node.update(NEEDED.get(name, {}))
    return build_objective({"loss": nodes}).terms


@pytest.mark.parametrize("name", OWN)
def test_nothing_is_broken(name):
    for term in terms(name):
        report = check_function(term.function, term.options, quick=True)
        assert not [f for f in report.findings if f.level == "broken"], report.probed


@pytest.mark.parametrize("name", EXAMINED)
def test_it_is_examined_to_the_end(name):
    for term in terms(name):
        kinds = {finding.kind for finding in check_function(term.function, term.options).findings}
        assert not kinds & {"not examined", "not ready for vmap", "not ready for compile"}
