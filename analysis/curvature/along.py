"""Curvature along training: two numbers every few epochs."""

from collections.abc import Callable

from ...data.source import Source
from ...errors import UserError
from ...training.step import EagerStep
from .eigenvalues import extreme_eigenvalues
from .hessian import Hessian
from .subject import subject_of
from .trace import trace

SAMPLES = 256
PRODUCTS = 30  # for the trace


def along_training(source: Source) -> Callable[[EagerStep, float], dict[str, float]]:
    """What measures the Hessian of the loss on the first 256 training samples, the same each time.

    `curvature/top`, its largest eigenvalue, and `curvature/trace`, estimated. Gradient descent with
    a learning rate above 2 / `curvature/top` overshoots along the sharpest direction; full-batch
    training with a fixed rate tends to sharpen until it is there.

    Args:
        source: of the run.

    Returns:
        A function of the step and the time in epochs; both numbers are NaN where the loss is not
        finite or the eigenvalues do not settle.

    References:
        J. M. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, Gradient descent on neural networks
        typically occurs at the edge of stability. ICLR (2021).
    """

    def measure(step: EagerStep, time: float) -> dict[str, float]:
        hessian = Hessian(subject_of(step, source, samples=SAMPLES, time=time))
        try:
            (top, *_), _ = extreme_eigenvalues(hessian, 1, tol=1e-3)
            total = trace(hessian, products=PRODUCTS).value
        except UserError:
            top = total = float("nan")
        return {"curvature/top": top, "curvature/trace": total}

    return measure
