"""Kinds of answer and target: their shapes, and that the truth is what a sound loss rewards."""

import pytest
import torch
import torch.nn.functional as F
from losslab.analysis.check.layouts import LAYOUTS, SAMPLES, layout_called
from losslab.errors import UserError

ALL = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


def drawn(layout, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return layout.draw_target(generator), layout.draw_answer(generator)


def matching_loss(layout):
    """The field's own loss for this kind of answer and target."""
    if layout.kind == "signs":
        if layout.meaning == "distance":
            return F.hinge_embedding_loss
        return F.soft_margin_loss
    if layout.kind == "real":
        return F.mse_loss
    if layout.kind == "positive":
        if layout.meaning == "log":
            return F.poisson_nll_loss
        return lambda a, t: F.poisson_nll_loss(a, t, log_input=False)
    if layout.kind == "binary":
        if layout.meaning == "probability":
            return F.binary_cross_entropy
        return F.binary_cross_entropy_with_logits
    if layout.meaning == "logits":
        return lambda a, t: F.cross_entropy(a, squeezed(a, t))
    if layout.meaning == "probability":
        return lambda a, t: nll(a.log(), squeezed(a, t))
    return lambda a, t: nll(a, squeezed(a, t))


def squeezed(answer, target):
    return target[:, 0] if target.ndim == answer.ndim and not target.is_floating_point() else target


def nll(log_probability, target):
    if target.is_floating_point():
        return -(target * log_probability).sum(1).mean()
    return F.nll_loss(log_probability, target)


@ALL
def test_shapes_are_as_declared(layout):
    target, answer = drawn(layout)
    assert target.shape == (SAMPLES, *layout.target)
    for tensor in (answer, layout.truth(target), layout.opposite(target)):
        assert tensor.shape == (SAMPLES, *layout.answer)
        assert tensor.isfinite().all()
    for constant in layout.constants().values():
        assert constant.shape == (1, *layout.answer)


@ALL
def test_answers_are_in_the_domain_of_what_they_mean(layout):
    target, answer = drawn(layout)
    for tensor in (answer, layout.truth(target), layout.opposite(target)):
        if layout.meaning == "probability":
            assert ((tensor >= 0) & (tensor <= 1)).all()
        elif layout.meaning == "log_probability":
            torch.testing.assert_close(tensor.logsumexp(1), torch.zeros_like(tensor[:, 0]))
        elif layout.meaning == "positive":
            assert (tensor > 0).all()
        elif layout.meaning == "distance":
            assert (tensor >= 0).all()


@ALL
@pytest.mark.parametrize("seed", range(3))
def test_every_class_or_label_occurs(layout, seed):
    target, _ = drawn(layout, seed)
    if layout.kind in ("binary", "one_hot"):
        assert set(target.unique().tolist()) == {0.0, 1.0}
    elif layout.kind == "signs":
        assert set(target.unique().tolist()) == {-1.0, 1.0}
    elif layout.kind == "indices":
        assert target.dtype == torch.long
        assert set(target.unique().tolist()) == set(range(layout.channels))
    else:
        assert len(target.unique()) == target.numel()
    if layout.kind == "one_hot":
        assert (target.sum(1) == 1).all()
        assert (target.sum(0) > 0).all()


@ALL
@pytest.mark.parametrize("size", [2.0, 8.0])
def test_the_truth_costs_less_than_a_guess_and_that_less_than_the_opposite(layout, size):
    target, answer = drawn(layout)
    loss = matching_loss(layout)
    truth, guess = loss(layout.truth(target, size), target), loss(answer, target)
    opposite = loss(layout.opposite(target, size), target)
    assert truth < opposite
    assert truth <= guess


@ALL
def test_the_same_seed_draws_the_same(layout):
    for first, second in zip(drawn(layout), drawn(layout), strict=True):
        assert torch.equal(first, second)


def test_names_are_different():
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)


def test_with_another_number_of_classes():
    pixels = layout_called("pixels").with_classes(5)
    assert (pixels.answer, pixels.target) == ((5, 8, 9), (8, 9))
    assert pixels.words == "logits of 5 classes a pixel, target class indices"
    one_hot = layout_called("one_hot_probability").with_classes(2)
    assert (one_hot.answer, one_hot.target) == ((2,), (2,))
    assert layout_called("mask").with_classes(5) == layout_called("mask")


def test_a_constant_for_each_class():
    assert list(layout_called("classes").constants()) == [
        "nothing (every score low)",
        "everything (every score high)",
        *(f"class {one} everywhere" for one in range(4)),
    ]


def test_an_unknown_kind_is_an_error():
    with pytest.raises(UserError, match=r"unknown kind of target 'binry'. Did you mean binary\?"):
        layout_called("binry")
