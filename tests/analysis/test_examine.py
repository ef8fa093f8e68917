"""Probabilities are measured on one split, and the temperature chosen on another."""

from types import SimpleNamespace

import pytest
import torch
from losslab.analysis import examine as module
from losslab.analysis.examine import examine
from losslab.data.spec import Spec
from losslab.errors import UserError


@pytest.fixture
def answering(monkeypatch):
    """Parts of a run that answers splits with given logits: `[batch, channels]` and targets."""

    def made(spec, ignore_index=None, **splits):
        monkeypatch.setattr(
            module,
            "answers",
            lambda parts, loop, split: [(splits[split][0], {"target": splits[split][1]})],
        )
        source = SimpleNamespace(size=lambda split: len(splits[split][0]))
        outputs = {"logits": torch.zeros(1)}
        return SimpleNamespace(spec=spec, source=source, outputs=outputs, ignore_index=ignore_index)

    return made


def drawn(n, classes, seed, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=generator)
    target = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return scale * logits, target


def test_the_temperature_of_one_split_is_judged_on_the_other(answering):
    spec = Spec((2,), "classes", 4)
    parts = answering(spec, val=drawn(3000, 4, 0), test=drawn(2000, 4, 1))
    found = examine(parts, None, "test")
    assert found.temperature == pytest.approx(2, rel=0.1)
    assert found.chosen_on == 3000
    assert found.calibration.samples == 2000
    assert found.calibration.values["ece"] > 0.1
    assert found.cooled.values["ece"] < 0.04
    assert len(found.curves) == 5
    assert found.claim == "confidence of the class answered"
    assert set(found.as_dict()["average_precision"]) == {"all", "0", "1", "2", "3"}


def test_validation_data_without_a_mistake_choose_no_temperature(answering):
    right = torch.tensor([[3.0], [-3.0]]).repeat(20, 1), torch.tensor([[1.0], [0.0]]).repeat(20, 1)
    found = examine(answering(Spec((2,), "binary", 1), val=right, test=right), None, "test")
    assert found.temperature is None
    assert found.no_temperature.startswith("no temperature between 0.05 and 20 is best on the 40 ")
    assert found.as_dict()["at_temperature"] is None


def test_where_nothing_counts_there_is_nothing_to_measure(answering):
    nothing = torch.zeros(6, 1), torch.zeros(6, 1)
    parts = answering(Spec((2,), "binary", 1), ignore_index=0, val=nothing, test=nothing)
    with pytest.raises(UserError, match="no target of the test split counts: all are ignored"):
        examine(parts, None, "test")
