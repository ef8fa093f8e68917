"""A ring of spins made fine again, and the energy of the answer as a term of the loss."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..data.ising import energy_per_spin, exact_energy
from ..training.answer import Answer, Finding, Trained

_DRAWS = 20  # rings drawn from each answer


def expected_energy(logits: Tensor) -> Tensor:
    r"""The energy per spin that is expected of spins drawn from the model's probabilities.

    With $p = \sigma(z)$ for a spin up its mean is $2p - 1 = \tanh(z / 2)$, and spins that are drawn
    each on its own have $\mathbb{E}[s_i s_j]$ equal to the product of their means.

    >>> expected_energy(torch.tensor([[50.0, 50.0, 50.0, 50.0], [0.0, 0.0, 0.0, 0.0]]))
    tensor([-1., -0.])

    Args:
        logits: $z$, `[batch, spins]`.
    """
    return energy_per_spin(torch.tanh(logits / 2))


def energy_gap(logits: Tensor, target: Tensor) -> Tensor:
    """Squared difference of the answer's energy per spin from the true one's, `[batch]`.

    Args:
        logits: of a spin up, `[batch, spins]`.
        target: 1 for a spin up and 0 for one down, `[batch, spins]`.
    """
    return (expected_energy(logits) - energy_per_spin(2 * target - 1)).square()


def detached_energy_gap(logits: Tensor, target: Tensor) -> Tensor:
    """The same number from answers that are cut off from the model: it teaches nothing.

    Args:
        logits: of a spin up, `[batch, spins]`.
        target: 1 for a spin up and 0 for one down, `[batch, spins]`.
    """
    return energy_gap(logits.detach(), target)


def answer(trained: Trained) -> Answer:
    """The energies of rings that are drawn from the answers, against the true ones."""
    from scipy.stats import wasserstein_distance

    rows = trained.predict("test")
    true = energy_per_spin(2 * rows["target"] - 1)
    drawn = energy_per_spin(_draw(rows["logits"]))
    probability = rows["logits"].sigmoid()
    certain = energy_per_spin((probability > 0.5) * 2.0 - 1)
    ring = rows["target"].shape[1]
    exact = exact_energy(ring, trained.config["data"]["beta"])
    error = true.std() / len(true) ** 0.5
    away = abs(float(true.mean()) - exact) / float(error)
    energies = {"true": true, "drawn from the model": drawn}
    gap = abs(float(drawn.mean() - true.mean()))
    return Answer(
        (
            Finding("exact", "exact energy per spin of a ring", exact),
            Finding(
                "sampled",
                f"energy of the sampled rings, ± {error:.3f}",
                float(true.mean()),
                "within 3 standard errors",
                away < 3,
            ),
            Finding("model", "energy of rings drawn from the answers", float(drawn.mean())),
            Finding("certain", "energy of the likelier answers", float(certain.mean())),
            Finding("energy_gap", "difference of the mean energies", gap),
            Finding(
                "histogram_gap",
                "distance of the two histograms (Wasserstein)",
                float(wasserstein_distance(true, drawn)),
            ),
            Finding("gradient", "norm of the energy term's gradient", _gradient_norm(trained)),
        ),
        (_plot(trained, energies),),
    )


def _draw(logits: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    probability = logits.sigmoid().repeat(_DRAWS, 1)
    return 2.0 * (torch.rand(probability.shape, generator=generator) < probability) - 1


def _gradient_norm(trained: Trained) -> float:
    """Of the term `energy`, with its weight, on one batch; 0 where it is cut off."""
    step = trained.loop.step
    batch = next(trained.loop.batches("train"))
    _, value = step.evaluate(batch, trained.loop.end)
    contribution = value.contributions["energy"]
    if not contribution.requires_grad:
        return 0.0
    found = torch.autograd.grad(contribution, list(trained.model.parameters()))
    return float(torch.cat([gradient.flatten() for gradient in found]).norm())


def _plot(trained: Trained, energies: Mapping[str, Tensor]) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    spins = trained.source.spec.outputs
    apart = 4 / spins  # a pair of walls more or less
    bins = [-1 + apart * (place - 0.5) for place in range(spins // 2 + 2)]
    for (name, values), colour in zip(energies.items(), ("0.75", "C0"), strict=True):
        axes.hist(
            values.tolist(),
            bins,
            weights=[1 / len(values)] * len(values),
            histtype="stepfilled" if name == "true" else "step",
            color=colour,
            label=name,
        )
        axes.axvline(float(values.mean()), color=colour, linestyle="--", linewidth=1)
    axes.set(xlabel="energy per spin", ylabel="share of rings", xlim=(-1.05, 0.2))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    path = trained.plot_path("energies")
    figure.savefig(path, dpi=110)
    return path
