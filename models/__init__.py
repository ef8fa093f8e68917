"""What is trained: modules that return a tensor or named tensors."""

from .mlp import MLP

__all__ = ["MLP"]
