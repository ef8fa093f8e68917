"""Cases of the loss in losses/evidential.py."""

from .draw import BATCH, Case, drawn, exact, normal

EVIDENCE = drawn(
    prediction=normal(BATCH, 2),
    nu_logits=normal(BATCH, 2),
    alpha_logits=normal(BATCH, 2),
    beta_logits=normal(BATCH, 2),
    target=normal(BATCH, 2),
)

CASES = {
    "evidential": Case("evidential", EVIDENCE, perfect=exact, numeric=("coefficient",)),
    "evidential-likelihood": Case("evidential", EVIDENCE, {"coefficient": 0.0}, perfect=exact),
}
