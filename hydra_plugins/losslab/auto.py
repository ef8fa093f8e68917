"""`hydra/launcher=auto`: a sweep's jobs in whatever way is fastest on this machine."""

from dataclasses import dataclass

from .vectorized import VectorizedConf, VectorizedLauncher


@dataclass
class AutoConf(VectorizedConf):
    """What `hydra.launcher` holds.

    Args:
        max_width: the most runs in one program; null takes what fits into memory, 1 stacks none.
        compile: see `VectorizedConf`.
        workers: processes for the runs that are not stacked; null measures whether they would be
            faster than one by one, and takes no more than there are cores and memory for.
    """

    _target_: str = "hydra_plugins.losslab.auto.AutoLauncher"
    workers: int | None = None


class AutoLauncher(VectorizedLauncher):
    """Trains groups as one program where that is faster, the rest here or in processes.

    Args:
        max_width: see `AutoConf`.
        workers: see `AutoConf`.
        compile: see `VectorizedConf`.
    """

    def __init__(
        self,
        max_width: int | None = None,
        workers: int | None = None,
        compile: bool = False,
    ) -> None:
        super().__init__(max_width, compile)
        self.workers = workers
