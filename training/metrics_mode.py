"""Which way a metric is to go; apart from the metrics, so that finding runs needs no torch."""

_LESS = ("loss", "terms/", "rmse", "mae", "mse", "gap", "error", "deviance", "distance")


def mode_of(metric: str) -> str:
    """Whether a metric is to be made smaller (`min`) or larger (`max`).

    >>> mode_of("val/dice"), mode_of("val/rmse")
    ('max', 'min')
    """
    return "min" if any(word in metric for word in _LESS) else "max"


def sign_of(metric: str) -> int:
    """1 if more of the metric is better, −1 if less is."""
    return -1 if mode_of(metric) == "min" else 1


def monitored(asked: str, headline: str) -> str:
    """The metric that chooses the best epoch: the one asked for, or with `auto` the task's own.

    >>> monitored("auto", "dice"), monitored("loss", "dice")
    ('val/dice', 'val/loss')
    """
    name = headline if asked == "auto" else asked
    return name if name.startswith("val/") else f"val/{name}"
