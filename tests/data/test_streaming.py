"""Batches from disk by worker processes."""

from itertools import chain

import numpy as np
import pytest
import torch
from losslab.data import Spec
from losslab.data.streaming import FileSource, Samples


@pytest.fixture
def source(tmp_path) -> FileSource:
    """Nine images whose pixels, and targets, are their own number."""
    paths = [tmp_path / f"{i}.npy" for i in range(9)]
    for i, path in enumerate(paths):
        np.save(path, np.full((4, 4), float(i)))
    samples = Samples(paths, None, torch.arange(9.0).unsqueeze(1), (1, 4, 4))
    split = {
        "train": torch.tensor([8, 1, 2, 3, 4]),
        "val": torch.tensor([5, 6]),
        "test": torch.tensor([7, 0]),
    }
    return FileSource(Spec((1, 4, 4), "real", 1), samples, split, {"name": "nine"}, workers=2)


def numbers(source: FileSource, *arguments, **options) -> list[list[float]]:
    batches = list(source.batches(*arguments, **options))
    for batch in batches:
        assert torch.equal(batch["input"][:, 0, 0, 0], batch["target"][:, 0])
    return [batch["target"][:, 0].tolist() for batch in batches]


def test_workers_keep_the_order(source):
    assert numbers(source, "train", 2) == [[8, 1], [2, 3], [4]]
    assert numbers(source, "val", 2) == [[5, 6]]


def test_one_seed_is_one_order_wherever_it_starts(source):
    whole = numbers(source, "train", 2, seed=1)
    source.workers = 0
    assert numbers(source, "train", 2, seed=1) == whole
    assert numbers(source, "train", 2, seed=1, start=2) == whole[2:]
    assert sorted(chain(*whole)) == [1, 2, 3, 4, 8]
    assert numbers(source, "train", 2, seed=2) != whole


def test_ranks_share_each_batch(source):
    source.workers = 0
    parts = [numbers(source, "train", 2, shard=(rank, 2)) for rank in range(2)]
    assert parts == [[[8], [2]], [[1], [3]]]  # the last batch of one is left out


def test_a_pass_does_not_draw_from_the_runs_generator(source):
    source.workers = 0
    state = torch.get_rng_state()
    numbers(source, "train", 2, seed=1)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_pass_may_be_left_and_another_begun(source):
    source.workers = 0
    first, second = source.batches("train", 2), source.batches("train", 2, seed=1)
    next(first)
    next(second)
    assert next(first)["target"].flatten().tolist() == [2, 3]


def test_a_pass_past_the_end_is_empty(source):
    assert numbers(source, "train", 2, start=3) == []


def test_moving_keeps_everything_else(source):
    moved = source.to(torch.device("meta"))
    assert next(moved.batches("val", 2))["input"].device.type == "meta"
    assert moved.size("train") == 5
    assert (moved.spec, moved.summary, moved.workers) == (source.spec, source.summary, 2)


def test_a_file_that_has_gone_is_named(source):
    source.workers = 0
    source.samples.images[3].unlink()
    with pytest.raises(ValueError, match=r"3.npy: .*No such file"):
        list(source.batches("train", 2))


def test_a_batch_needs_a_sample(source):
    with pytest.raises(ValueError, match="batch_size must be at least 1; got 0"):
        list(source.batches("train", 0))
