"""Values and gradients along an axis, against closed forms."""

import math

import pytest
import torch
from losslab import losses
from losslab.analysis.profile import find_views, profile
from losslab.errors import UserError
from losslab.losses.names import read_signature


def views(function, **options):
    return {v.axis: v for v in find_views("mine", function, read_signature(function), options)}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_cross_entropy_along_the_margin():
    seen = profile(losses.cross_entropy, views(losses.cross_entropy)["margin"])
    assert seen.value == pytest.approx([math.log1p(math.exp(-m)) for m in seen.x], rel=1e-12)
    assert seen.gradient == pytest.approx([sigmoid(m) - 1 for m in seen.x], rel=1e-9)


def test_a_loss_of_one_channel_has_the_same_margin():
    one = profile(losses.bce, views(losses.bce)["margin"])
    two = profile(losses.cross_entropy, views(losses.cross_entropy)["margin"])
    assert one.value == pytest.approx(two.value, rel=1e-12)


def test_dice_when_every_pixel_has_one_margin():
    seen = profile(losses.dice, views(losses.dice)["margin"], [0.7])
    p, inside, outside = sigmoid(0.7), 12, 52
    expected = 1 - 2 * inside * p / (inside * p + outside * (1 - p) + inside)
    assert seen.value == pytest.approx([expected], rel=1e-12)


def test_options_are_taken_into_account():
    view = views(losses.huber, delta=0.5)["residual"]
    assert profile(losses.huber, view, [4.0], options={"delta": 0.5}).gradient == (0.5,)


def test_gaussian_kl_has_two_axes():
    found = views(losses.gaussian_kl)
    assert list(found) == ["mu", "logvar"]
    along = profile(losses.gaussian_kl, found["logvar"], [1.0])
    assert along.value == pytest.approx([(math.e - 2) / 2])
    assert along.gradient == pytest.approx([(math.e - 1) / 2])


def test_a_penalty_along_one_parameter():
    assert profile(losses.l2_norm, views(losses.l2_norm)["parameter"], [3.0]).gradient == (3.0,)


def test_pasted_code_is_understood():
    def squared(y_pred, y_true):
        return (y_pred - y_true) ** 2

    def log_loss(y_pred, y_true):
        return torch.nn.functional.binary_cross_entropy(y_pred, y_true, reduction="none")

    def entropy(input, target):
        return torch.nn.functional.cross_entropy(input, target, reduction="none")

    assert next(iter(views(squared))) == "residual"
    assert next(iter(views(log_loss))) == "probability"
    assert next(iter(views(entropy))) == "margin"


def test_a_residual_is_only_for_losses_that_know_nothing_else():
    def relative(prediction, target):
        return (prediction - target).abs() / (1 + target.abs())

    assert next(iter(views(relative))) == "prediction"


def test_an_axis_ends_where_the_domain_does():
    def root(prediction: losses.domains.NonNegative, target: losses.domains.NonNegative):
        return (prediction.sqrt() - target.sqrt()) ** 2

    view = views(root)["prediction"]
    assert min(view.points) >= 0
    assert view.low == pytest.approx(0, abs=0.1)


def test_a_twin_is_kept_where_the_loss_tells_it_apart():
    assert [view.case for view in views(losses.bce)["margin"].cases] == [""]
    rare, frequent = views(losses.logit_adjusted, counts=[9.0, 1.0])["margin"].cases
    assert (rare.case, frequent.case) == ("target 1", "target 0")
    at_zero = [
        profile(losses.logit_adjusted, view, [0.0], options={"counts": [9.0, 1.0]}).value[0]
        for view in (rare, frequent)
    ]
    assert at_zero == pytest.approx([math.log(10), math.log(10 / 9)])


def test_a_margin_has_as_many_classes_as_the_options_speak_of():
    view = views(losses.logit_adjusted, counts=[2.0, 3.0, 4.0])["margin"]
    assert view.build(torch.tensor(1.0))["logits"].shape == (1, 3)
    assert "others'" in view.label


def test_total_correlation_of_a_normal_pair_is_even_and_grows():
    seen = profile(losses.total_correlation, views(losses.total_correlation)["correlation"])
    by_x = dict(zip(seen.x, seen.value, strict=True))
    assert by_x[0.0] < by_x[0.5] < by_x[0.8] < by_x[0.95]
    assert by_x[-0.5] == pytest.approx(by_x[0.5], rel=0.05)


def test_unknown_names_vary_one_at_a_time():
    def game(real, fake):
        return real.relu() - fake.relu()

    assert list(views(game)) == ["real", "fake"]


def test_no_axis_is_an_error_that_says_why():
    def refuses(logits, target):
        raise ValueError("only on Sundays")

    with pytest.raises(UserError, match="mine has no curve: only on Sundays"):
        views(refuses)

    def constant(whatever):
        return torch.zeros(())

    with pytest.raises(UserError, match="mine has no curve: it asks for whatever"):
        views(constant)
