"""A run's model as one of MLflow, with the run's preprocessing: what `mlflow models serve` serves.

The saved folder holds the exported weights and what the run has kept of its data; it needs neither
the run's directory nor a store. It does need losslab where it is served, which prepares what is
asked and reads the answers. losslab is not among the model's requirements, because MLflow would
look for those in a public index, where it is not: install it, and serve with `--env-manager local`.
What is served is asked in JSON: MLflow reads text/csv only where each column has one fixed type.
"""

import json
import logging
import math
import re
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import __version__
from ..data.encoder import Encoder
from ..data.kept import Kept
from ..errors import UserError
from ..training.record import DATA
from ..training.step import NamedModel
from ..training.tracker import STATE, State, connect, store_path
from .decoded import probabilities
from .predict import Predictor
from .programs import TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

_WEIGHTS = "model.pt2"
_SETTINGS = "losslab.json"
_REQUIRED = ("torch", "numpy", "pandas")
_EXAMPLES = 5  # rows of a table that are kept as an example; of images one, for they are large
_DIGITS = 6  # of the example's numbers


class Served:
    """Answers as MLflow asks, with DataFrames and arrays.

    Args:
        predictor: of the run, or of what was saved of it.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, data: Any) -> Any:
        """The answers to the rows of a table, as `losslab predict` writes them, or to images.

        Args:
            data: a DataFrame with the columns of the run's table, in its units; where the run's
                data are images, an array `[batch, channels, height, width]`, whose values are in
                [0, 1] if the files had 8 or 16 bits a pixel.

        Returns:
            A DataFrame with an answer in each row. For masks their `probability` by name, `[batch,
            height, width]` of yes or `[batch, classes, height, width]`. For a model that answers
            neither, all of its outputs by name.

        Raises:
            MlflowException: what was asked can't be answered; the server says so with code 400.
        """
        from mlflow.exceptions import MlflowException

        try:
            return self.answers(data)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    def answers(self, data: Any) -> Any:
        """The same, with errors of our own."""
        ours = self.predictor
        spec = ours.spec
        rows = ours.images is None
        answers = ours.answers(ours.encode(data) if rows else _standardised(ours, data))
        if spec.main_output not in answers or (spec.dense and spec.target == "real"):
            return {name: answer.numpy() for name, answer in answers.items()}
        if spec.dense:
            chance = probabilities(answers, spec).float().numpy()
            return {"probability": chance[:, 1] if spec.target == "binary" else chance}
        found = ours.decode(answers)
        return found.set_index(data.index) if rows else found


def _load_pyfunc(path: str) -> Served:
    """What MLflow calls with the folder in which `save` has put weights and settings."""
    folder = Path(path)
    kept = Kept.read(folder / DATA)
    settings = json.loads((folder / _SETTINGS).read_text())
    model = NamedModel(torch.export.load(folder / _WEIGHTS).module(), kept.spec.main_output)
    device = torch.device("cpu")
    return Served(
        Predictor(kept.spec, model, kept.table, kept.images, device, settings["batch_size"])
    )


def save(predictor: Predictor, weights: Path, rows: Tensor, path: Path, about: str) -> float:
    """Save the folder, and ask what was saved; the largest difference to the run's own answers.

    Args:
        predictor: of the run.
        weights: its model, a `.pt2` file.
        rows: inputs of the run, as the model sees them; the first become the example.
        path: the folder, which is not there yet.
        about: where the model is from.

    Raises:
        UserError: new data can't be answered, or what was saved answers otherwise.
    """
    mlflow = _mlflow()
    asked = as_asked(predictor, rows)
    expected = Served(predictor).answers(asked)
    kept = Kept(predictor.spec, predictor.table, predictor.images)
    with TemporaryDirectory() as made:
        folder = Path(made) / "model"
        folder.mkdir()
        (folder / _WEIGHTS).write_bytes(weights.read_bytes())
        (folder / DATA).write_text(kept.as_json())
        (folder / _SETTINGS).write_text(json.dumps({"batch_size": predictor.batch_size}))
        mlflow.pyfunc.save_model(
            path,
            loader_module=__name__,
            data_path=str(folder),
            signature=_signature(predictor, asked, expected),
            input_example=asked[: _EXAMPLES if predictor.images is None else 1],
            pip_requirements=[f"{name}=={version(name).partition('+')[0]}" for name in _REQUIRED],
            metadata={"losslab": __version__, "from": about},
        )
    return compared(mlflow.pyfunc.load_model(str(path)).predict(asked), expected)


def _signature(predictor: Predictor, asked: Any, answers: Any) -> Any:
    """Names and types of inputs and outputs.

    A table's numbers and truth values may come as any type, and are checked here: of numbers that
    are declared as double MLflow would refuse a column that happens to hold whole ones, and of text
    the truth values. What is text stays so, for a 007 read as a number is another category.
    """
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types.schema import AnyType, ColSpec, DataType, Schema

    with warnings.catch_warnings():  # labels may be whole numbers: none of them is ever missing
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer", UserWarning)
        found = infer_signature(asked, answers)
    if predictor.images is not None:
        return found
    assert predictor.table is not None
    text, columns = predictor.table.text, predictor.table.encoder.columns
    free = AnyType()  # type: ignore[no-untyped-call]  # MLflow's own lacks annotations here
    inputs: list[Any] = [
        ColSpec(DataType.string if name in text else free, name) for name in columns
    ]
    return ModelSignature(Schema(inputs), found.outputs)


def _mlflow() -> Any:
    """The package, which warns of its own type hints when it is imported, and tells each step."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*type hint is inferred as AnyType", UserWarning)
        import mlflow.pyfunc
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow


