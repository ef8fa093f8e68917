"""Optuna's own loop over the grid: `python -m benchmarks.peers.sweep_optuna RUNS`."""

import optuna

from . import sweep

runs = sweep.asked()
values = sweep.grid(runs)


def objective(trial):
    return sweep.tracked(
        **{name: trial.suggest_categorical(name, choices) for name, choices in values.items()}
    )


optuna.logging.set_verbosity(optuna.logging.WARNING)
optuna.create_study(sampler=optuna.samplers.GridSampler(values)).optimize(objective, n_trials=runs)
