"""Task metrics against scikit-learn 1.9.1."""

import pytest
import torch
from losslab.data.spec import Spec
from losslab.training.metrics import (
    Binary,
    Classes,
    NoMetrics,
    Reconstruction,
    Regression,
    auroc,
    metrics_for,
)
from losslab.training.metrics_mode import mode_of
from sklearn import metrics as sk

BINARY = Spec((4,), "binary", 1)
MASK = Spec((1, 8, 8), "binary", 1, dense=True)
CLASSES = Spec((4,), "classes", 5)


def halves(tensors):
    """The same samples as two batches of unequal size."""
    yield {name: t[:7] for name, t in tensors.items()}
    yield {name: t[7:] for name, t in tensors.items()}


def fill(metrics, name, answer, target, **more):
    for batch in halves({name: answer, "target": target, **more}):
        metrics.update({name: batch.pop(name)}, batch)
    return metrics.compute()


def test_binary_equals_scikit_learn():
    torch.manual_seed(0)
    logits, target = torch.randn(40, 1), torch.randint(0, 2, (40, 1))
    got = fill(Binary(1, dense=False), "logits", logits, target)
    answer = (logits > 0).int()
    assert got == pytest.approx(
        {
            "f1": sk.f1_score(target, answer),
            "accuracy": sk.accuracy_score(target, answer),
            "precision": sk.precision_score(target, answer),
            "recall": sk.recall_score(target, answer),
            "auroc": sk.roc_auc_score(target, logits),
        },
        rel=1e-12,
    )


def test_several_labels_are_averaged_as_scikit_learns_macro():
    torch.manual_seed(1)
    logits, target = torch.randn(40, 3), torch.randint(0, 2, (40, 3))
    got = fill(Binary(3, dense=False), "logits", logits, target)
    answer = (logits > 0).int()
    assert got["f1"] == pytest.approx(sk.f1_score(target, answer, average="macro"))
    assert got["recall"] == pytest.approx(sk.recall_score(target, answer, average="macro"))


def test_masks_pool_all_pixels():
    torch.manual_seed(2)
    logits, target = torch.randn(10, 1, 8, 8), torch.randint(0, 2, (10, 1, 8, 8))
    got = fill(Binary(1, dense=True), "logits", logits, target)
    answer, actual = (logits > 0).int().flatten(), target.flatten()
    assert got["dice"] == pytest.approx(sk.f1_score(actual, answer))
    assert got["iou"] == pytest.approx(sk.jaccard_score(actual, answer))


def test_classes_equal_scikit_learn():
    torch.manual_seed(3)
    logits, target = torch.randn(60, 5), torch.randint(0, 5, (60,))
    got = fill(Classes(5, dense=False), "logits", logits, target)
    answer = logits.argmax(1)
    assert got == pytest.approx(
        {
            "accuracy": sk.accuracy_score(target, answer),
            "f1": sk.f1_score(target, answer, average="macro"),
            "precision": sk.precision_score(target, answer, average="macro", zero_division=0),
            "recall": sk.recall_score(target, answer, average="macro", zero_division=0),
        },
        rel=1e-12,
    )


def test_dense_classes_give_dice_and_iou():
    torch.manual_seed(4)
    logits, target = torch.randn(9, 3, 4, 4), torch.randint(0, 3, (9, 4, 4))
    got = fill(Classes(3, dense=True), "logits", logits, target)
    answer = logits.argmax(1).flatten()
    assert got["dice"] == pytest.approx(sk.f1_score(target.flatten(), answer, average="macro"))
    assert got["iou"] == pytest.approx(sk.jaccard_score(target.flatten(), answer, average="macro"))


def test_ignored_and_weightless_elements_do_not_count():
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    target = torch.tensor([0, 1, -1, 1])
    metrics = Classes(2, dense=False, ignore_index=-1)
    batch = {"target": target, "weight": torch.tensor([1.0, 1.0, 1.0, 0.0])}
    metrics.update({"logits": logits}, batch)
    assert metrics.compute()["accuracy"] == 1.0


