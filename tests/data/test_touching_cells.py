"""Generated images of cells that nearly touch."""

import pytest
import torch
from losslab.data import touching_cells
from losslab.data.border import connected


def everything(**options):
    return touching_cells(val=0, test=0, **options).splits["train"]


def test_shapes_follow_the_spec():
    source = touching_cells(samples=20, size=32)
    spec = source.spec
    assert (spec.input_shape, spec.target, spec.outputs, spec.dense) == (
        (1, 32, 32),
        "classes",
        3,
        True,
    )
    batch = next(source.batches("train", 8))
    assert set(batch) == {"input", "target"}
    assert (batch["input"].shape, batch["target"].shape) == ((8, 1, 32, 32), (8, 32, 32))
    assert batch["target"].dtype == torch.int64
    assert set(batch["target"].unique().tolist()) == {0, 1, 2}


def test_each_connected_patch_is_one_cell_of_one_kind():
    for target in everything(samples=20)["target"]:
        patches = connected(target > 0)
        for patch in range(1, int(patches.max()) + 1):
            assert len(target[patches == patch].unique()) == 1


def test_many_cells_have_a_neighbour_a_pixel_or_two_away():
    from scipy import ndimage

    near = total = 0
    for target in everything(samples=20)["target"]:
        patches = connected(target > 0).numpy()
        for patch in range(1, patches.max() + 1):
            distance = ndimage.distance_transform_edt(patches != patch)
            others = (patches > 0) & (patches != patch)
            near += bool(others.any() and distance[others].min() <= 3)
            total += 1
    assert near / total > 0.5


def test_brightness_tells_the_kinds_apart_on_average_only():
    tensors = everything(samples=60, noise=0.0)
    means = [tensors["input"][:, 0][tensors["target"] == kind].mean() for kind in (0, 1, 2)]
    assert means[0] < 0.2 < means[1] < means[2]
    sick = tensors["input"][:, 0][tensors["target"] == 1]
    # 0.4 apart, of a standard deviation of 0.15: Φ(−0.2 / 0.15) = 0.09 of the cells are nearer to
    # the other kind, and large cells and dim edges make that more of the pixels.
    assert 0.04 < float((sick > (means[1] + means[2]) / 2).float().mean()) < 0.3


def test_the_border_weight_is_largest_in_the_gaps():
    tensors = everything(samples=10, border_weight={"w0": 10, "sigma": 2})
    plain = everything(samples=10, border_weight={"w0": 0, "sigma": 2})
    added = tensors["weight"] - plain["weight"]
    assert added[tensors["target"] > 0].abs().max() == 0
    assert 3 < float(added.max()) <= 10
    assert plain["weight"].mean(dim=(1, 2)).tolist() == pytest.approx([1.0] * 10)
    assert torch.equal(tensors["input"], everything(samples=10)["input"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples and cells must be at least 1"),
        ({"cells": 0}, "samples and cells must be at least 1"),
        ({"size": 8}, "size at least 16"),
        ({"noise": -0.1}, "noise not negative"),
        ({"border_weight": {"sigma": 0}}, "sigma must be a number, positive"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        touching_cells(**options)
