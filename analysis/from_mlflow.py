"""Runs from a MLflow store, for `losslab compare`: those of a cluster are nowhere else.

MLflow is imported only when this is asked for.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from ..errors import UserError
from ..training.config import TrackingConfig
from ..training.journal import Curve
from ..training.metrics_mode import mode_of
from ..training.record import store_uri
from ..training.tracker import store_path
from .collect import RunData, Selection, data_tags, in_short

_PAGE = 1000
_HEADLINES = {"dice": "dice", "rmse": "rmse", "mse": "mse", "auroc": "f1", "accuracy": "accuracy"}
"""Of a run that doesn't say what it monitors: what is there, and the headline of such a task."""


def collect_from_mlflow(
    words: Sequence[str] = (), *, experiment: str = "losslab", uri: str | None = None
) -> Selection:
    """The runs of an experiment.

    Args:
        words: names, ids or unique prefixes of runs, or of sweeps; none takes all of them.
        experiment: the experiment's name.
        uri: the store; None takes MLFLOW_TRACKING_URI, or mlflow.db here.

    Raises:
        UserError: no such store, experiment or run.
    """
    store = store_uri(TrackingConfig(uri=uri))
    if store.startswith("sqlite:") and not store_path(store).exists():
        raise UserError(
            f"there is no store {store_path(store)}: name it with --uri sqlite:///PATH, or a "
            "server with --uri http://ADDRESS"
        )
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(tracking_uri=store)
    try:
        found = client.get_experiment_by_name(experiment)
        if found is None:
            names = [e.name for e in client.search_experiments()]
            near = get_close_matches(experiment, names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(
                f"no experiment '{experiment}' in {store}.{hint} There are: {', '.join(names)}"
            )
        entries = _all_runs(client, found.experiment_id)
    except MlflowException as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"the store {store} can't be read: {reason}") from error
    ours = [entry for entry in entries if "seed" in entry.data.params]
    parents = {entry.data.tags.get("mlflow.parentRunId") for entry in entries}
    foreign = [
        str(e.info.run_name) for e in entries if e not in ours and e.info.run_id not in parents
    ]
    if not ours:
        raise UserError(f"experiment '{experiment}' in {store} holds no runs of losslab")
    notes = (
        [f"without a configuration of losslab, left out: {in_short(foreign)}"] if foreign else []
    )
    chosen = _named(words, ours, entries) if words else ours
    runs = [_run(client, entry) for entry in chosen]
    title = f"{' + '.join(words)} in {experiment}" if words else f"experiment {experiment}"
    return Selection(title, sorted(runs, key=lambda run: run.started), (), notes)


def _all_runs(client: Any, experiment_id: str) -> list[Any]:
    entries: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], max_results=_PAGE, page_token=token)
        entries += page
        token = page.token
        if not token:
            return entries


def _named(words: Sequence[str], runs: Sequence[Any], entries: Sequence[Any]) -> list[Any]:
    """Those of the runs that the words name, by themselves or by their sweep."""
    chosen: dict[str, Any] = {}
    for word in words:
        ways: tuple[Callable[[str], bool], ...] = (
            lambda name, word=word: name == word,  # type: ignore[misc]  # bound here
            lambda name, word=word: name.startswith(word),  # type: ignore[misc]
        )
        parent_names = {e.info.run_id: str(e.info.run_name) for e in entries}
        for fits in ways:
            own = [r for r in runs if fits(str(r.info.run_name)) or fits(r.info.run_id)]
            of_sweep = [r for r in runs if any(map(fits, _sweeps(r, parent_names)))]
            if own or of_sweep:
                break
        sweeps = {_sweeps(run, parent_names)[0] for run in of_sweep}
        if len(own) > 1 or len(sweeps) > 1 or (own and of_sweep):
            names = [*(str(run.info.run_name) for run in own), *sorted(sweeps)]
            raise UserError(
                f"several are called '{word}…': {in_short(names)}. Give more of the name"
            )
        if not own and not of_sweep:
            names = [str(run.info.run_name) for run in runs]
            near = get_close_matches(word, names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(f"no run or sweep '{word}' in the experiment.{hint}")
        chosen |= {run.info.run_id: run for run in (*own, *of_sweep)}
    return list(chosen.values())


def _sweeps(run: Any, names: Mapping[str, str]) -> list[str]:
    """What the sweep of the run is called; nothing for a run by itself."""
    tags = run.data.tags
    folder = PurePosixPath(tags.get("run_dir", "")).parent.name
    found = [names.get(tags.get("mlflow.parentRunId", ""), "")]
    found += [folder] if folder.startswith("sweep-") else []
    return [name for name in found if name]


def _run(client: Any, entry: Any) -> RunData:
    """A run from what the store holds of it."""
    metrics: dict[str, float] = dict(entry.data.metrics)
    config = nested({key: read(value) for key, value in entry.data.params.items()})
    tags = entry.data.tags
    monitor = tags.get("monitor") or _monitor(config, metrics)

    curves = _Curves(client, entry.info.run_id, list(metrics))
    best_epoch = None
    if monitor in metrics and entry.info.status == "FINISHED":
        _, values = curves[monitor]
        finite = [value for value in values if value == value]  # not NaN
        if finite:
            best = min(finite) if mode_of(monitor) == "min" else max(finite)
            best_epoch = values.index(best) + 1
    # Of the validation, the store's last values are of the last epoch and not of the best one.
    ended_with = {name: value for name, value in metrics.items() if name.startswith("test/")}
    return RunData(
        name=str(entry.info.run_name),
        status=entry.info.status,
        config=config,
        metrics=ended_with,
        reason=tags.get("losslab.reason", ""),
        monitor=monitor,
        best_epoch=best_epoch,
        data=data_tags(tags),
        started=(entry.info.start_time or 0) / 1000,
        curves=lambda: curves,
    )


def _monitor(config: Mapping[str, Any], metrics: Mapping[str, float]) -> str:
    """What the run was judged by: what its configuration says, or its task's headline."""
    asked = str(config.get("trainer", {}).get("monitor", "auto"))
    if asked != "auto":
        return asked if asked.startswith("val/") else f"val/{asked}"
    found = (head for name, head in _HEADLINES.items() if f"val/{name}" in metrics)
    return f"val/{next(found, 'loss')}"


class _Curves(Mapping[str, Curve]):
    """A run's curves, each asked of the store when it is looked at."""

    def __init__(self, client: Any, run_id: str, names: Sequence[str]) -> None:
        self._client, self._run_id, self._names = client, run_id, names
        self._known: dict[str, Curve] = {}

    def __getitem__(self, name: str) -> Curve:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._known:
            points = self._client.get_metric_history(self._run_id, name)
            by_step = {p.step: p.value for p in sorted(points, key=lambda p: p.timestamp)}
            steps = sorted(by_step)
            self._known[name] = steps, [by_step[step] for step in steps]
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def read(text: str) -> Any:
    """A parameter as it was before MLflow made it text.

    >>> read("1e-08"), read("[0.9, 0.999]"), read("None"), read("auto")
    (1e-08, [0.9, 0.999], None, 'auto')
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as nested mappings: the inverse of `flatten`.

    >>> nested({"loss.dice.weight": 1.0, "seed": 0})
    {'loss': {'dice': {'weight': 1.0}}, 'seed': 0}
    """
    config: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        node = config
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value
    return config
