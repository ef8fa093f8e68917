import math

import pytest
import torch
from losslab.analysis.threshold import Rule, Scored, apply, choose, read_rule, scored
from losslab.errors import UserError
from sklearn.metrics import f1_score, precision_recall_curve

SCORE = torch.tensor([3.0, 2.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0]).double()
POSITIVE = torch.tensor([1, 1, 0, 1, 0, 1, 0, 0]).bool()


def of(score, positive):
    return Scored(score, positive, torch.arange(len(score)), len(score), dense=False)


def drawn(n=300):
    generator = torch.Generator().manual_seed(0)
    positive = torch.rand(n, generator=generator) < 0.2
    noise = torch.randn(n, generator=generator).double()
    return of((positive * 1.5 + noise).round(decimals=1), positive)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("best_f1", Rule("f1")),
        ("precision>=0.9", Rule("precision", 0.9)),
        ("recall >= 1", Rule("recall", 1.0)),
        ("0.37", Rule("threshold", 0.37)),
    ],
)
def test_rules_are_read(text, rule):
    assert read_rule(text) == rule
    assert read_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("best", r"--threshold is best_f1, precision>=0.9, recall>=0.8, or a number"),
        ("precision", r"Put it in quotes: the shell takes > for itself"),
        ("1.2.3", r"--threshold is best_f1"),
        ("1", r"--threshold 1: the number must lie between 0 and 1"),
        ("recall>=0", r"the number must lie between 0 and 1"),
    ],
)
def test_what_is_no_rule_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        read_rule(text)


@pytest.mark.parametrize(
    ("rule", "cut"),
    [
        ("best_f1", -1.5),  # 4 of 6 right, none missed: F1 0.8
        ("precision>=0.75", 0.5),  # 3 of 4 right
        ("precision>=1", 2.5),
        ("recall>=0.75", 0.5),
        ("recall>=1", -1.5),
        ("0.5", 0.0),
    ],
)
def test_cuts_lie_between_two_scores(rule, cut):
    assert choose(of(SCORE, POSITIVE), read_rule(rule)) == pytest.approx(cut)


def test_the_best_f1_is_scikit_learns():
    """scikit-learn 1.9.1, over all thresholds of its precision-recall curve."""
    data = drawn()
    _, _, thresholds = precision_recall_curve(data.positive, data.score)
    best = max(f1_score(data.positive, data.score >= t) for t in thresholds)
    found = apply(Rule("f1"), data, data)
    assert found.values["f1"] == pytest.approx(best)


@pytest.mark.parametrize(("metric", "other"), [("precision", "recall"), ("recall", "precision")])
def test_what_is_wanted_is_reached_at_the_best_of_the_other(metric, other):
    data = drawn()
    precision, recall, _ = precision_recall_curve(data.positive, data.score)
    curve = {"precision": precision[:-1], "recall": recall[:-1]}
    found = apply(Rule(metric, 0.6), data, data)
    assert found.values[metric] >= 0.6
    assert found.values[other] == pytest.approx(curve[other][curve[metric] >= 0.6].max())


def test_what_can_not_be_reached_says_what_can():
    negative_on_top = of(torch.tensor([2.0, 1.0, 0.0]).double(), torch.tensor([0, 1, 0]).bool())
    with pytest.raises(UserError, match=r"largest precision is 0.5, with a recall of 1"):
        choose(negative_on_top, Rule("precision", 0.9))
    with pytest.raises(UserError, match=r"the split it is chosen on has no positive"):
        choose(of(SCORE, torch.zeros(8).bool()), Rule("f1"))


def test_it_is_chosen_on_one_split_and_judged_on_another():
    validation, test = drawn(), of(SCORE, POSITIVE)
    found = apply(Rule("recall", 0.9), test, validation)
    assert found.cut == choose(validation, Rule("recall", 0.9))
    assert found.chosen["recall"] >= 0.9
    assert found.samples == 300
    assert found.values["recall"] == float((found.cut < SCORE)[POSITIVE].double().mean())
    assert found.threshold == pytest.approx(1 / (1 + math.exp(-found.cut)))


def test_two_channels_are_one_score_and_what_does_not_count_is_left_out():
    logits = torch.tensor([[1.0, 4.0], [2.0, 0.0], [0.0, 9.0]])
    target = torch.tensor([[1.0], [0.0], [1.0]])
    found = scored([logits], [target], [torch.tensor([[True], [True], [False]])], dense=False)
    assert found.score.tolist() == [3.0, -2.0]
    assert found.counts(0.0).tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_a_dense_target_is_counted_image_by_image():
    logits = torch.tensor([[[[1.0, -1.0]]], [[[1.0, 1.0]]]])
    target = torch.tensor([[[[1.0, 1.0]]], [[[0.0, 1.0]]]])
    found = scored([logits], [target], [torch.ones_like(target).bool()], dense=True)
    assert found.counts(0.0).tolist() == [[1, 0, 1, 0], [1, 1, 0, 0]]
    assert apply(Rule("threshold", 0.5), found, None).values["dice"] == pytest.approx(4 / 6)
