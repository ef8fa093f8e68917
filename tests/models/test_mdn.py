"""The mixture density network."""

import pytest
import torch
from losslab.losses import mdn_nll
from losslab.models import MDN
from losslab.models.mdn import draw_from_mixture


def test_its_outputs_are_what_the_loss_asks_for():
    model = MDN(in_features=3, outputs=2, components=4)
    outputs = model(torch.randn(5, 3))
    assert mdn_nll(**outputs, target=torch.randn(5, 2)).shape == (5,)


def test_the_components_start_apart():
    torch.manual_seed(0)
    mu = MDN(in_features=1, outputs=1, components=3)(torch.zeros(1, 1))["mu"].flatten()
    assert (mu.diff() > 0.5).all()


def test_draws_have_the_mixtures_mean_and_deviation():
    n = 40_000
    outputs = {
        "mixture_logits": torch.tensor([[0.25, 0.75]]).log().expand(n, 2),
        "mu": torch.tensor([[[-1.0], [1.0]]]).expand(n, 2, 1),
        "log_sigma": torch.tensor([[[0.1], [0.2]]]).log().expand(n, 2, 1),
    }
    drawn = draw_from_mixture(outputs, torch.Generator().manual_seed(0))
    assert drawn.shape == (n, 1)
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    # E σ² + Var μ = ¼·0.01 + ¾·0.04 + 4·¼·¾
    assert drawn.var().item() == pytest.approx(0.7825, abs=0.02)


def test_a_mixture_needs_a_component():
    with pytest.raises(ValueError, match="components must be at least 1; got 0"):
        MDN(in_features=1, outputs=1, components=0)
