"""Two lists made from trainable matrices, whose ranks are to agree."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..training.answer import Answer, Finding, Trained
from ..training.assemble import build_model

_WANTED = 0.99


class TwoLists(nn.Module):
    r"""Two numbers for each pair of items, from two trainable matrices.

    A column $a$, `[features, 1]`, whose outer product $a a^\top$ is a matrix of rank one, and $B$,
    `[items, features]`, a row for each item. For the pair $(i, j)$

    $$u_{ij} = b_i^\top (a a^\top)\, b_j, \qquad v_{ij} = -\lVert b_i - b_j \rVert$$

    are how alike the items are to the rank-one matrix, and how near they are to each other.

    Args:
        items: rows of $B$.
        features: length of $a$.

    Example:
        >>> model = TwoLists(items=3, features=2)
        >>> {name: tuple(x.shape) for name, x in model(torch.tensor([[0, 1], [1, 2]])).items()}
        {'prediction': (2, 1), 'target': (2, 1)}
    """

    def __init__(self, items: int = 12, features: int = 20) -> None:
        super().__init__()
        self.column = nn.Parameter(torch.randn(features, 1))
        self.rows = nn.Parameter(torch.randn(items, features))

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """The lists $u$ and $v$, `[pairs, 1]` each, of pairs `[pairs, 2]`."""
        first, second = self.rows[input[:, 0]], self.rows[input[:, 1]]
        outer = self.column @ self.column.T
        alike = ((first @ outer) * second).sum(1, keepdim=True)
        near = -torch.linalg.vector_norm(first - second, dim=1, keepdim=True)
        return {"prediction": alike, "target": near}


def hard_spearman(prediction: Tensor, target: Tensor) -> Tensor:
    """One minus the correlation of hard ranks: the number that is wanted, without a gradient."""
    ranks = [x.flatten().argsort().argsort().float() for x in (prediction, target)]
    first, second = (rank - rank.mean() for rank in ranks)
    return 1 - torch.cosine_similarity(first, second, dim=0)


def answer(trained: Trained) -> Answer:
    """The rank correlation of the two lists, before and after, and the gradient of hard ranks."""
    pairs = trained.predict("train")["input"]
    before, after = _lists(_untrained(trained), pairs), _lists(trained.model, pairs)
    reached = spearman(after)
    sides = {name: side.detach().requires_grad_() for name, side in after.items()}
    hard = hard_spearman(**sides).requires_grad
    names = " + ".join(term.name for term in trained.objective.terms)
    return Answer(
        (
            Finding("spearman_before", "Spearman's correlation before training", spearman(before)),
            Finding(
                "spearman",
                "Spearman's correlation after it",
                reached,
                f">= {_WANTED}",
                reached >= _WANTED,
            ),
            Finding("hard_gradient", "hard ranks let a gradient through", "yes" if hard else "no"),
        ),
        (_plot(trained, before, after),),
        f"{names} has a gradient and takes the ranks along; argsort has none.",
    )


def spearman(lists: Mapping[str, Tensor]) -> float:
    """SciPy's rank correlation of the two lists.

    >>> first, second = torch.tensor([[1.0], [9.0]]), torch.tensor([[2.0], [3.0]])
    >>> spearman({"prediction": first, "target": second})
    1.0
    """
    from scipy.stats import spearmanr

    first, second = (lists[name].detach().cpu().flatten() for name in ("prediction", "target"))
    return round(float(spearmanr(first, second).statistic), 6)


def _untrained(trained: Trained) -> nn.Module:
    """The model as the run began."""
    with torch.random.fork_rng():
        torch.manual_seed(trained.config["seed"])
        return build_model(trained.config, trained.source.spec)


def _lists(model: nn.Module, pairs: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        return {name: side.cpu() for name, side in model.cpu()(pairs).items()}


def _plot(trained: Trained, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    panels = zip(figure.subplots(1, 2), (before, after), ("before", "after"), strict=True)
    for axes, lists, title in panels:
        ranks = [lists[name].flatten().argsort().argsort() for name in ("prediction", "target")]
        axes.plot(*ranks, ".", markersize=5)
        axes.set(xlabel="rank of u", title=f"{title}: {spearman(lists):.3f}", aspect="equal")
    figure.axes[0].set_ylabel("rank of v")
    path = trained.plot_path("ranks")
    figure.savefig(path, dpi=110)
    return path
