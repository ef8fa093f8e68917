"""Region and pixel losses against their peers, forward and backward, in turn: `benchmarks losses`.

Two sizes, as in segmentation: class indices over 21 classes, and one mask. What is counted is the
time of the loss and its gradient with respect to the logits, and the bytes that are kept between
the two, as a share of the logits' own (a target or weight that is given costs nothing more, but is
counted with them where the gradient needs it).
"""

import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from losslab import losses
from torch import Tensor

torch.set_num_threads(2)

Loss = Callable[[Tensor, Tensor], Tensor]
COMPARED = ("cross_entropy", "focal", "dice", "tversky")
SIZES = {"classes": "4 × 21 × 256 × 256, indices", "mask": "8 × 1 × 512 × 512, one mask"}


def inputs(size: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    if size == "classes":
        logits = torch.randn(4, 21, 256, 256, generator=generator)
        return logits.requires_grad_(), torch.randint(21, (4, 256, 256), generator=generator)
    logits = torch.randn(8, 1, 512, 512, generator=generator)
    target = torch.rand(8, 1, 512, 512, generator=generator) < 0.3
    return logits.requires_grad_(), target.float()


def ours(name: str, **options: Any) -> Loss:
    function = getattr(losses, name)
    return lambda logits, target: function(logits, target, **options).mean()


def monai(name: str, size: str, **options: Any) -> Loss:
    from monai import losses as module

    if size == "mask":
        return getattr(module, name)(sigmoid=True, **options)
    loss = getattr(module, name)(softmax=True, to_onehot_y=True, **options)
    return lambda logits, target: loss(logits, target.unsqueeze(1))


def monai_focal(size: str) -> Loss:
    from monai.losses import FocalLoss

    if size == "mask":
        return FocalLoss()
    loss = FocalLoss(use_softmax=True, to_onehot_y=True)
    return lambda logits, target: loss(logits, target.unsqueeze(1))


@cache
def losses_of_smp() -> ModuleType:
    """The losses of segmentation_models_pytorch without its models, which need torchvision."""
    package = find_spec("segmentation_models_pytorch")
    if package is None or package.origin is None:
        raise ImportError("segmentation_models_pytorch is not installed")
    file = Path(package.origin).parent / "losses" / "__init__.py"
    spec = spec_from_file_location("losses_of_smp", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["losses_of_smp"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def smp(name: str, size: str, **options: Any) -> Loss:
    return getattr(losses_of_smp(), name)(
        "multiclass" if size == "classes" else "binary", **options
    )


def kornia(name: str, size: str, **options: Any) -> Loss:
    from kornia import losses as module

    if size == "mask" and name != "binary_focal_loss_with_logits":
        raise ImportError("takes class indices only")
    function = getattr(module, name)
    if size == "mask":
        return lambda logits, target: function(logits, target, reduction="mean", **options)
    return lambda logits, target: function(logits, target, **options)


def torch_focal(logits: Tensor, target: Tensor) -> Tensor:
    """As it is mostly written in plain torch, from the cross-entropy."""
    nll = F.cross_entropy(logits, target, reduction="none")
    return ((1 - torch.exp(-nll)) ** 2 * nll).mean()


def torch_binary_focal(logits: Tensor, target: Tensor) -> Tensor:
    nll = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return ((1 - torch.exp(-nll)) ** 2 * nll).mean()


def rows(loss: str, size: str) -> dict[str, Callable[[], Loss]]:
    """What is compared, the reference first; each is made when called, and may fail to import."""
    if loss == "cross_entropy":
        name = "cross_entropy" if size == "classes" else "bce"
        cross = F.cross_entropy if size == "classes" else F.binary_cross_entropy_with_logits
        return {"torch": lambda: cross, f"losslab {name}": lambda: ours(name)}
    if loss == "focal":
        name = "focal_loss" if size == "classes" else "binary_focal_loss_with_logits"
        options = {"alpha": None, "reduction": "mean"} if size == "classes" else {"alpha": 0.5}
        return {
            "torch": lambda: torch_focal if size == "classes" else torch_binary_focal,
            "losslab": lambda: ours("focal"),
            "MONAI": lambda: monai_focal(size),
            "kornia": lambda: kornia(name, size, **options),
            "smp": lambda: smp("FocalLoss", size),
        }
    named = {"dice": "DiceLoss", "tversky": "TverskyLoss"}[loss]
    prices = {"alpha": 0.3, "beta": 0.7} if loss == "tversky" else {}
    return {
        "MONAI": lambda: monai(named, size, **prices),
        "losslab": lambda: ours(loss),
        "kornia": lambda: kornia(f"{loss}_loss", size, **prices),
        "smp": lambda: smp(named, size, **prices),
    }


def seconds(loss: Loss, logits: Tensor, target: Tensor) -> float:
    """The loss and its gradient, the median of five after one that does not count."""
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        torch.autograd.grad(loss(logits, target), logits)
        times.append(time.perf_counter() - begin)
    return sorted(times[1:])[2]


def kept(loss: Loss, logits: Tensor, target: Tensor) -> float:
    """Bytes kept for the gradient, in unique storages, over those of the logits."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = loss(logits, target)  # alive, so that no storage's address is given twice
    del value
    return sum(storages.values()) / logits.untyped_storage().nbytes()


def measures(
    loss: str, size: str, failed: type[Exception]
) -> tuple[dict[str, Callable[[], float]], dict[str, float]]:
    """What to time, by row, eager and compiled; and the share of bytes that each eager row keeps.

    A peer that can't be imported, or compiled in this environment, raises `failed` with the word
    that stands in its row.
    """
    logits, target = inputs(size)
    timed: dict[str, Callable[[], float]] = {}
    shares: dict[str, float] = {}
    for name, make in rows(loss, size).items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function = make()
                shares[name] = kept(function, logits, target)
        except ImportError as error:
            timed[name] = _fails(failed, str(error))
            continue
        timed[name] = lambda function=function: seconds(function, logits, target)
        compiled = torch.compile(function)
        timed[f"{name}, compiled"] = lambda compiled=compiled: seconds(compiled, logits, target)
    return timed, shares


def _fails(failed: type[Exception], text: str) -> Callable[[], float]:
    def measure() -> float:
        raise failed(text)

    return measure
