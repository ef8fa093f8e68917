"""Batches from memory: order, resumption, chunks, shards."""

from itertools import chain

import pytest
import torch
from losslab.data import Spec, TensorSource
from losslab.data import source as source_module
from losslab.data.source import batch_starts, ordered


def counting(size: int, val: int = 0) -> TensorSource:
    """A source whose samples are their own numbers, and ten times these."""
    tensors = {"input": torch.arange(size), "target": 10 * torch.arange(size).unsqueeze(1)}
    empty = {name: tensor[:0] for name, tensor in tensors.items()}
    splits = {"train": tensors, "val": {k: t[:val] for k, t in tensors.items()}, "test": empty}
    return TensorSource(
        Spec((1,), "real", 1), splits, {"name": "counting"}, lambda path: ([], path)
    )


def seen(source: TensorSource, batch_size: int, **options) -> list[list[int]]:
    batches = list(source.batches("train", batch_size, **options))
    for batch in batches:
        assert batch["target"].tolist() == [[10 * number] for number in batch["input"].tolist()]
    return [batch["input"].tolist() for batch in batches]


def test_without_a_seed_the_order_is_that_of_the_data():
    assert seen(counting(7), 3) == [[0, 1, 2], [3, 4, 5], [6]]


def test_one_seed_is_one_order_that_visits_each_sample_once():
    source = counting(50)
    first, again, other = (list(chain(*seen(source, 8, seed=s))) for s in (1, 1, 2))
    assert first == again == ordered(50, 1).tolist()
    assert first != other
    assert sorted(first) == list(range(50))


def test_a_pass_that_starts_later_gives_the_rest_of_the_same_pass():
    source = counting(23)
    assert seen(source, 4, seed=5, start=2) == seen(source, 4, seed=5)[2:]
    assert seen(source, 4, seed=5, start=6) == []


@pytest.mark.parametrize("seed", [None, 3], ids=["in order", "shuffled"])
@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("ranks", [1, 2])
def test_chunks_are_invisible(monkeypatch, seed, start, ranks):
    source = counting(41)
    options = {"seed": seed, "start": start, "shard": (ranks - 1, ranks)}
    whole = seen(source, 4, **options)
    monkeypatch.setattr(source_module, "_CHUNK_BYTES", 3 * 4 * 16)  # three batches of two int64
    assert seen(source, 4, **options) == whole
    monkeypatch.setattr(source_module, "_CHUNK_BYTES", 1)
    assert seen(source, 4, **options) == whole


def test_ranks_share_each_batch():
    source = counting(22)
    whole = seen(source, 6, seed=1)
    parts = [seen(source, 6, seed=1, shard=(rank, 3)) for rank in range(3)]
    for batch, *shards in zip(whole, *parts, strict=True):
        assert sorted(chain(*shards)) == sorted(batch)
        assert all(shards)


@pytest.mark.parametrize(("size", "batches"), [(8, 2), (9, 2), (10, 3), (12, 3), (1, 0)])
def test_a_last_batch_smaller_than_the_ranks_is_left_out_on_all(size, batches):
    parts = [seen(counting(size), 4, shard=(rank, 2)) for rank in range(2)]
    assert [len(part) for part in parts] == [batches, batches]
    assert all(batch for part in parts for batch in part)


def test_a_single_process_keeps_a_last_batch_of_one():
    assert [len(batch) for batch in seen(counting(9), 4)] == [4, 4, 1]


def test_an_empty_split_has_no_batches():
    assert list(counting(5).batches("test", 2, seed=0)) == []


def test_sizes_are_those_of_the_splits():
    source = counting(9, val=4)
    assert [source.size(split) for split in ("train", "val", "test")] == [9, 4, 0]


def test_moving_keeps_everything_else():
    source = counting(3)
    moved = source.to(torch.device("meta"))
    assert moved.splits["train"]["input"].device.type == "meta"
    assert (moved.spec, moved.summary, moved.reader) == (source.spec, source.summary, source.reader)


@pytest.mark.parametrize("batch_size", [0, -2])
def test_a_batch_needs_a_sample(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1; got {batch_size}"):
        list(counting(3).batches("train", batch_size))


def test_a_batch_needs_a_sample_for_each_rank():
    with pytest.raises(ValueError, match="batch_size=2 can't be divided among 3 processes"):
        batch_starts(9, 2, shard=(0, 3))
