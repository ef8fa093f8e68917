"""Cases of the losses in losses/similarity.py."""

from .draw import BATCH, IMAGE, REAL, Case, drawn, exact, normal

EMBEDDING = drawn(prediction=normal(BATCH, 4), target=normal(BATCH, 4))
VALUE = drawn(prediction=normal(BATCH, 1), target=normal(BATCH, 1))
PICTURE = drawn(prediction=normal(*IMAGE), target=normal(*IMAGE))

CASES = {
    "cosine": Case("cosine", EMBEDDING, perfect=exact),
    "cosine-pixels": Case(
        "cosine", drawn(prediction=normal(BATCH, 3, 2, 3), target=normal(BATCH, 3, 2, 3))
    ),
    "pearson": Case("pearson", REAL, couples_rows=True, perfect=exact),
    "pearson-image": Case("pearson", PICTURE, couples_rows=True, perfect=exact),
    "concordance": Case("concordance", REAL, couples_rows=True, perfect=exact),
    "concordance-image": Case("concordance", PICTURE, couples_rows=True, perfect=exact),
    "soft_spearman": Case(
        "soft_spearman", REAL, couples_rows=True, perfect=exact, numeric=("temperature",)
    ),
    "soft_spearman-one_output": Case(
        "soft_spearman", VALUE, {"temperature": 1.0}, couples_rows=True, perfect=exact
    ),
}