def test_regression_is_told_in_the_units_of_the_data():
    torch.manual_seed(5)
    raw = torch.randn(30, 2) * torch.tensor([10.0, 2.0]) + torch.tensor([100.0, -3.0])
    guess = raw + torch.randn(30, 2)
    offset, scale = torch.tensor([100.0, -3.0]), torch.tensor([10.0, 2.0])
    spec = Spec((4,), "real", 2, labels=("a", "b"), offset=(100.0, -3.0), scale=(10.0, 2.0))
    got = fill(Regression(spec), "prediction", (guess - offset) / scale, (raw - offset) / scale)
    rmse = sk.root_mean_squared_error(raw, guess, multioutput="raw_values").mean()
    assert got["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert got["mae"] == pytest.approx(sk.mean_absolute_error(raw, guess), rel=1e-5)
    assert got["r2"] == pytest.approx(sk.r2_score(raw, guess), rel=1e-5)
    assert got["mae_a"] == pytest.approx((raw - guess)[:, 0].abs().mean().item(), rel=1e-5)


def test_reconstruction_against_the_mean_image():
    torch.manual_seed(6)
    images = torch.rand(20, 1, 3, 3)
    mean = images.mean(0, keepdim=True).expand_as(images)
    metrics = Reconstruction()
    for batch, answer in zip(images.split(7), mean.split(7), strict=True):
        metrics.update({"reconstruction": answer}, {"input": batch})
    assert metrics.compute()["r2"] == pytest.approx(0.0, abs=1e-6)
    perfect = Reconstruction()
    perfect.update({"reconstruction": images}, {"input": images})
    assert perfect.compute() == {"mse": 0.0, "r2": 1.0}


def test_auroc_with_ties_equals_scikit_learn():
    torch.manual_seed(7)
    scores, positive = torch.randint(0, 5, (50,)).float(), torch.rand(50) > 0.6
    assert auroc(scores, positive) == pytest.approx(sk.roc_auc_score(positive, scores), rel=1e-12)


def test_auroc_of_one_class_alone_is_a_half():
    assert auroc(torch.rand(5), torch.ones(5, dtype=torch.bool)) == 0.5


@pytest.mark.parametrize(
    ("spec", "outputs", "kind"),
    [
        pytest.param(BINARY, {"logits": torch.zeros(1, 1)}, Binary, id="binary"),
        pytest.param(BINARY, {"logits": torch.zeros(1, 2)}, Classes, id="binary-as-two-classes"),
        pytest.param(CLASSES, {"logits": torch.zeros(1, 5)}, Classes, id="classes"),
        pytest.param(
            Spec((4,), "real", 1), {"prediction": torch.zeros(1, 1)}, Regression, id="real"
        ),
        pytest.param(
            CLASSES, {"reconstruction": torch.zeros(1, 4)}, Reconstruction, id="reconstruction"
        ),
        pytest.param(CLASSES, {"mixture": torch.zeros(1, 4)}, NoMetrics, id="unknown-output"),
    ],
)
def test_the_metrics_suit_target_and_outputs(spec, outputs, kind):
    assert isinstance(metrics_for(spec, outputs, None), kind)


def test_without_metrics_the_loss_is_the_headline():
    metrics = NoMetrics()
    metrics.update({}, {})
    assert metrics.compute() == {}
    assert metrics.headline == "loss"


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("val/loss", "min"),
        ("val/mae_angle", "min"),
        ("val/terms/dice", "min"),
        ("val/f1", "max"),
        ("val/r2", "max"),
    ],
)
def test_the_mode_of_a_metric(metric, mode):
    assert mode_of(metric) == mode


def test_one_hot_targets_count_like_indices():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 5, generator=generator)
    target = torch.randint(0, 5, (20,), generator=generator)
    indices, one_hot = Classes(5, False), Classes(5, False)
    fill(indices, "logits", logits, target)
    fill(one_hot, "logits", logits, torch.nn.functional.one_hot(target, 5).float())
    assert torch.equal(indices.confusion, one_hot.confusion)
