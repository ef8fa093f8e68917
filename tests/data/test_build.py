"""Fingerprints and summaries."""

import torch
from losslab.data.build import fingerprint, summarise


def test_a_fingerprint_tells_data_apart():
    zeros = torch.zeros(4)
    names = [
        fingerprint(zeros),
        fingerprint(torch.tensor([0.0, 0, 0, 1])),
        fingerprint(zeros.double()),
        fingerprint(zeros.reshape(2, 2)),
        fingerprint(zeros, b"x"),
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) == 12 for name in names)


def test_a_fingerprint_does_not_depend_on_strides():
    table = torch.arange(6).reshape(2, 3)
    assert fingerprint(table.T) == fingerprint(table.T.contiguous())


def test_a_summary_counts_and_depends_on_the_split():
    data = torch.arange(5)
    first = {"train": torch.tensor([0, 1, 2]), "val": torch.tensor([3]), "test": torch.tensor([4])}
    second = first | {"val": torch.tensor([4]), "test": torch.tensor([3])}
    summary = summarise("five", first, data)
    assert {k: v for k, v in summary.items() if k != "fingerprint"} == {
        "name": "five",
        "train": 3,
        "val": 1,
        "test": 1,
    }
    assert summary == summarise("five", first, data)
    assert summary["fingerprint"] != summarise("five", second, data)["fingerprint"]
