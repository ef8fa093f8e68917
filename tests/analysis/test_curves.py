"""The figure of values and gradients."""

import numpy as np
import pytest
from losslab import losses
from losslab.analysis.curves import draw_profiles
from losslab.analysis.profile import find_views, profile
from losslab.losses.names import read_signature

POINTS = np.linspace(-4, 4, 80).tolist()


def drawn(*functions):
    profiles = []
    for function in functions:
        view = find_views("", function, read_signature(function))[0]
        profiles.append(profile(function, view, POINTS, name=function.__name__))
    figure = draw_profiles(profiles)
    figure.canvas.draw()
    return figure


def test_both_panels_hold_every_loss():
    values, gradients = drawn(losses.mse, losses.l1, losses.huber).axes
    names = [text.get_text() for text in values.get_legend().get_texts()]
    assert names == ["mse", "l1", "huber"]
    for axes in (values, gradients):
        assert len([line for line in axes.lines if len(line.get_xdata()) == len(POINTS)]) == 3


def test_losses_are_told_apart_without_colour():
    lines = [
        line for line in drawn(losses.mse, losses.l1).axes[0].lines if line.get_label()[0] != "_"
    ]
    assert len({line.get_linestyle() + str(line._unscaled_dash_pattern) for line in lines}) == 2


def test_a_jump_of_the_gradient_is_a_gap():
    (line,) = (line for line in drawn(losses.l1).axes[1].lines if line.get_label() == "l1")
    assert np.isnan(line.get_ydata()).sum() == 1


def test_a_smooth_gradient_has_no_gap():
    (line,) = (line for line in drawn(losses.mse).axes[1].lines if line.get_label() == "mse")
    assert not np.isnan(line.get_ydata()).any()


def test_the_steepest_loss_does_not_press_the_others_down():
    low, high = drawn(losses.mse, losses.log_cosh, losses.huber).axes[0].get_ylim()
    assert high < 16
    assert drawn(losses.mse, losses.l1).axes[0].get_ylim()[1] > 16
    assert low == pytest.approx(0, abs=1)
