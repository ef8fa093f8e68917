"""What several tests of losses do with one: certain answers, gradients, what autograd keeps."""

from collections.abc import Callable

import torch
from torch import Tensor


def scores(masks: object) -> Tensor:
    """Logits whose sigmoid or softmax is the mask, to double precision."""
    return 200 * (2 * torch.as_tensor(masks).double() - 1)


def gradient_of(loss: Callable[..., Tensor], logits: Tensor, *target: Tensor) -> Tensor:
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, *target).sum(), leaf)[0]


def kept_bytes(loss: Callable[..., Tensor], logits: Tensor, target: Tensor) -> dict[int, int]:
    """What autograd keeps for the backward pass: the size of each storage by its address."""
    kept = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        values = loss(logits.requires_grad_(), target)
    assert values.requires_grad
    return kept
