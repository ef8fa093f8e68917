"""REINFORCE on CartPole; a loss whose value means nothing, and whose gradient does."""

from pathlib import Path

from ..training.answer import Answer, Finding, Trained

SOLVED = 475.0  # the mean return at which Gymnasium calls CartPole-v1 solved


def answer(trained: Trained) -> Answer:
    """How long the pole stays up, and whether the loss told so."""
    mean = trained.metrics["test/return"]
    episodes = trained.source.size("test")
    losses = trained.history["train/loss"][1]
    below = sum(loss < 0 for loss in losses) / len(losses)
    return Answer(
        (
            Finding(
                "return",
                f"mean return over {episodes} episodes",
                mean,
                f"≥ {SOLVED:g}",
                mean >= SOLVED,
            ),
            Finding("spread", "its standard deviation", trained.metrics["test/spread"]),
            Finding("negative_share", "share of the logged losses that are below 0", below),
            Finding("first_loss", "loss of the first updates", losses[0]),
            Finding("last_loss", "loss of the last updates", losses[-1]),
        ),
        plots=(_draw(trained),),
        conclusion="The returns are standardised, so some actions are praised and others blamed: "
        "the loss may have either sign, and no value of it is good. Its gradient makes the praised "
        "ones likelier.",
    )


def _draw(trained: Trained) -> Path:
    """Return and loss against updates, one above the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(*trained.history["val/return"], marker="o", markersize=3, color="C2")
    above.axhline(SOLVED, color="0.6", linewidth=1, linestyle="--")
    above.set_ylabel("mean return")
    below.plot(*trained.history["train/loss"], linewidth=1, color="0.25")
    below.axhline(0, color="0.6", linewidth=1, linestyle="--")
    below.set_ylabel("loss")
    below.set_xlabel("update")
    for axis in (above, below):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    path = trained.plot_path("return_and_loss")
    figure.savefig(path, dpi=110)
    return path
