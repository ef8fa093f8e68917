"""A run's plots, drawn from what it has written down: `python -m losslab.analysis.plots RUN_DIR`.

losses.png       loss terms, their weights or balance, and the validation loss against steps
metrics.png      task metrics on the validation data
gradient_shares.png  who pulls the weights, with objective.gradient_shares=true
predictions.png  answers against what was asked: overlays, a confusion matrix, a scatter, or
reconstructions
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from ..training.journal import Curve, read_curves
from ..training.record import EXAMPLES
from ..training.tracker import JOURNAL

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

Series = Mapping[str, Curve]

_DPI = 110
_MOST_METRICS = 8
_HIT, _MISSED, _FALSE = (0.1, 0.75, 0.3), (0.15, 0.45, 1.0), (0.95, 0.2, 0.15)


def draw(run_dir: Path) -> None:
    """Draw all plots of a run into its folder `plots`."""
    folder = run_dir / "plots"
    folder.mkdir(exist_ok=True)
    series = read_curves(run_dir / JOURNAL)
    _save(draw_losses(series), folder / "losses.png")
    _save(draw_metrics(series), folder / "metrics.png")
    _save(draw_shares(series), folder / "gradient_shares.png")
    if (run_dir / EXAMPLES).exists():
        import numpy as np

        with np.load(run_dir / EXAMPLES) as examples:
            _save(draw_predictions(dict(examples)), folder / "predictions.png")


def _save(figure: Figure | None, path: Path) -> None:
    if figure is not None:
        figure.savefig(path, dpi=_DPI)


def draw_losses(series: Series) -> Figure | None:
    """Training and validation loss, each term, and below them the weights that change."""
    terms = [name for name in series if name.startswith("train/terms/")]
    weights = [name for name in series if name.startswith("weights/")]
    factors = [name for name in series if name.startswith("balance/")]
    if "train/loss" not in series:
        return None
    figure = Figure(figsize=(7, 5.5 if weights or factors else 4), layout="constrained")
    axes = figure.subplots(2 if weights or factors else 1, 1, sharex=True, squeeze=False)[:, 0]
    _line(axes[0], series, "train/loss", "training", color="0.25", linewidth=1.2)
    _line(axes[0], series, "val/loss", "validation", color="C3", marker="o", markersize=3)
    for name in terms:
        _line(axes[0], series, name, name.removeprefix("train/terms/"), linewidth=1, alpha=0.8)
    axes[0].set_ylabel("loss (terms before their weight)" if terms else "loss")
    if _spans_decades(series["train/loss"][1]):
        axes[0].set_yscale("log")
    for name in weights:
        _line(axes[1], series, name, name.removeprefix("weights/"))
    for name in factors:
        label = f"{name.removeprefix('balance/')}, by balance"
        _line(axes[1], series, name, label, marker="o", markersize=3)
    if weights or factors:
        axes[1].set_ylabel("weight")
    if factors and _spans_decades([value for name in factors for value in series[name][1]]):
        axes[1].set_yscale("log")
    _finish(axes)
    return figure


def _spans_decades(values: Sequence[float]) -> bool:
    """Whether they are positive, and too far apart for an axis without a logarithm."""
    known = [value for value in values if value == value]  # not NaN
    return bool(known) and min(known) > 0 and max(known) > 50 * min(known)


def draw_metrics(series: Series) -> Figure | None:
    """The task metrics on the validation data, those of one scale together."""
    skipped = ("val/loss", "val/terms/")
    names = [n for n in series if n.startswith("val/") and not n.startswith(skipped)]
    if not names:
        return None
    unit = [n for n in names if all(0 <= v <= 1 for v in series[n][1])][:_MOST_METRICS]
    groups = [unit, *([n] for n in names if n not in unit)][: 1 + 3]
    groups = [group for group in groups if group]
    figure = Figure(figsize=(7, 1 + 2.6 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for axis, group in zip(axes, groups, strict=True):
        for name in group:
            _line(axis, series, name, name.removeprefix("val/"), marker="o", markersize=3)
    _finish(axes)
    return figure


def draw_shares(series: Series) -> Figure | None:
    """Each term's share of the gradient norm, stacked; and whether two of them pull apart."""
    named = {n.partition("/")[2]: c for n, c in series.items() if n.startswith("gradient_shares/")}
    terms = [name for name in named if "/" not in name]
    cosines = [name for name in series if name.startswith("gradient_cosine/")]
    if len(terms) < 2:
        return None
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    steps = named[terms[0]][0]
    axes[0].stackplot(steps, *(named[term][1] for term in terms), labels=terms, alpha=0.85)
    axes[0].set(ylabel="share of the gradient norm", ylim=(0, 1))
    axes[0].margins(x=0)
    for name in cosines:
        label = " and ".join(name.split("/")[1:])
        _line(axes[1], series, name, label, marker="o", markersize=3)
    axes[1].axhline(0, color="0.6", linewidth=0.8, zorder=0)
    axes[1].set(ylabel="cosine (below 0: conflict)", ylim=(-1.05, 1.05))
    _finish(axes)
    for axis in axes:
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _line(axis: "Axes", series: Series, name: str, label: str, **style: Any) -> None:
    if name in series:
        axis.plot(*series[name], label=label, **style)


def _finish(axes: Any) -> None:
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
    axes[-1].set_xlabel("step")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)


