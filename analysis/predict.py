"""A trained run that answers on new data, prepared as its own were."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..data.images import ImageReader
from ..data.kept import Kept
from ..data.messages import counted, listed
from ..data.spec import Spec
from ..data.table import TableReader
from ..errors import UserError
from ..training.assemble import build_model, build_source
from ..training.distributed import World, pick_device
from ..training.record import DATA
from ..training.seeding import seed_everything
from ..training.step import NamedModel, Outputs, model_inputs
from .decoded import decoded, probability_of
from .evaluate import chosen_cut
from .rebuild import load_weights, restore
from .threshold import Rule

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Predictor:
    """A trained run that answers on new data, in full precision.

    Args:
        spec: of the run's data.
        model: in evaluation mode, on `device`; from `[input]` to its outputs by name.
        table: reads and encodes tables; None where the run's data are images alone.
        images: reads image files; None where the run's data are no images.
        device: where it computes.
        batch_size: samples that are answered at once.
        cut: the score above which the answer to a yes-or-no question is yes.
    """

    spec: Spec
    model: NamedModel
    table: TableReader | None
    images: ImageReader | None
    device: torch.device
    batch_size: int
    cut: float = 0.0

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        run_dir: Path,
        which: str = "best",
        threshold: Rule | None = None,
    ) -> "Predictor":
        """The run at a checkpoint; its training data need not be there any more.

        Args:
            config: the run's configuration.
            run_dir: its directory.
            which: the checkpoint, `best` or `last`.
            threshold: where a score becomes a yes; None is a probability of 0.5.

        Raises:
            UserError: no such checkpoint, a run that answers nothing about a table or an image, or
                a threshold that can't be had.
        """
        kept = _kept(config, run_dir)
        spec = kept.spec
        if spec.acts:
            raise UserError(
                "the run's answers are actions in an environment, which new data do not have: "
                "losslab evaluate plays it"
            )
        if kept.table is None and kept.images is None:
            raise UserError(
                "the run's data bring a reader of their own: losslab predict needs the TableReader "
                "or ImageReader of losslab.data, or none"
            )
        seed_everything(config["seed"])
        model = build_model(config, spec)
        try:
            model_inputs(model, {"input": torch.empty(0)})
        except ValueError as error:
            raise UserError(f"{error} alone, where data are new") from error
        load_weights(model, run_dir, which)
        asked = config["trainer"]["device"]
        device = pick_device("cpu" if asked == "cpu" else "auto", World())
        if len(spec.input_shape) == 3:  # as in training, so that the last digit is the same too
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        named = NamedModel(model.to(device), spec.main_output).eval().requires_grad_(False)
        cut = 0.0 if threshold is None else _cut(config, run_dir, which, threshold, spec)
        size = int(config["trainer"]["batch_size"])
        return cls(spec, named, kept.table, kept.images, device, size, cut)

    @property
    def columns(self) -> list[str] | None:
        """The columns that a table must have; None where it can't be a table."""
        return None if self.table is None else list(self.table.encoder.columns)

    def encode(self, frame: "pd.DataFrame") -> Tensor:
        """The rows of a table as the run's own were prepared, `[rows, *input_shape]`.

        Raises:
            UserError: the run's data are images, or the table can't be encoded: missing columns or
                values, text among numbers, infinite numbers.
        """
        if self.table is None:
            raise UserError(f"the run's data are images of {self.shape}, not tables")
        try:
            return self.table.encode(frame)
        except ValueError as error:
            raise UserError(str(error)) from error

    def answers(self, inputs: Tensor) -> Outputs:
        """The model's outputs by name, `[samples, ...]` each, computed batch by batch.

        Args:
            inputs: prepared as the run's own were, `[samples, *input_shape]`.

        Raises:
            UserError: the model can't take them.
        """
        try:
            with torch.no_grad():
                parts = [self._ask(batch) for batch in torch.split(inputs, self.batch_size)]
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise UserError(
                f"the run's model can't take input {list(inputs.shape)} of {inputs.dtype}: "
                f"{str(error).splitlines()[0]}"
            ) from error
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _ask(self, batch: Tensor) -> Outputs:
        return {name: out.cpu() for name, out in self.model([batch.to(self.device)]).items()}

    def decode(self, answers: Mapping[str, Tensor]) -> "pd.DataFrame":
        """The answers as people read them, see `losslab.analysis.decoded.decoded`."""
        import pandas as pd

        return pd.DataFrame(decoded(answers, self.spec, self.cut))

    def frame(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """The answers to the rows of a table, a row for each, with its index."""
        return self.decode(self.answers(self.encode(frame))).set_index(frame.index)

    @property
    def threshold(self) -> float | None:
        """The probability above which the answer is yes; None where no yes or no is asked."""
        if self.spec.target != "binary":
            return None
        # Below 1 in single precision, so that a sure yes stays above it.
        return min(probability_of(self.cut), 1 - 2**-24)

    @property
    def shape(self) -> str:
        """The shape of an image, in words."""
        channels, height, width = self.spec.input_shape
        return f"{height} × {width} pixels and {counted(channels, 'channel')}"

    @property
    def wants(self) -> str:
        """What the run can be asked about, in words."""
        wanted = []
        if self.images is not None:
            sized = "any size" if self.images.resized else self.shape
            wanted.append(f"images of {sized} (a file or a folder)")
        if self.columns is not None:
            wanted.append(f"a .csv or .parquet table with the columns {listed(self.columns, 10)}")
        return ", or ".join(wanted)


def _kept(config: Mapping[str, Any], run_dir: Path) -> Kept:
    """What the run has kept of its data; made again from them where it kept nothing."""
    path = run_dir / DATA
    return Kept.read(path) if path.exists() else Kept.of(build_source(config))


def _cut(config: Mapping[str, Any], run_dir: Path, which: str, rule: Rule, spec: Spec) -> float:
    if rule.is_given and spec.target == "binary":
        return rule.score  # the training data need not be there
    return chosen_cut(*restore(config, run_dir, which), rule)
