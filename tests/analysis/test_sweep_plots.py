"""The pictures of a sweep: what they show, and where there are none."""

import numpy as np
import pytest
from kept_runs import config
from losslab.analysis.collect import RunData, Selection
from losslab.analysis.compare import compare
from losslab.analysis.sweep_plots import draw_heatmap, draw_parallel
from matplotlib.collections import PathCollection, QuadMesh


def run(seed, lr, width, value, monitor="val/f1"):
    return RunData(
        name=f"{seed}-{lr}-{width}",
        status="FAILED" if value is None else "FINISHED",
        config=config(seed, lr, model={"_target_": "MLP", "width": width}),
        metrics={} if value is None else {monitor.replace("val", "test"): value},
        monitor=monitor,
    )


def comparison(values, **options):
    """Of `{(lr, width): the value of each seed}`."""
    return compare(
        Selection(
            "sweep",
            [
                run(seed, lr, width, value, **options)
                for (lr, width), seeds in values.items()
                for seed, value in enumerate(seeds)
            ],
        )
    )


GRID = {
    (0.01, 8): [0.1, 0.3],
    (0.01, 16): [0.4, 0.4],
    (0.1, 8): [0.6, 0.8],
    (0.1, 16): [0.9, None],
}


def lines(figure):
    """The runs' lines, without the axes."""
    return [line for line in figure.axes[0].lines if str(line.get_gid()).startswith("group")]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_each_run_is_a_line_and_one_without_a_value_ends_before_the_metric():
    figure = draw_parallel(comparison(GRID))
    drawn = lines(figure)
    assert len(drawn) == 8
    assert sorted(line.get_xdata()[-1] for line in drawn) == [1.0, *[2.0] * 7]
    (lost,) = [line for line in drawn if line.get_linestyle() == ":"]
    assert lost.get_xdata()[-1] == 1.0
    assert {"lr", "width", "test/f1", "0.01", "16"} <= set(texts(figure))
    assert "1 without a value dotted" in figure.get_suptitle()


@pytest.mark.parametrize("monitor", ["val/f1", "val/mse"])
def test_the_best_is_the_darkest_whichever_way_the_metric_points(monitor):
    figure = draw_parallel(comparison({k: v[:1] for k, v in GRID.items()}, monitor=monitor))
    by_height = sorted(lines(figure), key=lambda line: line.get_ydata()[-1])
    shades = [sum(line.get_color()[:3]) for line in by_height]
    assert shades == sorted(shades, reverse=monitor == "val/f1")


def test_lines_of_one_value_are_fanned_out_by_their_result():
    drawn = lines(draw_parallel(comparison(GRID)))
    starts = sorted((line.get_ydata()[0], line.get_ydata()[-1]) for line in drawn)
    assert len({start for start, _ in starts}) == 8


def test_a_cell_is_the_mean_of_its_runs_and_says_what_it_lacks():
    figure = draw_heatmap(comparison(GRID))
    (mesh,) = [c for c in figure.axes[0].collections if isinstance(c, QuadMesh)]
    shades = np.asarray(mesh.get_array())
    assert shades.shape == (2, 2)
    assert sorted(shades.ravel()) == pytest.approx([0, 2 / 7, 5 / 7, 1])  # of 0.2 0.4 0.7 0.9
    assert "1 of 2 lost" in " ".join(texts(figure))
    assert "mean of 1–2 runs each" in figure.axes[0].get_title(loc="left")


def test_a_cell_whose_runs_all_failed_says_so():
    assert "no value" in texts(draw_heatmap(comparison({**GRID, (0.1, 16): [None, None]})))


def test_one_thing_is_drawn_against_the_seeds():
    figure = draw_heatmap(comparison({(0.01, 8): [0.1, 0.2, 0.3], (0.1, 8): [0.4, 0.5, 0.6]}))
    axis = figure.axes[0]
    assert {axis.get_xlabel(), axis.get_ylabel()} == {"lr", "seed"}


def test_a_search_over_ranges_is_drawn_as_dots():
    values = {(0.001 * 1.3**k, 8 + k): [0.5 + 0.01 * k if k % 4 else None] for k in range(16)}
    figure = draw_heatmap(comparison(values))
    (dots,) = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    assert len(dots.get_offsets()) == 12
    assert "4 without a value crossed; best ringed" in figure.axes[0].get_title(loc="left")


def test_where_only_the_seed_varies_neither_is_drawn():
    found = comparison({(0.01, 8): [0.1, 0.2, 0.3]})
    assert draw_parallel(found) is None
    assert draw_heatmap(found) is None


def test_of_very_many_things_those_that_tell_most_are_drawn():
    runs = []
    for k in range(24):
        made = config(1, 0.01)
        made["model"] = {"_target_": "MLP", **{f"o{i}": (k + i) % (i + 2) for i in range(12)}}
        metrics = {"test/f1": 0.5 + 0.01 * k}
        runs.append(RunData(f"r{k}", "FINISHED", made, metrics, monitor="val/f1"))
    keys = [f"model.o{i}" for i in range(12)]
    figure = draw_parallel(compare(Selection("sweep", runs), by=keys))
    assert "the 9 that tell most of 12" in figure.get_suptitle()
