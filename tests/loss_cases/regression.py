"""Cases of the losses in losses/regression.py."""

from .draw import REAL, Case, exact

CASES = {
    "mse": Case("mse", REAL, perfect=exact),
    "l1": Case("l1", REAL, perfect=exact),
    "huber": Case("huber", REAL, {"delta": 0.5}, perfect=exact, numeric=("delta",)),
}
