"""The path that the steps take over the loss."""

import io

import numpy as np
import pytest
from losslab.analysis.trace import trace
from losslab.analysis.trace.picture import Path, draw
from losslab.cli.compose import compose_config, plain

LINE = ["data=values", "data.input=[1,2]", "data.target=[2,0]", "model=linear", "loss=mse"]
START = "initial_weights={weight: [[3]]}"


def way(*words, label="one", steps=4):
    config = plain(compose_config([*LINE, START, "optimizer=sgd", "optimizer.lr=0.01", *words]))
    return Path(label, trace(config, steps), config)


def test_of_one_weight_the_path_stands_on_the_curve_of_the_loss():
    path = way("model.bias=false")
    curve_axis, loss_axis = draw([path]).axes
    curve, steps, start = (line.get_xydata() for line in curve_axis.lines)
    # The mean of (w − 2)² and (2w)²
    w = curve[:, 0]
    np.testing.assert_allclose(curve[:, 1], ((w - 2) ** 2 + (2 * w) ** 2) / 2, rtol=1e-5)
    np.testing.assert_allclose(steps[:, 1], [p.loss for p in path.trace.points])
    np.testing.assert_allclose(start[0], steps[0])
    assert w.min() < steps[:, 0].min() < steps[:, 0].max() < w.max()
    assert len(loss_axis.lines[0].get_xdata()) == 5


def test_of_two_weights_it_goes_over_lines_of_equal_loss():
    axes = draw([way(steps=2)]).axes
    assert (axes[0].get_xlabel(), axes[0].get_ylabel()) == ("weight", "bias")
    assert axes[0].collections


def test_variants_have_a_panel_each_on_one_scale_and_a_legend():
    paths = [way("model.bias=false"), way("model.bias=false", "optimizer.lr=0.1", label="two")]
    one, two, losses = draw(paths).axes
    assert one.get_xlim() == two.get_xlim()
    names = [text.get_text() for text in losses.get_legend().get_texts()]
    assert [name.split(":")[0] for name in names] == ["one", "two"]


@pytest.mark.parametrize("width", [2])
def test_of_more_weights_the_loss_alone(width):
    path = way("model=mlp", f"model.width={width}", "model.depth=1", "initial_weights=null")
    (axis,) = draw([path]).axes
    assert axis.get_xlabel() == "step"


def test_a_path_that_runs_away_is_drawn_as_far_as_it_is_finite():
    figure = draw([way("model.bias=false", "optimizer.lr=1e12", steps=20)])
    figure.savefig(io.BytesIO())
    for axes in figure.axes:
        assert np.isfinite([axes.get_xlim(), axes.get_ylim()]).all()
        losses = axes.lines[-1].get_ydata()
        assert np.isfinite(losses).any()
