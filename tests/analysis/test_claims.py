"""What a batch of answers claims, element by element."""

import math

import pytest
import torch
from losslab.analysis.claims import elements
from losslab.data.spec import Spec
from losslab.errors import UserError
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

BINARY = Spec((3,), "binary", 1)
CLASSES = Spec((3,), "classes", 3)


def test_a_yes_or_no_claims_a_yes():
    batch = {"target": torch.tensor([[1.0], [0.0]])}
    found = elements(BINARY, torch.tensor([[math.log(3)], [0.0]]), batch, None)
    claims = found.claims()
    assert claims.probability.tolist() == pytest.approx([0.75, 0.5])
    assert claims.true.tolist() == [True, False]
    assert claims.brier.tolist() == pytest.approx([0.0625, 0.25])
    assert claims.log_loss.tolist() == pytest.approx([-math.log(0.75), math.log(2)])


def test_a_temperature_divides_the_logits():
    batch = {"target": torch.tensor([[1.0]])}
    found = elements(BINARY, torch.tensor([[2 * math.log(3)]]), batch, None)
    assert found.claims(2.0).probability.item() == pytest.approx(0.75)


def test_two_channels_are_one_answer():
    batch = {"target": torch.tensor([[1.0], [0.0]])}
    found = elements(BINARY, torch.tensor([[1.0, 4.0], [2.0, 0.0]]), batch, None)
    assert found.yes_or_no
    assert found.logits.flatten().tolist() == [3.0, -2.0]


def test_of_several_classes_the_one_answered_is_claimed():
    logits = torch.tensor([[0.0, math.log(2), 0.0], [math.log(8), 0.0, 0.0]])
    one_hot = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    for target in (torch.tensor([1, 2]), one_hot):
        claims = elements(CLASSES, logits, {"target": target}, None).claims()
        assert claims.probability.tolist() == pytest.approx([0.5, 0.8])
        assert claims.true.tolist() == [True, False]
        assert claims.brier.tolist() == pytest.approx([2 * 0.25**2 + 0.25, 0.8**2 + 0.1**2 + 0.81])


@pytest.mark.parametrize("spec", [BINARY, CLASSES], ids=["binary", "classes"])
def test_scores_are_scikit_learns(spec):
    """scikit-learn 1.9.1."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, spec.outputs, generator=generator)
    target = torch.randint(spec.classes, (50,), generator=generator)
    shaped = target.float().unsqueeze(1) if spec is BINARY else target
    claims = elements(spec, logits, {"target": shaped}, None).claims()
    given = logits.double().sigmoid()[:, 0] if spec is BINARY else logits.double().softmax(1)
    assert claims.brier.mean() == pytest.approx(brier_score_loss(target, given))
    assert claims.log_loss.mean() == pytest.approx(sklearn_log_loss(target, given))


def test_each_label_of_a_sample_is_an_element_and_what_does_not_count_is_none():
    spec = Spec((3,), "multilabel", 2)
    target = torch.tensor([[1.0, 0.0], [-100.0, 1.0], [1.0, 1.0]])
    batch = {"target": target, "weight": torch.tensor([1.0, 1.0, 0.0])}
    found = elements(spec, torch.arange(6.0).reshape(3, 2), batch, -100)
    assert found.sample.tolist() == [0, 0, 1]
    assert found.label.tolist() == [0, 1, 1]
    assert found.logits.flatten().tolist() == [0.0, 1.0, 3.0]
    assert found.target.tolist() == [1, 0, 1]
    assert found.samples == 3


def test_each_pixel_is_an_element():
    spec = Spec((1, 1, 2), "classes", 3, dense=True)
    logits = torch.tensor([[[[5.0, 0.0]], [[0.0, 6.0]], [[1.0, 2.0]]]])  # [1, 3, 1, 2]
    found = elements(spec, logits, {"target": torch.tensor([[[0, 2]]])}, None)
    assert found.logits.tolist() == [[5.0, 0.0, 1.0], [0.0, 6.0, 2.0]]
    assert found.claims().true.tolist() == [True, False]


def test_each_class_is_a_question_against_the_rest():
    logits = torch.tensor([[0.0, math.log(2), 0.0]])
    score, truth, label = elements(CLASSES, logits, {"target": torch.tensor([1])}, None).questions()
    assert score.tolist() == pytest.approx([-math.log(3), 0.0, -math.log(3)], abs=1e-6)
    assert truth.tolist() == [False, True, False]
    assert label.tolist() == [0, 1, 2]


def test_a_class_that_cannot_be_claims_nothing_and_the_others_all():
    logits = torch.tensor([[0.0, math.log(3), -math.inf]])
    found = elements(CLASSES, logits, {"target": torch.tensor([1])}, None).claims()
    assert found.log_loss.tolist() == pytest.approx([-math.log(0.75)])


@pytest.mark.parametrize(
    ("spec", "value"),
    [(BINARY, math.nan), (BINARY, -math.inf), (CLASSES, math.nan), (CLASSES, math.inf)],
)
def test_answers_that_are_not_finite_claim_nothing(spec, value):
    logits = torch.zeros(4, spec.outputs)
    logits[1:3, -1] = value
    target = torch.zeros(4, 1) if spec is BINARY else torch.zeros(4).long()
    text = r"the logits of 2 of the 4 answers in a batch are infinite or not a number \(NaN\)"
    with pytest.raises(UserError, match=text):
        elements(spec, logits, {"target": target}, None)
    weight = torch.tensor([1.0, 0.0, 0.0, 1.0])  # those that do not count do no harm
    assert len(elements(spec, logits, {"target": target, "weight": weight}, None).logits) == 2