def log(path: Path, run_dir: Path, name: str) -> str:
    """Log a saved folder as a model of its run.

    Args:
        path: the folder.
        run_dir: the run's directory.
        name: of the model.

    Returns:
        The model's address, `models:/…`; empty if the run is not tracked.

    Raises:
        UserError: the run's store is away, or has not got the run.
    """
    if not (run_dir / STATE).exists():
        return ""
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    state = State(run_dir).values
    uri, run_id = state["uri"], state["run_id"]
    away = f"the model is not logged at its run: the store {uri}"
    if run_id is None:
        raise UserError(f"{away} has not got the run yet; the next losslab train here sends it")
    if uri.startswith("sqlite:") and not store_path(uri).exists():
        raise UserError(f"{away} is not there any more")
    try:
        client, experiment = connect(uri, state["experiment"])
        name = re.sub(r"[/:.%\"']", "-", name)
        model = client.create_logged_model(experiment, name, source_run_id=run_id)
        client.log_model_artifacts(model.model_id, str(path))
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        client.finalize_logged_model(model.model_id, "READY")
    except MlflowException as error:
        raise UserError(f"{away} says {str(error).strip().splitlines()[0]}") from error
    return f"models:/{model.model_id}"


def as_asked(predictor: Predictor, rows: Tensor) -> Any:
    """Inputs of the run's model as somebody asks about them, see `Served.predict`."""
    if predictor.images is None:
        assert predictor.table is not None
        return rows_of(predictor.table.encoder, rows.flatten(1))
    scaling = predictor.images.scaling
    return (rows if scaling is None else rows * scaling.scale + scaling.offset).float().numpy()


def _standardised(predictor: Predictor, images: Any) -> Tensor:
    """Images as the run's own were prepared."""
    assert predictor.images is not None
    pixels, scaling = torch.as_tensor(images, dtype=torch.float32), predictor.images.scaling
    return pixels if scaling is None else scaling(pixels)


def rows_of(encoder: Encoder, features: Tensor) -> "pd.DataFrame":
    """The rows that are encoded so, without what rounding has left behind their sixth digits.

    A category that is none of the training data's is `?`. All numbers are float64.
    """
    import pandas as pd

    count, scaling = len(encoder.numbers), encoder.scaling
    numbers, hot = features[:, :count].double(), features[:, count:]
    size = numbers.abs().amax(0)
    if scaling is not None:
        numbers, size = numbers * scaling.scale + scaling.offset, scaling.scale
    places = [_DIGITS - 1 - math.floor(math.log10(one or 1.0)) for one in size.tolist()]
    columns: dict[str, list[Any]] = {
        name: [round(value, places[i]) + 0.0 for value in numbers[:, i].tolist()]  # −0 becomes 0
        for i, name in enumerate(encoder.numbers)
    }
    for name, known in encoder.categories.items():
        own, hot = hot[:, : len(known)], hot[:, len(known) :]
        which = torch.where(own.any(1), own.argmax(1), len(known))
        columns[name] = [[*known, "?"][i] for i in which.tolist()]
    return pd.DataFrame(columns)


def compared(found: Any, expected: Any) -> float:
    """The largest difference between two of `Served`'s answers.

    Raises:
        UserError: they differ by more than rounding.
    """
    import numpy as np

    largest = 0.0
    for name in expected:
        a, b = np.asarray(found[name]), np.asarray(expected[name])
        if b.dtype.kind not in "if":
            same = bool((a == b).all())
        else:
            apart = float(np.abs(a - b).max())
            same = apart <= TOLERANCE * max(1.0, float(np.abs(b).max()))
            largest = max(largest, apart)
        if not same:
            raise UserError(
                f"the MLflow model answers otherwise than the run, so it is not kept: {name} "
                f"differs, {b.flat[0]} is {a.flat[0]}"
            )
    return largest
