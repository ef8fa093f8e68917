"""Whether runs can be compared at all, and by what: the same data, and a metric that all have.

Values of different losses can be looked at and never ranked: a focal loss is smaller than a
cross-entropy whatever the model does.
"""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from ..errors import UserError
from .collect import RunData, in_short
from .varying import SPLIT_SEED, identity, labels, value_at, varying


def data_differ(runs: Sequence[RunData], asked_for: Sequence[str]) -> str:
    """Why values can't be ranked, if the data differ and that was asked for; else empty.

    Raises:
        UserError: the data differ, and nobody asked to see it.
    """
    prints: dict[str, set[str]] = {}
    for run in runs:
        split = identity(value_at(run.config, SPLIT_SEED))
        prints.setdefault(split, set()).add(run.data.get("fingerprint") or _data_config(run))
    if all(len(found) == 1 for found in prints.values()) and len({*map(_data_name, runs)}) == 1:
        return ""
    configs = [run.config for run in runs]
    differing = [key for key in varying(configs) if key == "data" or key.startswith("data.")]
    if not differing:
        names = [f"{run.name} ({run.data.get('fingerprint')})" for run in runs]
        raise UserError(
            "the runs were made on different data though their configurations agree, so the files "
            f"have changed in between: data.fingerprint differs, {in_short(names, 4)}. "
            "Name the runs that belong together"
        )
    told = []
    for key in differing:
        counts = Counter(labels(key, configs))
        told.append(f"{key} is " + ", ".join(f"{v} ({n} runs)" for v, n in counts.items()))
    what = "; ".join(told)
    if any(key in asked_for for key in differing):
        return f"values on different data can't be ranked: {what}"
    first = labels(differing[0], configs)[0]
    raise UserError(
        f"runs on different data can't be compared: {what}. "
        f"Choose with --filter {differing[0]}={first}, or look at them with --by {differing[0]}"
    )


def _data_name(run: RunData) -> str:
    return run.data.get("name") or str(value_at(run.config, "data._target_"))


def _data_config(run: RunData) -> str:
    """Of a run that recorded no fingerprint: what its data was made from."""
    data = run.config.get("data")
    return identity({k: v for k, v in data.items() if k != "split_seed"} if data else None)


def choose_metric(asked: str | None, runs: Sequence[RunData]) -> str:
    """The metric to compare by, which every run has."""
    if asked is None:
        monitors = Counter(run.monitor or "val/loss" for run in runs)
        if len(monitors) > 1:
            told = ", ".join(f"{name} ({n} runs)" for name, n in monitors.items())
            raise UserError(
                f"the runs are judged by different metrics: {told}. Choose one that all have with "
                "--metric, or some of the runs with --filter"
            )
        asked = next(iter(monitors))
        candidates = [f"test/{asked.partition('/')[2]}", asked]
    else:
        candidates = [asked] if "/" in asked else [f"test/{asked}", f"val/{asked}", asked]
        if asked.startswith("terms/"):
            candidates = [f"{split}/{asked}" for split in ("test", "val", "train")]
    for candidate in candidates:
        if all(run.value(candidate) is not None for run in runs):
            return candidate
    some = [c for c in candidates if any(run.value(c) is not None for run in runs)]
    if some:
        lacking = [run.name for run in runs if run.value(some[0]) is None]
        raise UserError(
            f"{len(lacking)} of {len(runs)} runs have no {some[0]}: {in_short(lacking)}. "
            f"All have {in_short(_common(runs), 12) or 'nothing in common'}"
        )
    near = get_close_matches(asked, [n.partition("/")[2] for n in _common(runs)], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UserError(f"no run has the metric {asked}.{hint} All have {in_short(_common(runs), 12)}")


def _common(runs: Sequence[RunData]) -> list[str]:
    """The metrics that all runs have: task metrics first, as they were logged."""
    first = [*runs[0].metrics, *runs[0].curves()]
    names = [n for n in dict.fromkeys(first) if all(run.value(n) is not None for run in runs)]
    return sorted(names, key=lambda name: (is_loss(name), not name.startswith(("test/", "val/"))))


def is_loss(metric: str) -> bool:
    """Whether the metric is a value of the loss, and not of the task.

    >>> is_loss("val/terms/kl"), is_loss("test/dice")
    (True, False)
    """
    return metric.rpartition("/")[2] == "loss" or "terms/" in metric


def no_result(metric: str, runs: Sequence[RunData]) -> str:
    """Why the values of the metric can't be ranked; empty if they can."""
    if metric == "lr" or metric.startswith(("weights/", "balance/")):
        return f"{metric} is a setting of the runs, not what they came to"
    if not is_loss(metric) or len({identity(run.config.get("loss")) for run in runs}) == 1:
        return ""
    names = [name for name in _common(runs) if name.startswith("test/") and not is_loss(name)]
    names = names or [n for n in _common(runs) if n.startswith("val/") and not is_loss(n)]
    remedy = f"; a task metric can be: --metric {names[0].partition('/')[2]}" if names else ""
    return f"values of different losses can't be ranked, and {metric} is one{remedy}"
