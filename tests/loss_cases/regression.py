"""Cases of the losses in losses/regression.py."""

from .draw import IMAGE, REAL, Case, drawn, exact, normal

CASES = {
    "mse": Case("mse", REAL, perfect=exact),
    "l1": Case("l1", REAL, perfect=exact),
    "huber": Case("huber", REAL, {"delta": 0.5}, perfect=exact, numeric=("delta",)),
    "smooth_l1": Case("smooth_l1", REAL, {"beta": 0.5}, perfect=exact, numeric=("beta",)),
    "log_cosh": Case("log_cosh", REAL, perfect=exact),
    "log_cosh-image": Case("log_cosh", drawn(prediction=normal(*IMAGE), target=normal(*IMAGE))),
}
