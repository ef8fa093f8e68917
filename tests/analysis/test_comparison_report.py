"""What is drawn and written of a comparison."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from kept_runs import config
from losslab.analysis.collect import RunData, Selection
from losslab.analysis.compare import Group, compare
from losslab.analysis.comparison_html import as_html
from losslab.analysis.comparison_plots import band, curve_of, draw_curves, draw_intervals
from losslab.analysis.comparison_text import cells, decimals, left_out, method, p_value
from scipy import stats


def run(seed, lr, curve, **changes):
    return RunData(
        name=f"<{seed}>&{lr}",
        status="FINISHED",
        config=config(seed, lr),
        metrics={"test/f1": curve[-1]},
        monitor="val/f1",
        curves=lambda: {"val/f1": (list(range(10, 10 * len(curve) + 1, 10)), curve)},
        **changes,
    )


def comparison(groups=2, **asked):
    runs = [
        run(seed, lr / 10, [0.1 * lr, 0.1 * lr + 0.01 * seed + 0.002 * (seed % 2) * lr])
        for lr in range(1, groups + 1)
        for seed in (1, 2, 3)
    ]
    return compare(Selection("sweep-<a>", runs), **asked)


def test_the_band_is_students_at_every_step():
    curves = [[0.1, 0.2], [0.3, 0.3], [0.2, 0.7]]
    runs = [run(seed, 0.1, curve) for seed, curve in enumerate(curves)]
    steps, means, lows, highs = band(Group((), "g", runs, [1, 1, 1], 3), "val/f1")
    assert steps == [10, 20]
    assert means == pytest.approx([0.2, 0.4])
    for index in (0, 1):
        values = np.array(curves)[:, index]
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (lows[index], highs[index]) == pytest.approx((expected.low, expected.high))


def test_a_curve_ends_where_the_first_of_its_runs_does():
    runs = [run(1, 0.1, [0.1, 0.2, 0.3]), run(2, 0.1, [0.1, 0.2])]
    assert band(Group((), "g", runs, [1, 1], 2), "val/f1")[0] == [10, 20]


def test_a_value_that_is_not_finite_has_no_band():
    runs = [run(1, 0.1, [0.1, float("nan")]), run(2, 0.1, [0.1, 0.2])]
    _, means, lows, _ = band(Group((), "g", runs, [1, 1], 2), "val/f1")
    assert np.isnan(means[1])
    assert np.isnan(lows[1])


def test_a_group_has_a_line_a_band_and_its_name():
    figure = draw_curves(comparison())
    (axis,) = figure.axes
    assert len(axis.lines) == len(axis.collections) == 2
    assert [t.get_text() for t in figure.legends[0].texts] == ["lr=0.2 (n = 3)", "lr=0.1 (n = 3)"]
    assert axis.get_ylabel() == "val/f1"


def test_of_many_groups_the_first_are_drawn_and_it_says_so():
    figure = draw_curves(comparison(groups=9))
    assert len(figure.axes[0].lines) == 7
    assert "the 7 ranked first of 9" in figure.axes[0].get_title(loc="left")


def test_without_curves_there_is_no_plot():
    runs = [RunData("a", "FINISHED", config(), {"test/f1": 0.5}, monitor="val/f1")]
    assert draw_curves(compare(Selection("a", runs))) is None


def test_intervals_are_drawn_best_on_top():
    (axis,) = draw_intervals(comparison()).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["lr=0.2", "lr=0.1"]
    assert axis.yaxis_inverted()


def test_each_metric_has_its_curve():
    assert curve_of("test/f1") == "val/f1"
    assert curve_of("train/loss") == "train/loss"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def test_the_report_is_one_whole_page_that_needs_nothing_else():
    text = as_html(comparison(baseline="0.1"), "losslab compare --html r.html")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.tags.count("svg") == 4
    assert page.tags.count("table") == 2
    assert not {"img", "link", "image"} & set(page.tags)
    outside = [v for name, v in page.attributes if name in ("src", "href", "xlink:href")]
    assert all(value.startswith("#") for value in outside)
    assert "url(http" not in text
    assert ("name", "viewport") in page.attributes
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in outside} <= set(ids)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert ET.fromstring(svg).get("viewBox")


def test_each_group_has_its_row_and_its_parts_in_the_figures():
    text = as_html(comparison(groups=3), "losslab")
    for index in range(3):
        assert f'data-group="{index}"' in text
        for part in ("intervals-group-{}-mean", "curves-group-{}-band", "parallel-group-{}-run"):
            assert f'id="{part.format(index)}' in text


def test_the_report_escapes_what_people_named():
    text = as_html(comparison(), "losslab")
    assert "sweep-&lt;a&gt;" in text
    assert "&lt;1&gt;&amp;0.1" in text
    assert "<1>" not in text


def test_the_report_says_the_numbers_of_the_table():
    found = comparison(baseline="0.1")
    text = as_html(found, "losslab")
    for group in found.groups:
        for cell in cells(found, group, decimals(found)):
            assert f">{cell.replace('<', '&lt;')}</td>" in text
    for line in method(found):
        assert line.replace("'", "&#x27;") in text


def test_digits_tell_groups_apart():
    found = comparison()
    digits = decimals(found)
    assert len({cells(found, group, digits)[1] for group in found.groups}) == 2


def test_the_method_is_stated():
    told = " ".join(method(comparison(baseline="0.1", interval_kind="bootstrap")))
    assert "BCa bootstrap" in told
    assert "paired t-test over 3 shared seeds" in told
    assert "Holm" not in told  # one test only
    assert "corrected for 2 tests (Holm)" in " ".join(method(comparison(3, baseline="0.1")))


def test_left_out_runs_are_told_by_state():
    runs = [
        run(1, 0.1, [0.5]),
        RunData("b", "FAILED", config(2, 0.1), {}, "NaN"),
        RunData("c", "FAILED", config(3, 0.1), {}, "NaN"),
        RunData("d", "STALE", config(4, 0.1), {}),
    ]
    assert left_out(compare(Selection("a", runs))) == [
        "2 runs failed: b, c (NaN)",
        "1 run stale (says RUNNING, but its process has gone): d",
    ]


@pytest.mark.parametrize(("p", "text"), [(0.5, "0.500"), (0.00099, "<0.001"), (1.0, "1.000")])
def test_p_values(p, text):
    assert p_value(p) == text
