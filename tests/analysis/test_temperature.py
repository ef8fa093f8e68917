import pytest
import torch
from losslab.analysis import temperature
from losslab.analysis.claims import Elements
from losslab.analysis.temperature import Chosen, best_temperature


def drawn(classes, n=20_000, scale=3.0, seed=0):
    """Logits that are `scale` times too large, and classes drawn from what they should be."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=generator).double()
    if classes == 1:
        return scale * logits, torch.bernoulli(logits[:, 0].sigmoid(), generator=generator).long()
    return scale * logits, torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]


@pytest.mark.parametrize("classes", [1, 4], ids=["yes or no", "four classes"])
@pytest.mark.parametrize("scale", [0.5, 3.0], ids=["under-confident", "over-confident"])
def test_logits_of_a_wrong_scale_are_put_right(classes, scale):
    assert best_temperature(*drawn(classes, scale=scale)) == pytest.approx(scale, rel=0.05)


@pytest.mark.parametrize(
    ("logits", "target"),
    [([[2.0], [-1.0]], [1, 0]), ([[2.0], [-1.0]], [0, 1])],
    ids=["no mistake", "no sense"],
)
def test_where_the_log_loss_has_no_minimum_there_is_none(logits, target):
    assert best_temperature(torch.tensor(logits).double(), torch.tensor(target)) is None


def test_of_nothing_there_is_none():
    assert best_temperature(torch.zeros(0, 1), torch.zeros(0).long()) is None


def test_of_many_pixels_a_part_is_enough(monkeypatch):
    monkeypatch.setattr(temperature, "_KEPT", 8000)
    chosen = Chosen(samples=4)
    for seed in range(2):
        logits, target = drawn(1, seed=seed)
        half = torch.arange(2).repeat_interleave(len(logits) // 2)
        chosen.add(Elements(logits, target, half, torch.zeros_like(half), 2))
    assert sum(map(len, chosen.target)) == 8000
    assert chosen.temperature() == pytest.approx(3, rel=0.1)
