"""How terms are weighed against each other while they train.

The weight of a term is the user's to choose. A balance starts from the chosen weights, and changes
what each term brings to the gradient as training goes on:

- `Uncertainty` learns a scale for each term,
- `GradNorm` keeps the norms of the terms' gradients near each other,
- `PCGrad` takes out of each gradient what works against another.

They are made for terms that are tasks of their own. A term that is a price for another, as the KL
term of a VAE, is lowered more easily than what it is paid for, and all three then serve it first:
the latents collapse.

Losses and metrics are logged as without it, so that runs can be compared; what each term's gradient
is multiplied by is logged as `balance/TERM`.
"""

from .balance import Balance
from .grad_norm import GradNorm
from .pcgrad import PCGrad
from .uncertainty import Uncertainty

__all__ = ["Balance", "GradNorm", "PCGrad", "Uncertainty"]
