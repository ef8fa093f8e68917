"""Cells of two kinds side by side: which is taken for the other kind, and which stay apart."""

from pathlib import Path

import torch
from torch import Tensor

from ..data.border import connected
from ..errors import UserError
from ..training.answer import Answer, Finding, Trained

_OVERLAP = 0.5  # a cell is found alone where a patch of the answer overlaps it by more
_TOUCHED = 0.1  # share of a cell that another's patch may cover


def answer(trained: Trained, expensive: tuple[int, int] = (1, 2)) -> Answer:
    """The expensive error and its reverse, and how many of the cells are found one by one.

    Args:
        trained: the run.
        expensive: the true class and the answer that cost most.

    Raises:
        UserError: there are no such classes.
    """
    rows = trained.predict("test")
    target, found = rows["target"], rows["logits"].argmax(1)
    actual, said = expensive
    labels = trained.source.spec.labels
    if not {actual, said} <= set(range(len(labels))):
        raise UserError(
            f"answer.expensive={list(expensive)} names no two classes: expected 0 to "
            f"{len(labels) - 1}, for {', '.join(labels)}"
        )
    confusion = torch.stack(
        [found[target == c].bincount(minlength=len(labels)) for c in range(len(labels))]
    )
    rates = confusion / confusion.sum(1, keepdim=True).clamp(min=1)
    return Answer(
        (
            Finding(
                "expensive_error",
                f"share of pixels of {labels[actual]} cells called {labels[said]}",
                float(rates[actual, said]),
            ),
            Finding(
                "cheap_error",
                f"share of pixels of {labels[said]} cells called {labels[actual]}",
                float(rates[said, actual]),
            ),
            Finding(
                "separated",
                "share of touching cells found one by one",
                separated(target > 0, found > 0),
            ),
            Finding("dice", "dice, mean over the classes", float(trained.metrics["test/dice"])),
        ),
        (_plot(trained, rows["input"], target, found, rates),),
    )


def separated(cells: Tensor, found: Tensor) -> float:
    """The share of cells that are found one by one.

    Such a cell has a connected patch of the answer to itself: one that overlaps it by more than
    half (IoU), and no other cell by more than a tenth of that.

    >>> cells = torch.tensor([[[1, 1, 0, 1, 1]]]).bool()
    >>> separated(cells, cells), separated(cells, torch.ones_like(cells))
    (1.0, 0.0)
    >>> unequal = torch.tensor([[[1, 1, 1, 1, 1, 0, 1, 1]]]).bool()
    >>> separated(unequal, torch.ones_like(unequal))
    0.0

    Args:
        cells: where cells are, `[batch, height, width]`, bool; each connected patch is one.
        found: where the answer sees any, of the same shape.
    """
    alone = total = 0
    for true, answered in zip(cells, found, strict=True):
        true, answered = connected(true).long(), connected(answered).long()
        shape = (int(true.max()) + 1, int(answered.max()) + 1)
        pairs = (true * shape[1] + answered).flatten().bincount(minlength=shape[0] * shape[1])
        both = pairs.reshape(shape)
        either = both.sum(1, keepdim=True) + both.sum(0) - both
        overlap = (both / either)[1:, 1:]  # 0 is the background
        touches = (both / both.sum(1, keepdim=True))[1:, 1:] > _TOUCHED
        total += shape[0] - 1
        alone += int(((overlap > _OVERLAP) & (touches.sum(0) == 1)).sum())
    return alone / total if total else 0.0


def _plot(trained: Trained, image: Tensor, target: Tensor, found: Tensor, rates: Tensor) -> Path:
    """Some images, what was asked and what was answered, and the confusion matrix."""
    from matplotlib.figure import Figure

    shown = min(3, len(image))
    figure = Figure(figsize=(9, 2.4 * shown), layout="constrained")
    pictures, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(2.2, 1))[0]
    for row, axes in enumerate(pictures.subplots(shown, 3, squeeze=False)):
        axes[0].imshow(image[row, 0].numpy(), cmap="gray")
        axes[1].imshow(target[row].numpy(), vmin=0, vmax=len(rates) - 1, interpolation="nearest")
        axes[2].imshow(found[row].numpy(), vmin=0, vmax=len(rates) - 1, interpolation="nearest")
        for axis, title in zip(axes, ("image", "asked", "answered"), strict=True):
            axis.set_axis_off()
            if row == 0:
                axis.set_title(title, fontsize=9)
    matrix = right.subplots()
    matrix.imshow(rates.numpy(), cmap="Blues", vmin=0, vmax=1)
    for actual, shares in enumerate(rates.tolist()):
        for said, share in enumerate(shares):
            colour = "white" if share > 0.55 else "0.2"
            matrix.text(said, actual, f"{share:.1%}", ha="center", va="center", color=colour)
    labels = trained.source.spec.labels
    matrix.set_xticks(range(len(labels)), labels, rotation=30)
    matrix.set_yticks(range(len(labels)), labels)
    matrix.set(xlabel="answered", ylabel="true")
    path = trained.plot_path("confusion")
    figure.savefig(path, dpi=110)
    return path
