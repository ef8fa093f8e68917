"""The picture of an evaluation says what was measured."""

import pytest
import torch
from losslab.analysis.calibration import Tally
from losslab.analysis.claims import Elements
from losslab.analysis.evaluate_plots import draw
from losslab.analysis.examine import Examined
from losslab.analysis.precision_recall import Questions
from losslab.analysis.threshold import Rule, Scored, apply


def examined(classes=1, n=300, labels=1, positives=0.3):
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(max(2, classes), (n,), generator=generator)
    if classes == 1:
        target = (torch.rand(n, generator=generator) < positives).long()
    logits = torch.randn(n, classes, generator=generator).double()
    truth = target.unsqueeze(1) if classes == 1 else target.unsqueeze(1) == torch.arange(classes)
    logits += 2 * truth
    batch = Elements(logits, target, torch.arange(n), torch.arange(n) % labels, n)
    tallies = [Tally(dense=False), Tally(dense=False, temperature=2.0)]
    for tally in tallies:
        tally.add(batch)
    questions = Questions(max(classes, labels), dense=False, samples=n)
    questions.add(*batch.questions())
    before, after = (tally.compute() for tally in tallies)
    return Examined(classes == 1, before, 2.0, after, "", n, tuple(questions.curves())), batch


def texts(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_a_yes_or_no_shows_its_thresholds():
    found, batch = examined()
    n = len(batch.target)
    scored = Scored(batch.logits[:, 0], batch.target.bool(), torch.arange(n), n, dense=False)
    chosen = apply(Rule("recall", 0.8), scored, scored)
    curves, bins, mass = draw(found, chosen).axes
    assert curves.get_title() == f"average precision {found.curves[0].average:.3f}"
    share = batch.target.double().mean()
    assert texts(curves) == [
        f"share of positives, {share:.3g}",
        "threshold 0.5",
        f"threshold {chosen.threshold:.3g} (recall>=0.8), 95 % intervals",
    ]
    assert bins.get_title().startswith(f"ECE {found.calibration.values['ece']:.3f} (")
    assert texts(bins) == ["at temperature 2", "15 bins of equal mass, 95 % intervals"]
    assert mass.get_xlabel() == "probability of yes"
    assert sum(bar.get_height() for bar in mass.patches) == pytest.approx(1)


def test_of_many_classes_the_lowest_five_are_drawn():
    curves, bins, _ = draw(examined(classes=8)[0]).axes
    assert len(curves.get_lines()) == 1 + 5 + 1  # the share, five classes, all
    assert curves.get_legend().get_title().get_text() == "lowest 5 of 8"
    assert "threshold 0.5" not in texts(curves)
    assert bins.get_ylabel() == "share answered right"


def test_of_few_labels_each_is_drawn():
    found, _ = examined(labels=3)
    curves, _, _ = draw(found).axes
    assert texts(curves)[4:] == ["all labels", "threshold 0.5"]
    assert [text[:3] for text in texts(curves)[1:4]] == [f"{c.name}, " for c in found.curves[1:]]


def test_without_a_positive_there_is_no_curve():
    curves, bins, _ = draw(examined(positives=0.0)[0]).axes
    assert curves.get_title() == "precision–recall: no positive in the data"
    assert bins.get_title().startswith("ECE ")


def bars(probability):
    """The histogram's axis for yes-or-no answers of these probabilities."""
    n = len(probability)
    logits = torch.tensor(probability).double().logit().unsqueeze(1)
    target = (torch.arange(n) < n / 2).long()
    batch = Elements(logits, target, torch.arange(n), torch.zeros(n).long(), n)
    tally, questions = Tally(dense=False), Questions(1, dense=False, samples=n)
    tally.add(batch)
    questions.add(*batch.questions())
    return draw(Examined(True, tally.compute(), None, None, "", n, tuple(questions.curves()))).axes[
        2
    ]


@pytest.mark.parametrize(
    ("probability", "lowest"),
    [([0.3] * 40, 0.1), ([0.3] * 30 + [0.7] * 10, 0.1), ([0.3] * 90 + [0.7] * 10, 0.01)],
    ids=["all in one", "a quarter", "a tenth"],
)
def test_the_axis_of_the_histogram_begins_below_its_bars(probability, lowest):
    axes = bars(probability)
    assert axes.get_ylim() == pytest.approx((lowest, 1))
    assert min(bar.get_height() for bar in axes.patches if bar.get_height()) >= 2 * lowest
