"""scikit-learn's own data sets, against its loaders (scikit-learn 1.9.1)."""

import sys
from importlib.machinery import ModuleSpec

import pytest
import torch
from losslab.data import breast_cancer, diabetes, digits, split_indices
from sklearn import datasets


def test_breast_cancer_is_scikit_learns():
    inputs, target = datasets.load_breast_cancer(return_X_y=True)
    source = breast_cancer(val=0, test=0, standardise=False)
    train = source.splits["train"]
    assert torch.equal(train["input"], torch.tensor(inputs).float())
    assert torch.equal(train["target"], torch.tensor(target).float().unsqueeze(1))
    assert source.spec.labels == tuple(datasets.load_breast_cancer().target_names)
    assert (source.spec.target, source.spec.outputs, source.spec.dense) == ("binary", 1, False)


def test_digits_are_scikit_learns():
    found = datasets.load_digits()
    train = digits(val=0, test=0).splits["train"]
    assert torch.equal(train["input"], torch.tensor(found.images / 16).float().unsqueeze(1))
    assert torch.equal(train["target"], torch.tensor(found.target))
    assert train["target"].dtype == torch.int64


def test_diabetes_is_scikit_learns():
    inputs, target = datasets.load_diabetes(return_X_y=True, scaled=False)
    source = diabetes(val=0, test=0, standardise=False, standardise_target=False)
    assert torch.equal(source.splits["train"]["input"], torch.tensor(inputs).float())
    assert source.splits["train"]["target"].flatten().tolist() == target.tolist()
    assert (source.spec.offset, source.spec.scale) == ((), ())


def test_standardisation_uses_the_train_split_alone():
    inputs = torch.tensor(datasets.load_breast_cancer().data)
    strata = torch.tensor(datasets.load_breast_cancer().target)
    split = split_indices(569, seed=4, strata=strata)
    source = breast_cancer(split_seed=4)
    mean, deviation = inputs[split["train"]].mean(0), inputs[split["train"]].std(0, correction=0)
    for part, index in split.items():
        expected = ((inputs[index] - mean) / deviation).float()
        torch.testing.assert_close(source.splits[part]["input"], expected)
    assert source.splits["test"]["input"].mean(0).abs().max() > 0.01


def test_a_standardised_target_goes_back_to_its_unit():
    source, plain = diabetes(), diabetes(standardise_target=False)
    (offset,), (scale,) = source.spec.offset, source.spec.scale
    for part in ("train", "val", "test"):
        back = source.splits[part]["target"] * scale + offset
        torch.testing.assert_close(back, plain.splits[part]["target"])
    assert source.splits["train"]["target"].mean().abs() < 1e-6


def test_splits_have_each_class_in_proportion():
    source = breast_cancer()
    for part in ("train", "val", "test"):
        benign = source.splits[part]["target"].mean().item()
        assert benign == pytest.approx(357 / 569, abs=1 / source.size(part))


def test_imbalance_thins_the_train_split_alone():
    balanced, thinned = digits(), digits(imbalance={3: 0.1, "7": 0.5})
    before = torch.bincount(balanced.splits["train"]["target"])
    after = torch.bincount(thinned.splits["train"]["target"])
    expected = before.clone()
    expected[3], expected[7] = round(0.1 * before[3].item()), round(0.5 * before[7].item())
    assert after.tolist() == expected.tolist()
    for part in ("val", "test"):
        assert torch.equal(balanced.splits[part]["input"], thinned.splits[part]["input"])
    assert balanced.summary["fingerprint"] != thinned.summary["fingerprint"]


def test_imbalance_keeps_one_sample_at_least():
    assert (digits(imbalance={0: 1e-6}).splits["train"]["target"] == 0).sum() == 1


@pytest.mark.parametrize("imbalance", [{10: 0.5}, {"three": 0.5}, {3: 0}, {3: 1.5}], ids=str)
def test_imbalance_names_a_class_and_a_share(imbalance):
    with pytest.raises(ValueError, match="imbalance maps a class, 0…9, to the share"):
        digits(imbalance=imbalance)


@pytest.mark.parametrize("build", [breast_cancer, digits, diabetes], ids=lambda b: b.__name__)
def test_the_split_is_drawn_by_its_seed(build):
    assert build().summary == build().summary
    assert build().summary["fingerprint"] != build(split_seed=1).summary["fingerprint"]


def test_scikit_learn_is_not_imported(monkeypatch):
    loaded = [name for name in sys.modules if name.split(".")[0] == "sklearn"]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    breast_cancer()
    assert "sklearn" not in sys.modules


@pytest.mark.parametrize("origin", [None, "/nowhere/__init__.py"], ids=["absent", "without files"])
def test_scikit_learn_without_its_files(monkeypatch, origin):
    found = None if origin is None else ModuleSpec("sklearn", None, origin=origin)
    module = sys.modules["losslab.data.scikit_learn"]
    monkeypatch.setattr(module, "find_spec", lambda name: found)
    with pytest.raises(ValueError, match=r"scikit-learn's file digits.csv.gz, which .* lacks"):
        digits()


def test_labels_are_written_as_declared():
    zero_one, signs = (breast_cancer(labels=labels).splits["train"] for labels in ("01", "pm1"))
    assert torch.equal(signs["target"], 2 * zero_one["target"] - 1)
    with pytest.raises(ValueError, match="labels must be 01 or pm1; got 10"):
        breast_cancer(labels="10")


def test_a_digit_is_told_from_all_others():
    source, whole = digits(positive=8), digits()
    assert torch.equal(source.splits["test"]["target"][:, 0], whole.splits["test"]["target"] == 8)
    assert (source.spec.target, source.spec.outputs) == ("binary", 1)
    assert source.spec.labels == ("another digit", "8")


def test_one_hot_targets_hold_the_same_classes():
    one_hot = digits(one_hot=True)
    target = one_hot.splits["test"]["target"]
    assert target.sum(1).eq(1).all()
    assert torch.equal(one_hot.spec.plain(target), digits().splits["test"]["target"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positive": 10}, "positive must be one of the digits 0…9; got 10"),
        ({"positive": 1, "one_hot": True}, "one_hot is for ten classes, positive makes two"),
    ],
    ids=["no digit", "both"],
)
def test_what_is_asked_about_a_digit_must_fit(options, message):
    with pytest.raises(ValueError, match=message):
        digits(**options)


@pytest.mark.parametrize("source", [breast_cancer, diabetes])
def test_features_have_the_names_that_scikit_learn_gives_them(source):
    theirs = getattr(datasets, f"load_{source.__name__}")().feature_names
    assert source().spec.features == tuple(theirs)
