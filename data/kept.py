"""What a run keeps of its data, so that new data can be prepared as its own were.

The training data may be gone by then, or others may stand in their file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from .encoder import Encoder
from .images import ImageReader
from .source import Source
from .spec import Spec
from .standardise import Scaling
from .table import TableReader


@dataclass(frozen=True)
class Kept:
    """What data are, and how new ones are prepared.

    Args:
        spec: of the data.
        table: prepares tables; None where the data can't be read from one.
        images: prepares image files; None where the data are no images.
    """

    spec: Spec
    table: TableReader | None = None
    images: ImageReader | None = None

    @classmethod
    def of(cls, source: Source) -> "Kept":
        """What is to be kept of a source.

        Without a reader, numbers are taken as they are: images of the size that the spec says, else
        tables with the features' names, `x1`, `x2`, … where they have none. Of a reader that is
        written elsewhere nothing is known.
        """
        spec, reader = source.spec, source.reader
        table = reader if isinstance(reader, TableReader) else None
        images = reader if isinstance(reader, ImageReader) else None
        if reader is not None and table is None and images is None:
            return cls(spec)
        if images is None and len(spec.input_shape) == 3:
            channels, height, width = spec.input_shape
            images = ImageReader((channels, height, width))
        if table is None and images is None and len(spec.input_shape) < 3:
            count = torch.Size(spec.input_shape).numel()
            names = spec.features or tuple(f"x{i}" for i in range(1, count + 1))
            shape = spec.input_shape if len(spec.input_shape) > 1 else ()
            table = TableReader(Encoder(names, {}, {}, None), shape=shape)
        return cls(spec, table, images)

    @classmethod
    def read(cls, path: Path) -> "Kept":
        """What was kept in a file, see `as_json`."""
        values = json.loads(path.read_text())
        table, images = values["table"], values["images"]
        return cls(
            Spec(**{name: _tuple(value) for name, value in values["spec"].items()}),
            None if table is None else _table(table),
            None if images is None else _images(images),
        )

    def as_json(self) -> str:
        """All of it as text, which `read` reads again."""
        table: dict[str, Any] | None = None
        images: dict[str, Any] | None = None
        if self.table is not None:
            encoder = self.table.encoder
            table = {
                "numbers": encoder.numbers,
                "categories": dict(encoder.categories),
                "fill": dict(encoder.fill),
                "scaling": _moments(encoder.scaling),
                "separator": self.table.separator,
                "shape": self.table.shape,
            }
        if self.images is not None:
            images = {
                "shape": self.images.shape,
                "scaling": _moments(self.images.scaling),
                "resized": self.images.resized,
            }
        values = {"spec": asdict(self.spec), "table": table, "images": images}
        return json.dumps(values, default=_plain)


def _table(values: Mapping[str, Any]) -> TableReader:
    categories = {name: tuple(known) for name, known in values["categories"].items()}
    scaling = _scaling(values["scaling"])
    encoder = Encoder(tuple(values["numbers"]), categories, values["fill"], scaling)
    return TableReader(encoder, values["separator"], tuple(values["shape"]))


def _images(values: Mapping[str, Any]) -> ImageReader:
    channels, height, width = values["shape"]
    scaling = _scaling(values["scaling"])
    return ImageReader((channels, height, width), scaling, values["resized"])


def _moments(scaling: Scaling | None) -> dict[str, Any] | None:
    if scaling is None:
        return None
    return {"offset": scaling.offset.tolist(), "scale": scaling.scale.tolist()}


def _scaling(moments: Mapping[str, Any] | None) -> Scaling | None:
    if moments is None:
        return None
    offset, scale = (torch.tensor(moments[n], dtype=torch.float64) for n in ("offset", "scale"))
    return Scaling(offset, scale)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """A number of NumPy or torch as Python's, anything else as text."""
    return value.item() if hasattr(value, "item") else str(value)
