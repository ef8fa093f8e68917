"""Which way a metric is to go; apart from the metrics, so that finding runs needs no torch."""

_LOWER_IS_BETTER = ("loss", "terms/", "rmse", "mae", "mse")


def mode_of(metric: str) -> str:
    """Whether a metric is to be made smaller (`min`) or larger (`max`).

    >>> mode_of("val/dice"), mode_of("val/rmse")
    ('max', 'min')
    """
    return "min" if any(word in metric for word in _LOWER_IS_BETTER) else "max"