def draw_predictions(examples: Mapping[str, "np.ndarray"]) -> Figure | None:
    """The picture that suits the task."""
    if "reconstruction" in examples:
        return draw_reconstructions(examples)
    kind, dense = str(examples["spec.target"]), bool(examples["spec.dense"])
    if "target" not in examples or not {"logits", "prediction"} & set(examples):
        return None
    if dense and kind != "real":
        return draw_overlays(examples)
    return draw_scatter(examples) if kind == "real" else draw_confusion(examples)


def draw_overlays(examples: Mapping[str, "np.ndarray"]) -> Figure:
    """Images with what was found (green), missed (blue) and falsely marked (red)."""
    import numpy as np

    images, target, answer = _masks(examples)
    shown = min(8, len(images))
    rows = -(-shown // 4)
    figure = Figure(figsize=(10, 2.7 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, image, actual, found in zip(axes, images[:shown], target, answer, strict=False):
        grey = image.mean(0)
        low, high = np.percentile(grey, (0.5, 99.5))
        picture = np.repeat(np.clip((grey - low) / max(high - low, 1e-6), 0, 1)[..., None], 3, -1)
        for marked, colour in (
            ((found == actual) & (actual > 0), _HIT),
            ((actual > 0) & (found != actual), _MISSED),
            ((actual == 0) & (found > 0), _FALSE),
        ):
            picture[marked] = 0.35 * picture[marked] + 0.65 * np.array(colour)
        axis.imshow(picture, interpolation="nearest")
        overlap = (
            2
            * ((found == actual) & (actual > 0)).sum()
            / max(((found > 0).sum() + (actual > 0).sum()), 1)
        )
        axis.set_title(f"dice {overlap:.2f}", fontsize=8)
    figure.suptitle("found (green), missed (blue), falsely marked (red)", fontsize=9)
    return figure


def _masks(examples: Mapping[str, "np.ndarray"]) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Images, and the class of each pixel as asked and as answered, `[samples, height, width]`."""
    logits, target = examples["logits"], examples["target"]
    if str(examples["spec.target"]) == "classes":
        return examples["input"], target, logits.argmax(1)
    return examples["input"], target.max(1) > 0.5, logits.max(1) > 0


def draw_confusion(examples: Mapping[str, "np.ndarray"]) -> Figure:
    """How often each class was taken for each other."""
    import numpy as np

    logits, target = examples["logits"], examples["target"]
    if logits.shape[1] == 1:
        answer, actual, classes = (logits[:, 0] > 0).astype(int), target.reshape(-1).astype(int), 2
    elif target.ndim == logits.ndim and target.shape[1] > 1:  # several labels: each on its own
        answer, actual, classes = (logits > 0).astype(int).ravel(), target.astype(int).ravel(), 2
    else:
        answer, actual, classes = logits.argmax(1), target.reshape(-1).astype(int), logits.shape[1]
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (actual, answer), 1)
    labels = [str(label) for label in examples["spec.labels"]]
    labels = labels if len(labels) == classes else [str(c) for c in range(classes)]
    side = 2.2 + 0.45 * classes
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axis = figure.subplots()
    rates = counts / counts.sum(1, keepdims=True).clip(1)
    axis.imshow(rates, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if rates[row, column] > 0.55 else "0.2"
        axis.text(column, row, str(count), ha="center", va="center", color=shade, fontsize=8)
    axis.set_xticks(range(classes), labels, rotation=45 if classes > 3 else 0, fontsize=8)
    axis.set_yticks(range(classes), labels, fontsize=8)
    axis.set_xlabel("answered")
    axis.set_ylabel("true")
    return figure


def draw_scatter(examples: Mapping[str, "np.ndarray"]) -> Figure:
    """Predictions against targets, one panel per output, in the units of the data."""
    import numpy as np

    prediction = np.moveaxis(examples["prediction"], 1, -1).reshape(
        -1, examples["prediction"].shape[1]
    )
    target = np.moveaxis(examples["target"], 1, -1).reshape(prediction.shape)
    if len(examples["spec.scale"]):
        prediction = prediction * examples["spec.scale"] + examples["spec.offset"]
        target = target * examples["spec.scale"] + examples["spec.offset"]
    outputs = prediction.shape[1]
    shown = min(outputs, 4)
    figure = Figure(figsize=(3.6 * shown + 0.4, 3.6), layout="constrained")
    axes = figure.subplots(1, shown, squeeze=False)[0]
    for index, axis in enumerate(axes):
        axis.scatter(target[:, index], prediction[:, index], s=9, alpha=0.5, linewidths=0)
        ends = [min(target[:, index].min(), prediction[:, index].min())]
        ends.append(max(target[:, index].max(), prediction[:, index].max()))
        axis.plot(ends, ends, color="0.6", linewidth=1)
        named = len(examples["spec.labels"]) == outputs
        name = str(examples["spec.labels"][index]) if named else "target"
        axis.set_xlabel(f"{name}, true")
        axis.set_ylabel(f"{name}, predicted")
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def draw_reconstructions(examples: Mapping[str, "np.ndarray"]) -> Figure:
    """Inputs above what the model made of them."""
    shown = min(10, len(examples["input"]))
    figure = Figure(figsize=(1.1 * shown, 2.4), layout="constrained")
    axes = figure.subplots(2, shown, squeeze=False)
    for column in range(shown):
        for row, name in enumerate(("input", "reconstruction")):
            image = examples[name][column]
            axis = axes[row, column]
            axis.imshow(image.mean(0) if image.ndim == 3 else image[None], cmap="gray")
            axis.set_axis_off()
    axes[0, 0].set_title("input", fontsize=8, loc="left")
    axes[1, 0].set_title("reconstruction", fontsize=8, loc="left")
    return figure


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
