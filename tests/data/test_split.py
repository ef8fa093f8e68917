"""Splits: sizes, proportions, determinism."""

import pytest
import torch
from losslab.data import split_indices


def test_the_splits_part_the_samples():
    split = split_indices(101, val=0.2, test=0.3)
    assert [len(index) for index in split.values()] == [51, 20, 30]
    assert torch.cat(list(split.values())).sort().values.tolist() == list(range(101))


def test_one_seed_is_one_split():
    first, again, other = (split_indices(100, seed=seed)["val"].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_each_class_is_shared_out_in_proportion():
    strata = torch.tensor([0] * 200 + [1] * 60 + [2] * 20)[torch.randperm(280)]
    split = split_indices(280, val=0.25, test=0.1, strata=strata)
    for part, share in (("train", 0.65), ("val", 0.25), ("test", 0.1)):
        counts = torch.bincount(strata[split[part]], minlength=3)
        expected = share * torch.tensor([200.0, 60.0, 20.0])
        assert (counts - expected).abs().max() <= 1
        assert len(split[part]) == round(share * 280)


def test_many_small_classes_still_fill_every_split():
    # 15 % of 3 rounds to 0 in each class, and to 14 of all 90.
    split = split_indices(90, strata=torch.arange(90) % 30)
    assert [len(split[part]) for part in ("val", "test")] == [14, 14]


def test_a_class_of_one_sample_is_trained_on():
    strata = torch.zeros(40, dtype=torch.long)
    strata[7] = 1
    for seed in range(20):
        assert 7 in split_indices(40, val=0.4, test=0.4, seed=seed, strata=strata)["train"]


def test_a_share_of_zero_is_an_empty_split():
    assert [len(i) for i in split_indices(10, val=0, test=0).values()] == [10, 0, 0]


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0.1), (0.1, 1.0), (0.5, 0.5)])
def test_shares_must_leave_something_to_train_on(val, test):
    with pytest.raises(ValueError, match="leave something to train on; got"):
        split_indices(10, val=val, test=test)


@pytest.mark.parametrize(("size", "part"), [(0, "train"), (1, "val"), (3, "val")])
def test_too_few_samples(size, part):
    with pytest.raises(ValueError, match=f"{size} samples are too few: .* for the {part} split"):
        split_indices(size)
