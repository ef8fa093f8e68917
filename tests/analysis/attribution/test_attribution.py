"""All methods together, their checks and their picture."""

from dataclasses import replace

import pytest
import torch
from losslab.analysis.attribution import Asked, measure, rank_correlation, samples_of
from losslab.analysis.attribution.picture import draw, title
from losslab.analysis.attribution.randomised import randomised
from losslab.analysis.rebuild import in_use
from losslab.data import Spec, TensorSource
from losslab.errors import UserError
from losslab.losses import Term, bce, cross_entropy
from scipy.stats import spearmanr
from small_subjects import mlp, source_for, step_for
from torch import nn

METHODS = ["gradient", "gradient × input", "integrated gradients", "occlusion"]


def classified(samples=200):
    """A net that has learnt that the first of three features decides."""
    torch.manual_seed(0)
    x = torch.randn(samples, 3)
    split = {"input": x, "target": (x[:, :1] > 0).float()}
    spec = Spec((3,), "binary", 1, labels=("no", "yes"), features=("first", "second", "third"))
    source = TensorSource(spec, {"train": split, "val": split, "test": split})
    step = step_for(mlp(1), source, [Term("bce", bce)])
    for _ in range(200):
        step.train(split, 0.0)
    return step, source


def test_the_feature_that_decides_ranks_first_by_every_method():
    step, source = classified()
    found = measure(step, source, Asked())
    ranking = found.ranking()
    assert list(found.maps) == list(ranking[0][1]) == METHODS
    for method in METHODS:
        sizes = {feature: values[method] for feature, values in ranking}
        assert sizes["first"] > 2 * max(sizes["second"], sizes["third"])
    assert title(found) == "logit of yes"
    assert found.integrated.incomplete < 1e-3
    assert found.agreement > 0.7


def test_the_run_is_left_as_it_is():
    step, source = classified()
    before = {name: tensor.clone() for name, tensor in step.model.state_dict().items()}
    measure(step, source, Asked(of="loss"))
    assert all(torch.equal(before[name], t) for name, t in step.model.state_dict().items())
    assert step.model.training
    assert all(p.requires_grad and p.grad is None for p in step.model.parameters())


def test_from_the_mean_the_changes_are_those_from_the_training_samples_mean():
    step, source = classified()
    found = measure(step, source, Asked(baseline="mean", samples=200))
    model = step.model.eval()
    inputs = source.splits["test"]["input"]
    change = model(inputs) - model(source.splits["train"]["input"].mean(0, keepdim=True))
    torch.testing.assert_close(found.integrated.change, change[:, 0].detach())


def test_without_names_features_are_numbered():
    source = source_for("classes", 3)
    found = measure(
        step_for(mlp(3), source, [Term("ce", cross_entropy)]), source, Asked(split="val")
    )
    assert found.features == ("feature 0", "feature 1", "feature 2")


def test_a_class_is_named_where_it_is_the_same_for_all():
    source = source_for("classes", 3)
    step = step_for(mlp(3), source, [Term("ce", cross_entropy)])
    named = measure(step, source, Asked(split="val", chosen="2", steps=1))
    assert title(named) == "logit of 2"
    mixed = named.scores.classes.clone()
    mixed[0] = 0
    scores = replace(named.scores, classes=mixed)
    assert title(replace(named, scores=scores)) == "logit of the class answered"


def test_shuffled_weights_keep_their_sizes_and_the_model_its_own():
    source = source_for("classes", 3)
    step = in_use(step_for(mlp(3), source, [Term("ce", cross_entropy)]), "logits")
    before = [p.detach().clone() for p in step.parameters.values()]
    other = randomised(step)
    for old, kept, new in zip(
        before, step.parameters.values(), other.parameters.values(), strict=True
    ):
        assert torch.equal(old, kept)
        assert torch.equal(old.flatten().sort().values, new.detach().flatten().sort().values)
    batch = samples_of(source, "train", 5, torch.device("cpu"))
    assert not torch.equal(step.outputs(batch)["logits"], other.outputs(batch)["logits"])


def test_the_rank_correlation_is_the_mean_of_scipys():
    torch.manual_seed(0)
    one, other = torch.randint(5, (4, 9)).float(), torch.randint(5, (4, 9)).float()
    expected = sum(spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)) / 4
    assert rank_correlation(one, other) == pytest.approx(expected, abs=1e-6)


def test_samples_without_ranks_are_left_out_of_the_mean():
    ranks = torch.tensor([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    assert rank_correlation(ranks, ranks) == 1.0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"of": "cost"}, "--of must be one of loss, logit, probability, prediction; got cost"),
        ({"split": "all"}, "--split must be one of train, val, test; got all"),
        ({"baseline": "noise"}, "--baseline must be one of zero, mean; got noise"),
        ({"samples": 0}, "--samples must be at least 1; got 0"),
        ({"steps": 0}, "--steps must be at least 1; got 0"),
    ],
)
def test_options_outside_their_range_are_refused(options, text):
    with pytest.raises(UserError, match=text):
        Asked(**options)


def test_an_empty_split_is_said():
    source = source_for("classes", 3)
    with pytest.raises(UserError, match="the test split is empty"):
        samples_of(source, "test", 5, torch.device("cpu"))


def test_data_that_come_from_acting_are_refused():
    source = source_for("classes", 3)
    source.spec = Spec((3,), "discrete_action", 2)
    with pytest.raises(UserError, match="these data come from acting"):
        samples_of(source, "train", 5, torch.device("cpu"))


def test_of_images_a_row_for_each_sample_and_a_column_for_each_method():
    torch.manual_seed(0)
    spec = Spec((3, 6, 5), "classes", 2, labels=("cat", "dog"))
    split = {"input": torch.rand(4, 3, 6, 5), "target": torch.tensor([0, 1, 1, 0])}
    source = TensorSource(spec, {"train": split, "val": split, "test": split})
    model = nn.Sequential(nn.Flatten(), nn.Linear(90, 2))
    found = measure(step_for(model, source, [Term("ce", cross_entropy)]), source, Asked(steps=2))
    figure = draw(found)
    assert len(figure.axes) == 4 * 5
    assert [axis.get_title() for axis in figure.axes[:5]] == ["", *METHODS]
    label = figure.axes[0].get_ylabel()
    assert label.startswith(("cat: ", "dog: "))
    assert label.endswith(f": {found.values[0].item():.3g}")


def test_of_features_a_row_for_each_the_largest_on_top():
    found = measure(*classified(), Asked())
    axis = draw(found).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()][-1] == "first"
    assert axis.get_xlabel() == "integrated gradients of the logit of yes"
