"""Cases of the losses in losses/latent.py."""

from .draw import BATCH, LATENT, Case, drawn, normal

CODE = drawn(latent=normal(BATCH, 3))
SAMPLED = drawn(latent=normal(BATCH, 3), mu=normal(BATCH, 3), logvar=normal(BATCH, 3))

CASES = {
    "gaussian_kl": Case("gaussian_kl", LATENT, extreme=10.0),
    # Free bits need the mean over the batch before the term says which rows count.
    "gaussian_kl-free_bits": Case(
        "gaussian_kl",
        LATENT,
        {"free_bits": 0.5},
        couples_rows=True,
        weighable=False,
        numeric=("free_bits",),
        extreme=10.0,
    ),
    "gaussian_kl-capacity": Case(
        "gaussian_kl", LATENT, {"capacity": 2.0}, numeric=("capacity",), extreme=10.0
    ),
    # Without the pairs of a sample with itself, two equal rows are not one of weight two.
    "mmd": Case("mmd", CODE, couples_rows=True, weighable=False),
    "mmd-biased": Case(
        "mmd", CODE, {"unbiased": False, "bandwidths": [0.7, 3.0]}, couples_rows=True
    ),
    # e^11 is the largest exponential that a gradient in half precision holds.
    "total_correlation": Case(
        "total_correlation", SAMPLED, {"dataset_size": 100}, couples_rows=True, extreme=5.0
    ),
}
