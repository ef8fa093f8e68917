"""An autoencoder trained by four terms at once, and what it means to scale one of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..losses.adversarial import adversarial_scores
from ..losses.term import Term
from ..models import MLP, VAE
from ..training.answer import Answer, Finding, Trained


class AdversarialVAE(nn.Module):
    """A VAE, and a discriminator that tells its reconstructions from the data.

    The discriminator learns in the same step, by the same loss and optimizer: the scores come from
    `adversarial_scores`.

    Args:
        input_shape: of one sample, in [0, 1].
        latent: number of latents.
        width: units of each hidden layer, of the discriminator too.

    Example:
        >>> outputs = AdversarialVAE((1, 8, 8), latent=2)(torch.rand(5, 1, 8, 8))
        >>> sorted(set(outputs) - {"mu", "logvar", "latent"})  # doctest: +NORMALIZE_WHITESPACE
        ['fake_logits', 'real_logits', 'reconstruction', 'reconstruction_logits',
         'reversed_logits']
    """

    def __init__(self, input_shape: Sequence[int], *, latent: int = 8, width: int = 128) -> None:
        super().__init__()
        self.vae = VAE(input_shape, latent=latent, width=width)
        features = torch.Size(input_shape).numel()
        self.discriminator = MLP(features, 1, width=width, depth=1)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """What the VAE gives, and the three scores, `[batch, 1]`."""
        outputs: dict[str, Tensor] = self.vae(input)
        generated = outputs["reconstruction"]
        return {**outputs, **adversarial_scores(self.discriminator, input, generated)}


def answer(trained: Trained, scaled: str = "absolute", scale: float = 20.0) -> Answer:
    """Each term's share of the gradient norm, with one term's weight as it is and scaled.

    Args:
        trained: the run.
        scaled: the term whose weight is changed.
        scale: by how much.

    Raises:
        UserError: there is no such term.
    """
    terms = {term.name: term for term in trained.objective.terms}
    if scaled not in terms:
        raise UserError(f"answer.scaled={scaled} is no term: there are {', '.join(terms)}")
    term = terms[scaled]
    norm = gradient_norm(trained, term)
    before = _shares(trained)
    with _scaled(term, scale, trained.loop.end):
        after = _shares(trained)
        ratio = gradient_norm(trained, term) / norm
    exact = abs(ratio / scale - 1) < 1e-4
    shares = [
        Finding(f"{name}_share", f"{name}: share of the gradient norm", f"{share:.1%} → {then:.1%}")
        for (name, share), then in zip(before.items(), after.values(), strict=True)
    ]
    rises = Finding(
        "scaled_share",
        f"{scaled}: share after",
        after[scaled],
        "more",
        after[scaled] > before[scaled],
    )
    says = f"∂/∂w of {scaled}: its norm at {scale:g} times the weight, over that before"
    chain = Finding("chain_rule", says, ratio, f"{scale:g}", exact)
    return Answer(
        (*shares, rises, chain),
        (_plot(trained, before, after, f"{scaled} × {scale:g}"),),
        "The gradient of weight · loss is weight · gradient of the loss: a weight scales a term's "
        "pull, and the shares of all others shrink.",
    )


def gradient_norm(trained: Trained, term: Term) -> float:
    """Of the term's contribution, on the first batch and with the same noise at every call."""
    step, batch = trained.loop.step, next(trained.loop.batches("train"))
    with step.leaving_no_trace():
        torch.manual_seed(0)
        _, value = step.evaluate(batch, trained.loop.end)
        parameters = list(trained.model.parameters())
        found = torch.autograd.grad(value.contributions[term.name], parameters, allow_unused=True)
    return float(nn.utils.get_total_norm([gradient for gradient in found if gradient is not None]))


def _shares(trained: Trained) -> dict[str, float]:
    step, batch = trained.loop.step, next(trained.loop.batches("train"))
    with step.leaving_no_trace():
        torch.manual_seed(0)
        return step.gradient_shares(batch, trained.loop.end)


@contextmanager
def _scaled(term: Term, scale: float, time: float) -> Iterator[None]:
    weight = term.weight
    term.weight = scale * term.weight_at(time)
    try:
        yield
    finally:
        term.weight = weight


def _plot(
    trained: Trained, before: Mapping[str, float], after: Mapping[str, float], changed: str
) -> Path:
    """The shares after each epoch, and those of the trained model as it is and scaled."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    over_time, bars = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
    names = list(before)
    curves = [trained.history[f"gradient_shares/{name}"][1] for name in names]
    epochs = range(1, len(curves[0]) + 1)
    over_time.stackplot(epochs, *curves, labels=names, alpha=0.85)
    over_time.set(xlabel="epoch", ylabel="share of the gradient norm", ylim=(0, 1))
    over_time.margins(x=0)
    bottom = [0.0, 0.0]
    for name in names:
        heights = [before[name], after[name]]
        bars.bar(("trained", changed), heights, bottom=bottom, alpha=0.85)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    figure.legend(*over_time.get_legend_handles_labels(), loc="outside right upper", frameon=False)
    path = trained.plot_path("shares")
    figure.savefig(path, dpi=110)
    return path
