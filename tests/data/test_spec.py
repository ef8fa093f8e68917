"""The spec: what it derives from what it is told."""

import pytest
import torch
from losslab.data import Spec


@pytest.mark.parametrize(
    ("target", "outputs", "main_output", "classes"),
    [
        ("binary", 1, "logits", 2),
        ("classes", 7, "logits", 7),
        ("multilabel", 4, "logits", 4),
        ("real", 3, "prediction", 0),
    ],
)
def test_main_output_and_classes(target, outputs, main_output, classes):
    spec = Spec((5,), target, outputs)
    assert (spec.main_output, spec.classes) == (main_output, classes)


def test_sizes_of_a_table():
    sizes = Spec((5,), "classes", 3).sizes
    assert sizes["in_features"] == sizes["input_dim"] == 5
    assert sizes["outputs"] == sizes["num_classes"] == sizes["out_features"] == 3
    assert "in_channels" not in sizes


def test_sizes_of_an_image():
    sizes = Spec((3, 24, 32), "binary", 1, dense=True).sizes
    assert sizes["in_channels"] == sizes["n_channels"] == 3
    assert (sizes["in_features"], sizes["spatial_dims"]) == (3 * 24 * 32, 2)
    assert sizes["out_channels"] == 1


@pytest.mark.parametrize(
    ("kind", "target", "plain"),
    [
        ("binary", [[-1.0], [1.0]], [[0.0], [1.0]]),
        ("classes", [[0.0, 1.0], [1.0, 0.0]], [1, 0]),
        ("classes", [1, 0], [1, 0]),
        ("real", [[-1.0], [1.0]], [[-1.0], [1.0]]),
    ],
    ids=["pm1", "one-hot", "indices", "real"],
)
def test_targets_as_metrics_see_them(kind, target, plain):
    assert Spec((5,), kind, 2).plain(torch.tensor(target)).tolist() == plain
