"""Whose curvature is measured: a copy that answers the same each time."""

import pytest
import torch
from losslab.analysis.curvature import Hessian, dense, subject_of
from losslab.errors import UserError
from small_subjects import LOSSES, mlp, source_for, step_for, subject_for
from torch import nn


class Noisy(nn.Module):
    """Draws at every call."""

    def __init__(self):
        super().__init__()
        self.inner = mlp(2)

    def forward(self, input):
        return self.inner(input + torch.randn_like(input))


def test_the_model_itself_is_left_alone():
    source = source_for("real", 2)
    model = nn.Sequential(mlp(2), nn.Dropout(0.5)).train()
    step = step_for(model, source, LOSSES["mse"][2]())
    before = [parameter.clone() for parameter in model.parameters()]
    subject = subject_of(step, source, double=True)
    dense(Hessian(subject))
    assert model.training
    assert not subject.step.model.training
    assert all(p.dtype == torch.float32 and p.grad is None for p in model.parameters())
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))


def test_what_is_drawn_is_the_same_each_time_and_missed_by_nobody():
    subject = subject_for("mse", model=Noisy())
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, again = dense(Hessian(subject)), dense(Hessian(subject))
    torch.testing.assert_close(first, again)
    assert torch.equal(torch.rand(1), expected)


def test_weights_that_are_not_trained_do_not_count():
    model = mlp(2)
    model[0].weight.requires_grad_(False)
    subject = subject_for("mse", model=model)
    assert subject.size == 5 + 10 + 2
    assert list(subject.weights) == ["0.bias", "2.weight", "2.bias"]


def test_samples_are_the_first_of_the_split(monkeypatch):
    monkeypatch.setattr("losslab.analysis.curvature.subject._NUMBERS", 15)  # 5 rows of 3
    source = source_for("real", 2)
    step = step_for(mlp(2), source, LOSSES["mse"][2]())
    subject = subject_of(step, source, samples=7)
    assert [len(batch["input"]) for batch in subject.batches] == [5, 2]
    assert subject.shares == [5 / 7, 2 / 7]
    assert torch.equal(
        torch.cat([b["input"] for b in subject.batches]), source.splits["train"]["input"][:7]
    )


@pytest.mark.parametrize(("fewest", "wanted"), [(2, 5), (8, 8)])
def test_of_large_samples_fewer_are_taken(monkeypatch, fewest, wanted):
    where = "losslab.analysis.curvature.subject"
    monkeypatch.setattr(f"{where}._NUMBERS_IN_ALL", 15)  # 5 rows of 3
    monkeypatch.setattr(f"{where}._FEWEST", fewest)
    assert subject_for("mse", samples=None).samples == wanted


def test_an_empty_split_is_refused():
    with pytest.raises(UserError, match="the test split is empty"):
        subject_for("mse", split="test")
