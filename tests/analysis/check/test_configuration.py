"""A whole configuration: the model's end, each term on its own data, and what preflight refuses."""

import losslab
import pytest
import torch

NET = '''
import torch
from torch import nn


class Net(nn.Module):
    """A classifier; `end` is what it ends with."""

    def __init__(self, in_features, out_features, end="nothing"):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.end = end

    def forward(self, input):
        scores = self.layer(input.flatten(1))
        if self.end == "softmax":
            scores = torch.softmax(scores, 1)
        elif self.end == "argmax":
            scores = torch.nn.functional.one_hot(scores.argmax(1), scores.shape[1]).float()
        return {"logits": scores}


def half_detached(logits, target):
    losses = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    return losses + 3 * logits.detach().logsumexp(1)


def saturates(logits, target):
    p = logits.softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    return -torch.log(p)
'''
TINY = ["data=digits", "model=./net.py:Net"]


@pytest.fixture
def net(workdir):
    (workdir / "net.py").write_text(NET)
    return workdir


def kinds(report):
    return [finding.kind for finding in report.findings]


def test_a_healthy_configuration(workdir):
    whole, term = losslab.check(["loss=cross_entropy", "model=mlp", "data=digits"])
    assert (whole.name, term.name) == ("configuration", "loss.cross_entropy")
    assert whole.findings == term.findings == ()
    assert whole.probed == "7 samples of its own data"


@pytest.mark.parametrize(
    "words",
    [
        ["loss=dice+bce", "model=unet", "data.samples=8", "data.size=16"],
        ["model=vae"],
        ["model=conv_regressor"],
        ["loss=hinge", "loss.hinge.labels=01", "model=linear", "data=breast_cancer"],
        ["loss=[mse,l2_norm]", "model=mlp", "data=diabetes"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_comes_with_losslab_is_healthy(workdir, words):
    reports = losslab.check(words)
    assert len(reports) > 1
    assert not [(report.name, kinds(report)) for report in reports if report.broken]


def test_each_term_has_a_report(workdir):
    reports = losslab.check(["loss=dice+bce", "model=unet", "data.samples=8", "data.size=16"])
    assert [report.name for report in reports] == ["configuration", "loss.dice", "loss.bce"]


def test_a_softmax_at_the_models_end_is_a_double_activation(net):
    whole, _ = losslab.check(["loss=cross_entropy", *TINY, "+model.end=softmax"])
    assert whole.broken
    (finding,) = [f for f in whole.findings if f.kind == "double activation"]
    assert "applies a sigmoid or softmax to what is a probability already" in finding.evidence
    assert finding.remedy == "take the sigmoid or softmax off the model's end"
    assert kinds(whole).count("preflight") == 0, "said once"


def test_without_it_there_is_none(net):
    whole, _ = losslab.check(["loss=cross_entropy", *TINY])
    assert kinds(whole) == []


def test_a_detached_part_of_a_term_is_found(net):
    _, term = losslab.check(["loss=./net.py:half_detached", *TINY])
    (finding,) = [f for f in term.findings if f.kind == "gradient differs"]
    assert "detach (net.py:" in finding.evidence
    assert finding.level == "warning"


def test_a_term_that_overflows_is_found_on_its_own_data(net):
    whole, term = losslab.check(["loss=./net.py:saturates", *TINY])
    assert whole.findings == ()
    assert term.broken
    assert "first made by log (net.py:" in " ".join(f.evidence for f in term.findings)


@pytest.mark.parametrize(
    ("words", "evidence"),
    [
        pytest.param(
            ["loss=cross_entropy", *TINY, "+model.end=argmax"],
            "no gradient reaches the model: the loss is cut by argmax (net.py:",
            id="a gradient cut in the model",
        ),
        pytest.param(
            ["loss=gaussian_kl", "model=mlp", "data=digits"],
            "mu",
            id="a name that nobody supplies",
        ),
        pytest.param(
            ["loss=poisson", "model=mlp", "data=digits"],
            "prediction",
            id="a loss for another kind of target",
        ),
    ],
)
def test_what_training_refuses_is_one_finding(net, words, evidence):
    (report,) = losslab.check(words)
    assert report.broken
    (finding,) = report.findings
    assert finding.kind == "refused"
    assert evidence in finding.evidence


def test_it_leaves_the_random_numbers_to_the_seed(workdir):
    words = ["loss=cross_entropy", "model=mlp", "data=digits", "seed=3"]
    first, second = losslab.check(words), losslab.check(words)
    assert first == second


def test_gradients_are_off_again_afterwards(workdir):
    with torch.no_grad():
        losslab.check(["loss=bce", "model=mlp"])
        assert not torch.is_grad_enabled()
    losslab.check(["loss=bce", "model=mlp"])
    assert torch.is_grad_enabled()
