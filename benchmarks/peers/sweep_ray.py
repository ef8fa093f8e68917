"""Ray Tune over the grid, all cores: `python -m benchmarks.peers.sweep_ray RUNS`."""

import os

from ray import tune

from . import sweep

values = sweep.grid(sweep.asked())
store = os.environ["MLFLOW_TRACKING_URI"]


def objective(config):
    os.environ["MLFLOW_TRACKING_URI"] = store
    tune.report({"loss": sweep.tracked(**config)})


tune.Tuner(
    objective, param_space={name: tune.grid_search(choices) for name, choices in values.items()}
).fit()
