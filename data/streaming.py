"""Data that stays on disk: samples decoded one by one, and batches of them by worker processes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .border import BorderWeight
from .build import Split
from .decode import decode_input, decode_mask, resize, resize_mask
from .source import Batch, Reader, Source, SplitName, batch_starts, ordered
from .spec import Spec, TargetKind
from .standardise import Scaling


@dataclass(frozen=True)
class MaskCode:
    """How the numbers in mask files become a target.

    Args:
        kind: `binary` or `classes`.
        values: the numbers that stand for class 0, 1, …, sorted, int32 `[classes]`.
        threshold: larger numbers are 1 in a binary target.
    """

    kind: TargetKind
    values: Tensor
    threshold: float

    @property
    def labels(self) -> tuple[str, ...]:
        """The number, or the range of numbers, that stands for each class."""
        if self.kind == "binary" and len(self.values) > 2:
            return f"≤ {self.threshold:g}", f"> {self.threshold:g}"
        return tuple(str(number) for number in self.values.tolist())

    def __call__(self, mask: Tensor) -> Tensor:
        """`[..., height, width]` → `[..., 1, height, width]`, float32, or class indices, int64."""
        if self.kind == "classes":
            return torch.searchsorted(self.values, mask)
        return (mask > self.threshold).float().unsqueeze(-3)


@dataclass(frozen=True)
class Samples:
    """Images on disk with their masks, or with targets that are known already.

    Args:
        images: the image files.
        masks: the mask file of each; None if there are `targets`.
        targets: `[samples, ...]`; None if there are masks.
        shape: channels, height and width that each image is brought to.
        scaling: how images are standardised; None leaves them as they are.
        code: what the numbers in the masks mean.
        border: how the masks become weight maps; None makes none.
    """

    images: Sequence[Path]
    masks: Sequence[Path] | None
    targets: Tensor | None
    shape: tuple[int, int, int]
    scaling: Scaling | None = None
    code: MaskCode | None = None
    border: BorderWeight | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Batch:
        """One sample as training sees it; a ValueError names a file that can't be used."""
        image, mask = self.decode(index, *self.load(index))
        return self.finish(index, image, mask)

    def load(self, index: int) -> list[bytes]:
        """The contents of a sample's files."""
        paths = [self.images[index], *([self.masks[index]] if self.masks is not None else [])]
        contents = []
        for path in paths:
            with naming(path):
                contents.append(path.read_bytes())
        return contents

    def decode(
        self, index: int, image: bytes, mask: bytes | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Image and mask in the wanted size, before standardisation and coding."""
        with naming(self.images[index]):
            pixels = decode_input(image, self.images[index].suffix, self.shape[0])
        if mask is None or self.masks is None:
            return resize(pixels, self.shape[1:]), None
        with naming(self.masks[index]):
            numbers = decode_mask(mask, self.masks[index].suffix)
        return resize(pixels, self.shape[1:]), resize_mask(numbers, self.shape[1:])

    def finish(self, index: int, image: Tensor, mask: Tensor | None) -> Batch:
        """The sample as training sees it, from what `decode` gave."""
        sample = {"input": image if self.scaling is None else self.scaling(image)}
        if mask is None or self.code is None:
            assert self.targets is not None
            return {**sample, "target": self.targets[index]}
        sample["target"] = self.code(mask)
        if self.border is not None:
            sample["weight"] = self.border(mask, sample["target"])
        return sample


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name in front of what goes wrong with it."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error


class FileSource(Source):
    """Data too large for memory: worker processes decode each batch from disk while others train.

    Args:
        spec: shapes and meaning of the tensors.
        samples: what is on disk.
        split: the indices of train, val and test.
        summary: what a run logs of its data.
        reader: reads new data of the same kind.
        workers: processes that decode; 0 decodes in this one.
        device: where batches go.
    """

    def __init__(
        self,
        spec: Spec,
        samples: Samples,
        split: Split,
        summary: Mapping[str, Any] | None = None,
        reader: Reader | None = None,
        *,
        workers: int = 2,
        device: torch.device | None = None,
    ) -> None:
        self.spec = spec
        self.samples = samples
        self.split = dict(split)
        self.summary: Mapping[str, Any] = dict(summary or {})
        self.reader: Reader | None = reader
        self.workers = workers
        self.device = device or torch.device("cpu")

    def size(self, split: SplitName) -> int:
        """How many samples the split has."""
        return len(self.split[split])

    def to(self, device: torch.device) -> "FileSource":
        """The same data, whose batches go to `device`."""
        return FileSource(
            self.spec,
            self.samples,
            self.split,
            self.summary,
            self.reader,
            workers=self.workers,
            device=device,
        )

    def batches(
        self,
        split: SplitName,
        batch_size: int,
        *,
        seed: int | None = None,
        start: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> Iterator[Batch]:
        """See `Source.batches`; a rank decodes its own samples only."""
        from torch.utils.data import DataLoader

        order = ordered(self.size(split), seed)
        index = self.split[split] if order is None else self.split[split][order]
        rank, ranks = shard
        lists = [
            index[first : first + batch_size][rank::ranks].tolist()
            for first in batch_starts(self.size(split), batch_size, start, shard)
        ]
        loader: Iterable[Batch] = DataLoader(
            self.samples,  # type: ignore[arg-type]  # a map-style data set by its two methods
            batch_sampler=lists,
            num_workers=min(self.workers, len(lists)),
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # else each pass would draw from the run's generator
        )
        for batch in loader:
            yield {name: part.to(self.device, non_blocking=True) for name, part in batch.items()}
