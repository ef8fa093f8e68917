"""The spec: what a data source says about its tensors, so that models and losses need not."""

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from torch import Tensor

TargetKind = Literal[
    "binary", "classes", "multilabel", "real", "discrete_action", "continuous_action"
]


@dataclass(frozen=True)
class Spec:
    """Shapes and meaning of a source's named tensors.

    Targets have the shape of the model's answer, `[batch, outputs, *spatial]`, except class
    indices, which have no channel axis: `[batch, *spatial]`. Classes may also be one-hot, floats
    with that axis.

    Args:
        input_shape: of one sample: `(features,)`, or `(channels, height, width)`.
        target: what the target is: `binary` and `multilabel` are 0/1 per channel, `classes` are
            indices, `real` are numbers. There is none for actions, which the model chooses itself:
            one of several (`discrete_action`), or so many numbers (`continuous_action`).
        outputs: channels of the model's answer: classes, labels, real values, actions to choose
            from or numbers in one; 1 for binary.
        dense: whether there is a target for every pixel.
        labels: names of the classes (two for binary), or of the real values.
        offset: what was subtracted from each real target to standardise it; empty if nothing was.
        scale: what each real target was then divided by.
        features: names of the input's features, where it is a row of them; empty if unknown.
    """

    input_shape: tuple[int, ...]
    target: TargetKind
    outputs: int
    dense: bool = False
    labels: tuple[str, ...] = ()
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def main_output(self) -> str:
        """What a model's only tensor is called for this target."""
        return {"real": "prediction", "continuous_action": "mu"}.get(self.target, "logits")

    @property
    def acts(self) -> bool:
        """Whether the model's answer is an action, judged by the rewards that follow."""
        return self.target in ("discrete_action", "continuous_action")

    @property
    def classes(self) -> int:
        """How many classes there are: 2 for binary, 0 for real targets."""
        return {"binary": 2, "real": 0, "continuous_action": 0}.get(self.target, self.outputs)

    def plain(self, target: Tensor) -> Tensor:
        """A target as metrics and plots see it: class indices for one-hot, 0 for a label of −1."""
        if self.target == "classes":
            return as_indices(target)
        return target if self.target == "real" else target.clamp(min=0)

    @property
    def sizes(self) -> dict[str, Any]:
        """The sizes a model may ask for by naming a parameter, our names and other libraries'."""
        image = len(self.input_shape) > 1
        known: dict[str, Any] = {
            "input_shape": self.input_shape,
            "in_features": prod(self.input_shape),
            "outputs": self.outputs,
            "classes": self.classes,
        }
        real = self.target in ("real", "continuous_action")
        known["policy"] = "gaussian" if real else "categorical"
        for name in ("out_features", "out_channels", "n_classes", "num_classes", "output_dim"):
            known[name] = self.outputs
        known["input_dim"] = known["in_features"]
        if image:
            spatial = len(self.input_shape) - 1
            known |= {"in_channels": self.input_shape[0], "n_channels": self.input_shape[0]}
            known |= {"spatial_dims": spatial, "image_size": self.input_shape[-1]}
        return known


def as_indices(target: Tensor) -> Tensor:
    """Class indices `[batch, *spatial]`, also from one-hot `[batch, classes, *spatial]`."""
    one_hot = target.is_floating_point() and target.ndim > 1 and target.shape[1] > 1
    return target.argmax(1) if one_hot else target
