"""What a search shows of its trials, and what it leaves behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study, Trial

RESULTS = "optimization_results.yaml"
IMPORTANCE = "importance"
_FEWEST = 4  # trials from which importance is estimated


def show_trial(trial: "Trial", metrics: Sequence[str]) -> None:
    """A line for a trial that has ended."""
    from .console import TerminalReport, number

    report = TerminalReport()
    if not report.verbosity:
        return
    ended = trial.study.get_trials(deepcopy=False)[trial.number]
    what = ended.state.name.lower()
    if what == "complete":
        pairs = zip(metrics, ended.values, strict=True)
        what = "  ".join(f"{name} {number(value)}" for name, value in pairs)
    line = f"[bold]trial {ended.number}[/]  {what}  {_in_words(ended.params)}"
    best = any(ended.number == other.number for other in _best(trial.study))
    report.console.print(f"{line}[green]{'  best' if best else ''}[/]")


def conclude(
    study: "Study", metrics: Mapping[str, str], sweep_dir: Path, storage: str | None
) -> dict[str, Any]:
    """Show the best trials and what mattered, and write both into the sweep's directory.

    Args:
        study: with its trials.
        metrics: what was optimised, and whether towards its `min` or `max`.
        sweep_dir: where to write.
        storage: where the study is kept.
    """
    import yaml

    from ..training.tracker import write_text
    from .sweep_callback import keep

    trials = study.get_trials(deepcopy=False)
    states = [trial.state.name for trial in trials]
    results = {
        "study": study.study_name,
        "storage": storage,
        "metrics": dict(metrics),
        "trials": {
            "complete": states.count("COMPLETE"),
            "pruned": states.count("PRUNED"),
            "failed": states.count("FAIL"),
        },
        "best": [
            {
                "trial": trial.number,
                "run": trial.user_attrs.get("run"),
                "values": dict(zip(metrics, trial.values, strict=True)),
                "parameters": dict(trial.params),
            }
            for trial in _best(study)
        ],
    }
    path = sweep_dir / RESULTS
    write_text(path, yaml.safe_dump(results, sort_keys=False, allow_unicode=True))
    keep(path)
    importance = _importance(study)
    if importance:
        for written in _write_importance(importance, sweep_dir, study.study_name):
            keep(written)
    _show(results, importance, path)
    return results


def _best(study: "Study") -> list[Any]:
    """The best trial; of several metrics, those that no other beats in all."""
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    return study.best_trials if len(study.directions) > 1 else [study.best_trial]


def _importance(study: "Study") -> dict[str, float]:
    """How much of what the better trials have in common is due to each parameter (PED-ANOVA)."""
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    searched = {name for trial in complete for name in trial.params}
    if len(complete) < _FEWEST or len(searched) < 2:  # a lone parameter has it all
        return {}
    return {name: float(share) for name, share in get_param_importances(study).items()}


def _write_importance(importance: Mapping[str, float], folder: Path, title: str) -> list[Path]:
    from ..analysis.importance import draw_importance
    from ..training.tracker import write_json

    table, plot = folder / f"{IMPORTANCE}.json", folder / f"{IMPORTANCE}.png"
    write_json(table, importance)
    draw_importance(importance, title).savefig(plot, dpi=110)
    return [table, plot]


def _show(results: Mapping[str, Any], importance: Mapping[str, float], path: Path) -> None:
    from rich.table import Table

    from .console import TerminalReport, number

    report = TerminalReport()
    counts = [f"{count} {state}" for state, count in results["trials"].items() if count]
    if not results["best"]:
        report.console.print(f"no trial is complete ({', '.join(counts)})")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("best" if len(results["best"]) == 1 else "best, none beaten in all")
    for name in (*results["metrics"], "with", "run"):
        table.add_column(name, justify="right" if name in results["metrics"] else "left")
    for trial in results["best"]:
        values = [number(value) for value in trial["values"].values()]
        words = _in_words(trial["parameters"], "\n")
        table.add_row(f"trial {trial['trial']}", *values, words, trial["run"])
    report.console.print(table)
    if not report.verbosity:
        return
    report.console.print(f"{', '.join(counts)} trials of study {results['study']}")
    if importance:
        shares = ", ".join(f"{name} {number(share)}" for name, share in importance.items())
        report.console.print(f"importance: {shares}")
    report.console.print(f"in {path}")


def _in_words(parameters: Mapping[str, Any], between: str = " ") -> str:
    from rich.markup import escape

    from .console import number

    shown = {
        name: number(value) if isinstance(value, float) else value
        for name, value in parameters.items()
    }
    return escape(between.join(f"{name}={value}" for name, value in shown.items()))
