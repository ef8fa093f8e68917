"""Hydra and MLflow by hand: `python -m benchmarks.peers.sweep_hydra -m lr=… weight_decay=… seed=…`.

With `hydra/launcher=joblib` in one process per core.
"""

from dataclasses import dataclass

import hydra
from hydra.core.config_store import ConfigStore

from . import sweep


@dataclass
class Config:
    lr: float = 1e-3
    weight_decay: float = 0.0
    seed: int = 0


ConfigStore.instance().store("config", Config)


@hydra.main(config_path=None, config_name="config", version_base="1.3")
def main(config) -> float:
    return sweep.tracked(config.lr, config.weight_decay, config.seed)


main()
