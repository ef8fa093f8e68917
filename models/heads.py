"""Heads: further outputs of a model beside its answer, for losses that ask for them by name."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from .checks import check_at_least

HeadSizes = Mapping[str, int] | Sequence[str]
"""Values per output of each head by name; a list of names means 1 each."""

_TAKEN = ("answer", "input", "target", "weight", "parameters", "model")


class Heads(nn.ModuleDict):
    r"""Further outputs of a model, each an affine map of the features that its answer is read from.

    A head of one value is shaped like the answer, as the log-variance beside a mean. One of $k$ has
    them on a last axis, as the members of an ensemble or the components of a mixture.

    Args:
        heads: name and number of values per output of each, or a list of names, 1 each.
        in_features: of the features.
        outputs: channels of the answer.

    Raises:
        ValueError: a name that is none or is taken, one given twice, or values that are no
            number or fewer than 1.

    Example:
        >>> import torch
        >>> heads = Heads({"logvar": 1, "quantiles": 3}, in_features=4, outputs=2)
        >>> answer, features = torch.zeros(5, 2), torch.zeros(5, 4)
        >>> {name: tuple(output.shape) for name, output in heads.beside(answer, features).items()}
        {'answer': (5, 2), 'logvar': (5, 2), 'quantiles': (5, 2, 3)}
    """

    def __init__(self, heads: HeadSizes, in_features: int, outputs: int) -> None:
        super().__init__()
        if not isinstance(heads, Mapping):
            if isinstance(heads, str) or len({*heads}) < len(heads):
                raise ValueError(f"heads must be names, each once, or name: values; got {heads!r}")
            heads = dict.fromkeys(heads, 1)
        self.outputs = outputs
        for name, values in heads.items():
            if not str(name).isidentifier() or name in _TAKEN or hasattr(self, name):
                raise ValueError(
                    f"a head can't be called {name!r}: choose a name that a loss asks for, "
                    "such as logvar"
                )
            if not isinstance(values, int):
                raise ValueError(f"heads.{name} must be a number of values; got {values!r}")
            check_at_least(f"heads.{name}", values, 1)
            self[name] = nn.Linear(in_features, outputs * values)

    def beside(self, answer: Tensor, features: Tensor) -> dict[str, Tensor]:
        """The model's outputs by name, its main one called `answer`."""
        outputs = {"answer": answer}
        for name, head in self.items():
            values = head(features)
            several = values.shape[-1] > self.outputs
            outputs[name] = values.unflatten(-1, (self.outputs, -1)) if several else values
        return outputs
