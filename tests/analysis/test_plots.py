"""Plots: the right picture for each task, drawn from a run's directory."""

import numpy as np
import pytest
from losslab.analysis.plots import (
    draw,
    draw_losses,
    draw_metrics,
    draw_predictions,
    draw_shares,
)
from losslab.training.journal import Journal


def examples(kind, dense=False, labels=(), offset=(), scale=(), **arrays):
    spec = {"target": kind, "dense": dense, "labels": labels, "offset": offset, "scale": scale}
    return {**arrays, **{f"spec.{name}": np.asarray(value) for name, value in spec.items()}}


G = np.random.default_rng(0)
CASES = {
    "confusion-binary": (
        examples("binary", target=G.integers(0, 2, (20, 1)), logits=G.normal(size=(20, 1))), 1
    ),
    "confusion-classes": (
        examples("classes", target=G.integers(0, 4, 20), logits=G.normal(size=(20, 4))), 1
    ),
    "confusion-labels": (
        examples("multilabel", target=G.integers(0, 2, (20, 3)), logits=G.normal(size=(20, 3))), 1
    ),
    "overlay-binary": (
        examples(
            "binary", True, input=G.normal(size=(5, 1, 8, 8)),
            target=G.integers(0, 2, (5, 1, 8, 8)), logits=G.normal(size=(5, 1, 8, 8)),
        ), 8,
    ),
    "overlay-classes": (
        examples(
            "classes", True, input=G.normal(size=(3, 3, 8, 8)),
            target=G.integers(0, 3, (3, 8, 8)), logits=G.normal(size=(3, 3, 8, 8)),
        ), 4,
    ),
    "scatter": (
        examples(
            "real", labels=("a", "b"), target=G.normal(size=(20, 2)),
            prediction=G.normal(size=(20, 2)), offset=(1.0, 2.0), scale=(3.0, 4.0),
        ), 2,
    ),
    "reconstruction-image": (
        examples(
            "classes", input=G.random((12, 1, 8, 8)), reconstruction=G.random((12, 1, 8, 8)),
        ), 20,
    ),
    "reconstruction-row": (
        examples("real", input=G.random((3, 6)), reconstruction=G.random((3, 6))), 6
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arrays", "panels"), CASES.values(), ids=CASES)
def test_every_task_has_its_picture(arrays, panels):
    figure = draw_predictions(arrays)
    assert len(figure.axes) == panels
    figure.canvas.draw()


def test_a_confusion_matrix_counts():
    arrays = examples(
        "binary",
        labels=("no", "yes"),
        target=np.array([[0], [0], [1]]),
        logits=np.array([[-1.0], [2.0], [3.0]]),
    )
    (axis,) = draw_predictions(arrays).axes
    assert [text.get_text() for text in axis.texts] == ["1", "1", "0", "1"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["no", "yes"]


def test_a_scatter_is_in_the_units_of_the_data():
    arrays = examples(
        "real", target=np.array([[1.0]]), prediction=np.array([[2.0]]), offset=(10.0,), scale=(5.0,)
    )
    (axis,) = draw_predictions(arrays).axes
    assert axis.collections[0].get_offsets().tolist() == [[15.0, 20.0]]


def test_an_unknown_task_has_no_picture():
    assert draw_predictions(examples("real", mixture=np.zeros((2, 2)))) is None


def test_changing_weights_have_a_panel_of_their_own():
    steps = [1, 2, 3]
    series = {"train/loss": (steps, [3.0, 2.0, 1.0])}
    assert len(draw_losses(series).axes) == 1
    series["weights/kl"] = (steps, [0.0, 0.5, 1.0])
    assert len(draw_losses(series).axes) == 2


def test_factors_of_a_balance_far_apart_have_a_logarithmic_panel():
    series = {"train/loss": ([1, 2], [3.0, 2.0]), "balance/mse": ([1, 2], [1.0, 1.99])}
    _, below = draw_losses(series | {"balance/kl": ([1, 2], [1.0, 0.5])}).axes
    assert below.get_yscale() == "linear"
    _, below = draw_losses(series | {"balance/kl": ([1, 2], [1.0, 0.01])}).axes
    assert below.get_yscale() == "log"
    assert [text.get_text() for text in below.get_legend().get_texts()] == [
        "mse, by balance", "kl, by balance"
    ]  # fmt: skip


def test_without_numbers_there_is_no_plot():
    assert draw_losses({}) is None
    assert draw_metrics({"train/loss": ([1], [1.0])}) is None


def test_metrics_of_another_scale_have_a_panel_of_their_own():
    series = {"val/r2": ([1], [0.5]), "val/rmse": ([1], [50.0]), "val/mae": ([1], [40.0])}
    assert len(draw_metrics(series).axes) == 3


def test_a_run_is_drawn_from_its_directory(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.metrics([("train/loss", 1.0 / step, step) for step in range(1, 9)])
    journal.metrics([("val/loss", float("nan"), 4), ("val/f1", 0.5, 4), ("val/f1", 0.75, 8)])
    journal.close()
    np.savez(tmp_path / "examples.npz", **CASES["scatter"][0])
    draw(tmp_path)
    assert sorted(p.name for p in (tmp_path / "plots").iterdir()) == [
        "losses.png", "metrics.png", "predictions.png",
    ]  # fmt: skip


def test_shares_are_stacked_to_one_and_conflicts_stand_below():
    series = {
        "gradient_shares/bce": ([7, 14], [0.25, 0.5]),
        "gradient_shares/l2": ([7, 14], [0.75, 0.5]),
        "gradient_shares/bce/layers": ([7, 14], [0.1, 0.2]),
        "gradient_cosine/bce/l2": ([7, 14], [-0.5, 0.5]),
    }
    shares, cosines = draw_shares(series).axes
    legend = [text.get_text() for text in shares.get_legend().get_texts()]
    assert legend == ["bce", "l2"]
    top = shares.collections[1].get_paths()[0].vertices[:, 1]
    assert (top.max(), top.min()) == (1.0, 0.25)
    assert list(cosines.lines[0].get_ydata()) == [-0.5, 0.5]
    assert cosines.lines[0].get_label() == "bce and l2"


def test_of_one_term_there_are_no_shares_to_draw():
    assert draw_shares({"gradient_shares/bce": ([7], [1.0])}) is None
