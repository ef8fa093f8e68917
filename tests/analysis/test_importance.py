"""The picture of what mattered in a search."""

from losslab.analysis.importance import draw_importance


def test_the_most_important_is_on_top():
    figure = draw_importance({"a": 0.2, "b": 0.7, "c": 0.1}, "search")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "a", "b"]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.2, 0.7]
    assert axes.get_title() == "search"


def test_of_many_only_the_first_are_shown():
    figure = draw_importance({f"k{i}": i / 300 for i in range(25)})
    assert len(figure.axes[0].patches) == 20
