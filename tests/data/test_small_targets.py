"""Generated images with small targets."""

import sys

import pytest
import torch
from losslab.data import small_targets


def everything(**options) -> tuple[torch.Tensor, torch.Tensor]:
    train = small_targets(val=0, test=0, **options).splits["train"]
    return train["input"], train["target"]


def test_shapes_follow_the_spec():
    source = small_targets(samples=20, size=32, share=0.02)
    spec = source.spec
    assert (spec.input_shape, spec.target, spec.outputs, spec.dense) == (
        (1, 32, 32),
        "binary",
        1,
        True,
    )
    for part, size in (("train", 14), ("val", 3), ("test", 3)):
        for tensor in source.splits[part].values():
            assert tensor.shape == (size, 1, 32, 32)
            assert tensor.dtype == torch.float32
    assert source.splits["train"]["target"].unique().tolist() == [0, 1]


@pytest.mark.parametrize(
    ("share", "size"), [(0.001, 128), (0.005, 128), (0.004, 32), (0.05, 64), (0.3, 64), (0.45, 64)]
)
def test_the_share_is_honoured(share, size):
    _, mask = everything(samples=200, size=size, share=share)
    assert mask.mean().item() == pytest.approx(share, rel=0.1)


def test_each_image_has_a_target_even_of_a_pixel_or_two():
    _, mask = everything(samples=300, size=16, share=0.005)
    assert (mask.sum((1, 2, 3)) >= 1).all()


def test_empty_images_on_request():
    image, mask = everything(samples=40, size=64, empty=0.25)
    positives = mask.sum((1, 2, 3))
    assert (positives == 0).sum() == 10
    assert mask[positives > 0].mean().item() == pytest.approx(0.005, rel=0.3)
    assert image.isfinite().all()


def test_all_images_may_be_nearly_empty():
    _, mask = everything(samples=1, size=64, empty=0.9)
    assert mask.sum() == 0


def test_no_threshold_solves_it():
    image, mask = everything(samples=64)
    scores = []
    for threshold in torch.linspace(image.min().item(), image.max().item(), 100):
        found = (image > threshold).float()
        scores.append(2 * (found * mask).sum() / (found.sum() + mask.sum()))
    assert max(scores) < 0.2  # a U-Net of width 8 reaches 0.9


def test_targets_are_brighter_than_what_surrounds_them():
    image, mask = everything(samples=64, noise=0)
    ring = torch.nn.functional.max_pool2d(mask, 7, 1, 3) - torch.nn.functional.max_pool2d(
        mask, 3, 1, 1
    )
    inside, around = (image * mask).sum() / mask.sum(), (image * ring).sum() / ring.sum()
    assert inside - around > 0.5


def test_noise_is_the_deviation_of_a_pixel():
    noisy, clean = (everything(samples=16, noise=noise)[0] for noise in (0.4, 0.0))
    assert (noisy - clean).std().item() == pytest.approx(0.4, rel=0.02)


def test_the_seed_draws_the_images_and_the_split_seed_the_split():
    options = {"samples": 12, "size": 16, "share": 0.05}
    first, again = small_targets(**options), small_targets(**options)
    assert first.summary == again.summary
    assert torch.equal(first.splits["test"]["input"], again.splits["test"]["input"])
    names = {
        small_targets(**options, seed=s, split_seed=t).summary["fingerprint"]
        for s in (0, 1)
        for t in (0, 1)
    }
    assert len(names) == 4


def test_patches_in_several_parts_draw_the_same(monkeypatch):
    whole = everything(samples=30, size=32, share=0.1)
    monkeypatch.setattr(sys.modules["losslab.data.small_targets"], "_ELEMENTS", 1)
    parts = everything(samples=30, size=32, share=0.1)
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"share": 0}, r"share is a share of the pixels, in \(0, 0.5\); got 0"),
        ({"share": 0.5}, r"share is a share of the pixels, in \(0, 0.5\); got 0.5"),
        (
            {"share": 0.001, "size": 16},
            "share=0.001 of 16 × 16 pixels is less than one pixel: .* 0.0039",
        ),
        ({"samples": 0}, "samples must be at least 1 and size at least 8; got 0 and 128"),
        ({"size": 4}, "samples must be at least 1 and size at least 8; got 256 and 4"),
        ({"noise": -1}, "noise must not be negative"),
        ({"empty": 1.0}, r"empty in \[0, 1\); got 0.15 and 1.0"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_options_outside_their_range(options, text):
    with pytest.raises(ValueError, match=text):
        small_targets(**options)
