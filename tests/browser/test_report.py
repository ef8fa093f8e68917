"""The report of `losslab compare --html`, in a real browser: on a desk and on a phone."""

import pytest
from kept_runs import keep_sweep

_SIDEWAYS = "return document.documentElement.scrollWidth - window.innerWidth"
_FIRST = "table tbody tr:nth-child(1) td:first-child"


@pytest.fixture
def report(cli, workdir):
    """Seven learning rates, three seeds each; 0.03 is best and 0.3 worst."""
    means = {0.0003: 0.62, 0.001: 0.7, 0.003: 0.8, 0.01: 0.86, 0.03: 0.9, 0.1: 0.75, 0.3: 0.5}
    values = {lr: [m - 0.01, m + 0.013, m + 0.002 * i] for i, (lr, m) in enumerate(means.items())}
    keep_sweep(workdir / "outputs", values)
    assert cli("compare", "--html", "report.html", "--baseline", "0.001").code == 0
    return workdir / "report.html"


@pytest.fixture(params=["desktop", "phone"])
def screen(request):
    return request.getfixturevalue(request.param)


def test_it_fits_the_screen_and_needs_nothing_else(screen, report):
    screen.open(report)
    screen.photograph(f"report-{screen.run('return innerWidth')}")
    assert screen.run(_SIDEWAYS) <= 0
    assert screen.complaints() == []
    assert screen.requests() == [report.as_uri()]
    drawn = screen.run("return [...document.querySelectorAll('svg')].map(s => s.clientWidth)")
    assert len(drawn) == 4
    assert min(drawn) > 280
    letters = screen.run(
        "return parseFloat(getComputedStyle(document.querySelector('td')).fontSize)"
    )
    assert letters >= 14


def test_the_group_stays_in_sight_when_the_table_is_moved(phone, report):
    phone.open(report)
    moved = phone.run(
        "const box = document.querySelector('.wide'); box.scrollLeft = 200;"
        "return [box.scrollLeft, box.querySelector('td').getBoundingClientRect().left]"
    )
    assert moved[0] > 50
    assert 0 <= moved[1] < 30


def test_a_title_sorts_its_column_both_ways(screen, report):
    screen.open(report)
    assert screen.texts(_FIRST)[0] == "0.03"
    lr, mean = screen.find("th button")[0], screen.find("th button")[2]
    lr.click()
    assert screen.texts("tbody td:first-child")[:3] == ["0.0003", "0.001", "0.003"]
    mean.click()
    assert screen.texts(_FIRST)[0] == "0.3"
    mean.click()
    assert screen.texts(_FIRST)[0] == "0.03"
    assert screen.find("th[aria-sort]")[0].get_attribute("aria-sort") == "descending"


def test_a_row_shows_its_group_alone_and_once_more_all(screen, report):
    screen.open(report)
    row = screen.find("tbody tr")[1]
    row.click()
    faint = "return new Set([...document.querySelectorAll('svg .faint')].map(p => p.id[0])).size"
    clear = "return [...document.querySelectorAll('[id*=\"-group-\"]:not(.faint)')].map(p => p.id)"
    assert screen.run(faint) == 3  # curves, intervals, parallel
    assert {name.split("-")[2] for name in screen.run(clear)} == {row.get_attribute("data-group")}
    row.click()
    assert screen.run(faint) == 0


def test_every_run_is_behind_a_fold(screen, report):
    screen.open(report)
    (fold,) = screen.find("details")
    assert "bce-mlp-0.03-1" not in screen.text()
    fold.find_element("css selector", "summary").click()
    assert "bce-mlp-0.03-1" in screen.text()
    assert screen.run(_SIDEWAYS) <= 0
