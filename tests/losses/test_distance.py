"""The distance transform: scipy 1.17.1's, and what a loss needs of it beyond."""

import pytest
import torch
from losslab.losses import distance
from losslab.losses.distance import check_spacing, distance_to
from scipy.ndimage import distance_transform_edt
from torch import Tensor

# torch's own decompositions for vmap still use torch.jit.script.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def masks(*shape: int, share: float = 0.1) -> Tensor:
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < share
    mask.flatten(1)[:, 3] = True
    return mask


@pytest.mark.parametrize("at_once", [1, 50, 2**17], ids="{} at once".format)
@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((3, 40), (1.0,)),
        ((3, 17, 9), (1.0, 1.0)),
        ((2, 9, 17), (0.5, 3.0)),
        ((2, 1, 6), (1.0, 1.0)),
        ((2, 5, 6, 7), (1.0, 2.0, 0.7)),
    ],
    ids=str,
)
def test_it_is_scipys(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], spacing: tuple, at_once: int
) -> None:
    monkeypatch.setattr(distance, "_AT_ONCE_CPU", at_once)
    mask = masks(*shape)
    expected = [distance_transform_edt(~image.numpy(), sampling=spacing) for image in mask]
    found = distance_to(mask, spacing, torch.float64)
    torch.testing.assert_close(found, torch.stack([torch.from_numpy(e) for e in expected]))


def test_single_precision_is_exact_for_whole_squares() -> None:
    mask = masks(1, 300, 200, share=0.0)
    expected = distance_transform_edt(~mask[0].numpy())
    squared = distance_to(mask, (1.0, 1.0))[0].square().round()
    assert torch.equal(squared.double(), torch.from_numpy(expected).square().round())


def test_of_an_empty_mask_it_is_infinite() -> None:
    mask = masks(2, 1, 4, 5)
    mask[1] = False
    found = distance_to(mask, (1.0, 1.0))
    assert found[0].isfinite().all()
    assert found[1].isinf().all()


def test_it_runs_under_vmap_and_compiled_in_one_graph() -> None:
    mask = masks(3, 2, 6, 5)
    expected = distance_to(mask, (1.0, 1.0))
    assert torch.equal(torch.func.vmap(lambda m: distance_to(m, (1.0, 1.0)))(mask), expected)
    torch.compiler.reset()
    compiled = torch.compile(lambda m: distance_to(m, (1.0, 1.0)), fullgraph=True, backend="eager")
    assert torch.equal(compiled(mask), expected)


@pytest.mark.parametrize(
    ("spacing", "axes", "text"),
    [
        (None, 0, r"a distance needs pixels: expected logits \[batch, channels, \*spatial\]"),
        ([1.0], 2, r"spacing needs 2 positive numbers, one per axis; got \[1.0\]"),
        ([1.0, 0.0], 2, r"spacing needs 2 positive numbers, one per axis; got \[1.0, 0.0\]"),
    ],
    ids=["no pixels", "too few", "zero"],
)
def test_spacings_that_are_refused(spacing: list[float] | None, axes: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_spacing(spacing, axes)
