"""A model as a program that runs without its code: of `torch.export`, or in ONNX.

What was written is read again, and asked the same as the model: see `difference`.
"""

import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from ..data.source import SplitName
from ..errors import UserError
from ..training.run import Parts
from ..training.step import NamedModel

Answers = Mapping[str, Tensor]
Program = Callable[[Sequence[Tensor]], Answers]

_TRACED = 4  # rows of the example; tracing takes sizes of 0 and 1 for special cases
_CHECKED = (1, 15)  # rows of the batches that the program and the model both answer
ROWS = sum(_CHECKED)
TOLERANCE = 1e-4  # of the largest answer; sums in another order differ by some 1e-6
_SPLITS: tuple[SplitName, ...] = ("test", "val", "train")


class ByPosition(nn.Module):
    """A `NamedModel` that is called with its tensors, not with a list of them."""

    def __init__(self, model: NamedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Answers:
        """The model's outputs by name."""
        answers: Answers = self.model(inputs)
        return answers


@dataclass(frozen=True)
class Subject:
    """A model as it is exported, and what it is tried on.

    Args:
        model: in evaluation mode on the CPU; takes its tensors by position, returns named ones.
        inputs: the names of the tensors.
        rows: of real data, for each name, `[rows that are traced and checked, ...]`.
        split: whose rows these are.
    """

    model: ByPosition
    inputs: tuple[str, ...]
    rows: tuple[Tensor, ...]
    split: SplitName

    @classmethod
    def of(cls, parts: Parts) -> "Subject":
        """A run's model, and rows of its test split; of val or train where that is empty.

        Where there are too few, they come again.
        """
        split = next(split for split in _SPLITS if parts.source.size(split))
        batch = next(iter(parts.source.batches(split, _TRACED + ROWS)))
        rows = [batch[name].detach().cpu() for name in parts.step.inputs]
        again = [tensor[torch.arange(_TRACED + ROWS) % len(tensor)] for tensor in rows]
        named = NamedModel(parts.step.model, parts.spec.main_output).cpu().eval()
        named.requires_grad_(False)
        named.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # torch's stub
        return cls(ByPosition(named), parts.step.inputs, tuple(again), split)

    @property
    def name(self) -> str:
        """What the model's class is called."""
        return type(self.model.model.model).__name__

    @property
    def example(self) -> tuple[Tensor, ...]:
        """The rows that are traced."""
        return tuple(rows[:_TRACED] for rows in self.rows)

    @property
    def checked(self) -> list[tuple[Tensor, ...]]:
        """Batches of other sizes."""
        ends = (_TRACED, _TRACED + _CHECKED[0], _TRACED + ROWS)
        return [tuple(rows[a:b] for rows in self.rows) for a, b in pairwise(ends)]


def to_torch(subject: Subject, path: Path) -> Program:
    """Write the model as a program of `torch.export`; what was written, read again.

    Args:
        subject: the model; a batch of the program may have any size.
        path: the file, `.pt2`.

    Raises:
        UserError: the model can't be exported.
    """
    torch.export.save(_traced(subject), path)
    module = torch.export.load(path).module()
    return lambda inputs: module(*inputs)


def to_onnx(subject: Subject, path: Path) -> Program:
    """Write the model in ONNX; what was written, as onnxruntime answers.

    Args:
        subject: the model; a batch of the program may have any size.
        path: the file, `.onnx`; from 2 GB on, the weights are in a second file beside it.

    Raises:
        UserError: the model can't be exported, or a package is missing.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # torch translates with it
    except ModuleNotFoundError as error:
        raise UserError(
            f"--to onnx needs {error.name}, which is not installed: pip install 'losslab[onnx]'"
        ) from error
    # It counts what it could do with torchvision.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    names = list(subject.model(*subject.example))
    traced = _traced(subject)
    try:
        with warnings.catch_warnings():  # torch 2.13 uses what it has deprecated itself
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            written = torch.onnx.export(
                traced, input_names=subject.inputs, output_names=names, verbose=False
            )
        assert written is not None
        written.save(path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # torch.onnx and onnxruntime have many
        raise _refused(subject, error, "ONNX") from error

    def run(inputs: Sequence[Tensor]) -> Answers:
        feed = {name: rows.numpy() for name, rows in zip(subject.inputs, inputs, strict=True)}
        return dict(zip(names, map(torch.from_numpy, session.run(names, feed)), strict=True))

    return run


@torch.no_grad()
def difference(subject: Subject, program: Program, what: str) -> float:
    """The largest difference between a program's answers and the model's, on `ROWS` rows.

    Args:
        subject: the model.
        program: what was written.
        what: it is called, for the error.

    Raises:
        UserError: they differ by more than rounding.
    """
    largest = 0.0
    for inputs in subject.checked:
        found = program(inputs)
        for name, wanted in subject.model(*inputs).items():
            if found[name].shape != wanted.shape:
                raise UserError(
                    f"{what} answers otherwise than the model, so it is not kept: {name} has shape "
                    f"{list(found[name].shape)}, the model's {list(wanted.shape)}"
                )
            apart = float((found[name].double() - wanted.double()).abs().max())
            if not apart <= TOLERANCE * max(1.0, float(wanted.abs().max())):
                raise UserError(
                    f"{what} answers otherwise than the model, so it is not kept: {name} differs "
                    f"by {apart:.3g} on {len(wanted)} rows of {subject.split}"
                )
            largest = max(largest, apart)
    return largest


def _traced(subject: Subject) -> torch.export.ExportedProgram:
    """The model's operations, for batches of any size."""
    batch = torch.export.Dim("batch")
    shapes = {"inputs": tuple({0: batch} for _ in subject.inputs)}
    try:
        with torch.no_grad():
            return torch.export.export(subject.model, subject.example, dynamic_shapes=shapes)
    except Exception as error:  # the tracer has many
        raise _refused(subject, error, "torch.export") from error


def _refused(subject: Subject, error: BaseException, by: str) -> UserError:
    """The tracer's or translator's error in a sentence."""
    text, line = str(error), re.search(r'File "(.+)", line (\d+), in .*\n\s*(.+)', str(error))
    if "data-dependent" in text:
        where = f" ({Path(line[1]).name}:{line[2]}: {line[3]})" if line else ""
        reason = f"its forward asks for a value of a tensor{where}; torch.where needs none"
    elif "specialized it to be a constant" in text:
        reason = f"its forward fits batches of {_TRACED} rows only, which it was tried with"
    else:
        while error.__cause__ is not None:
            error = error.__cause__
        first = next(iter(str(error).strip().splitlines()), "")
        reason = f"{by} gives {type(error).__name__}: {first}"
    return UserError(f"model {subject.name} can't be exported: {reason}")
