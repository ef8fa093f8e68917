"""Cases of the losses in losses/latent.py."""

from .draw import LATENT, Case

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
}
