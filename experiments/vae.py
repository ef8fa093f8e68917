"""A variational autoencoder whose KL weight follows a schedule: what it is worth at weight 1."""

import math
from pathlib import Path

import torch
from torch import Tensor

from ..losses import bce, gaussian_kl
from ..training.answer import Answer, Finding, Trained

_DRAWS = 16  # latents drawn for each test sample
_COLLAPSED = 0.01  # nats; a latent that carries less says nothing about the input


def answer(trained: Trained) -> Answer:
    """The test data's ELBO at KL weight 1, whatever the schedule, and what each latent carries."""
    rows = trained.predict("test")
    per_latent = gaussian_kl(rows["mu"], rows["logvar"]).mean(0)
    kl = float(per_latent.sum())
    reconstruction = reconstruction_error(trained, rows)
    active = int((per_latent > _COLLAPSED).sum())
    return Answer(
        (
            Finding("elbo", "ELBO of the test data at KL weight 1, in nats", -reconstruction - kl),
            Finding("reconstruction_loss", "its reconstruction part, negative", reconstruction),
            Finding("kl", "its KL: nats that all latents carry", kl),
            Finding(
                "active", f"latents of {len(per_latent)} that carry > {_COLLAPSED} nats", active
            ),
        ),
        (_plot(trained, per_latent),),
    )


def reconstruction_error(trained: Trained, rows: dict[str, Tensor]) -> float:
    """−log p(x | h) in nats, the mean over latents that are drawn, not of the mean latent."""
    model = trained.model
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    total = 0.0
    with torch.no_grad():
        for _ in range(_DRAWS):
            noise = torch.randn(rows["mu"].shape, generator=generator)
            latent = rows["mu"] + torch.exp(0.5 * rows["logvar"]) * noise
            logits = model.decoder(latent.to(device)).cpu().reshape(rows["input"].shape)  # type: ignore[operator]  # of VAE
            total += float(bce(logits, rows["input"]).flatten(1).sum(1).mean())
    return total / _DRAWS


def _plot(trained: Trained, per_latent: Tensor) -> Path:
    """The KL weight over time, the KL that came of it, and what each latent carries in the end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    weight, kl, bars = figure.subplots(1, 3)
    (term,) = (term for term in trained.objective.terms if term.name == "kl")
    epochs = trained.config["trainer"]["epochs"]
    times = [epochs * i / 400 for i in range(400)]
    weight.plot(times, [term.weight_at(time) for time in times])
    weight.set(xlabel="epoch", ylabel="weight of the KL", ylim=(-0.05, 1.1))
    steps, values = trained.history["val/terms/kl"]
    last = max(steps[-1], 1)
    kl.plot([len(steps) * step / last for step in steps], values)
    kl.set(xlabel="epoch", ylabel="KL of the validation data, nats", ylim=(0, None))
    ordered = per_latent.sort(descending=True).values.tolist()
    bars.bar(range(1, len(ordered) + 1), ordered)
    bars.axhline(math.log(2), color="0.6", linewidth=1, linestyle=":", label="one bit")
    bars.set(xlabel="latent, by what it carries", ylabel="KL, nats")
    bars.legend(frameon=False)
    for axes in (weight, kl, bars):
        axes.spines[["top", "right"]].set_visible(False)
    path = trained.plot_path("latents")
    figure.savefig(path, dpi=110)
    return path
