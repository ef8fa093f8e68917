"""Cases of the losses in losses/likelihood.py."""

from .draw import BATCH, Case, drawn, exact, normal

PAIR = (BATCH, 2)
LOGVAR = drawn(prediction=normal(*PAIR), logvar=normal(*PAIR), target=normal(*PAIR))
LOG_SCALE = drawn(prediction=normal(*PAIR), log_scale=normal(*PAIR), target=normal(*PAIR))

# The gradients grow as e^−s: further out half precision can't hold them. Student's don't.
CASES = {
    "gaussian_nll": Case("gaussian_nll", LOGVAR, perfect=exact, extreme=8.0),
    "laplace_nll": Case("laplace_nll", LOG_SCALE, perfect=exact, extreme=10.0),
    "student_t_nll": Case("student_t_nll", LOG_SCALE, perfect=exact, numeric=("df",)),
    "student_t_nll-cauchy": Case("student_t_nll", LOG_SCALE, {"df": 1.0}, perfect=exact),
}
