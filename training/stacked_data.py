"""The data of runs that are trained together: each set once, and for every run its own order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..data.kept import Kept
from ..data.source import Batch, Source, SplitName, TensorSource, batch_starts, epoch_seed, ordered
from ..data.spec import Spec
from .assemble import build_source
from .stacked_optimizer import NotStackable


class StackedData:
    """What K runs train on.

    Attributes:
        sources: each set once.
        source_of: which of them is each run's.

    Args:
        configs: of each run.
        source: of the first run.
        device: where the batches are wanted.

    Raises:
        NotStackable: data that is not held in memory, or sets of several sizes.
    """

    def __init__(
        self, configs: Sequence[Mapping[str, Any]], source: Source, device: torch.device
    ) -> None:
        built: dict[str, int] = {}
        self.sources: list[TensorSource] = []
        self.source_of: list[int] = []
        for config in configs:
            key = repr(config["data"])
            if key not in built:
                built[key] = len(self.sources)
                one = build_source(config) if self.sources else source
                if not isinstance(one, TensorSource):
                    raise NotStackable("data that is not held in memory is not stacked")
                self.sources.append(one.to(device))
            self.source_of.append(built[key])
        splits: tuple[SplitName, ...] = ("train", "val", "test")
        if len({tuple(s.size(split) for split in splits) for s in self.sources}) > 1:
            raise NotStackable("the runs' data sets differ in size")
        self._seeds = [int(config["seed"]) for config in configs]
        self._device = device
        self._stacked: dict[SplitName, dict[str, Tensor]] = {}
        self._kept: dict[int, str] = {}

    @property
    def specs(self) -> list[Spec]:
        """What the tensors of each set mean."""
        return [source.spec for source in self.sources]

    @property
    def is_one(self) -> bool:
        """Whether all runs have the same data."""
        return len(self.sources) == 1

    @property
    def is_shared(self) -> bool:
        """Whether all runs see the same batches in the same order."""
        return self.is_one and len(set(self._seeds)) == 1

    def kept(self, run: int) -> str:
        """What the run keeps of its data, see `losslab.data.kept`."""
        which = self.source_of[run]
        if which not in self._kept:
            self._kept[which] = Kept.of(self.sources[which]).as_json()
        return self._kept[which]

    def size(self, split: SplitName) -> int:
        """How many samples the split has."""
        return self.sources[0].size(split)

    def of(self, runs: Sequence[int]) -> "StackedData":
        """The data of these runs only."""
        some = object.__new__(StackedData)
        some.__dict__.update(self.__dict__)
        some.source_of = [self.source_of[run] for run in runs]
        some._seeds = [self._seeds[run] for run in runs]
        return some

    def batches(self, epoch: int, batch_size: int, shared: bool) -> Iterator[Batch]:
        """The training batches of an epoch: shared, or each run's own, `[K, batch, …]`."""
        size = self.size("train")
        tensors = self._split("train")
        orders = {seed: ordered(size, epoch_seed(seed, epoch)) for seed in set(self._seeds)}
        order = torch.stack([orders[seed] for seed in self._seeds]).to(self._device)  # type: ignore[misc]
        which = torch.tensor(self.source_of, device=self._device).unsqueeze(1)
        for first in batch_starts(size, batch_size):
            rows = order[:, first : first + batch_size]
            if shared:
                yield {name: tensor[0, rows[0]] for name, tensor in tensors.items()}
            else:
                yield {name: tensor[which, rows] for name, tensor in tensors.items()}

    def whole(self, split: SplitName) -> Batch:
        """A split in its own order: `[samples, …]` if the runs have the same data, else by run."""
        if self.is_one:
            return self.sources[0].splits[split]
        which = torch.tensor(self.source_of, device=self._device)
        return {name: tensor[which] for name, tensor in self._split(split).items()}

    def _split(self, split: SplitName) -> dict[str, Tensor]:
        """The split's tensors over all sources, `[sources, samples, …]`; made once."""
        if split not in self._stacked:
            tensors = [source.splits[split] for source in self.sources]
            self._stacked[split] = {
                name: first.unsqueeze(0) if self.is_one else torch.stack([t[name] for t in tensors])
                for name, first in tensors[0].items()
            }
        return self._stacked[split]
