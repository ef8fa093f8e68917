"""Cases of the losses in losses/relative.py."""

from .draw import BATCH, REAL, Case, drawn, exact, unit

POSITIVE = drawn(prediction=unit(BATCH, 2), target=unit(BATCH, 2))

CASES = {
    "msle": Case("msle", POSITIVE, perfect=exact),
    "mape": Case("mape", REAL, perfect=exact),
    "smape": Case("smape", REAL, perfect=exact),
}
