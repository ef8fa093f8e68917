"""Task metrics of other packages and of the user's own files, beside those of `metrics`."""

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..data.source import Batch
from ..data.spec import Spec
from ..errors import UserError
from .build import build_options, check_options, instantiate, locate, parameters_of
from .metric_rows import Rows, made_up_rows, rows_of
from .metrics import Binary, Classes, Metrics, Regression, Values, metrics_for
from .metrics_mode import mode_of

Nodes = Mapping[str, Mapping[str, Any]]

# What a function may ask for by naming a parameter: arrays for scikit-learn's names, else tensors.
_TARGETS, _ANSWERS, _SCORES = ("y_true", "y1"), ("y_pred", "y2"), ("y_score", "y_proba", "y_prob")
_SUPPLIED = (*_TARGETS, *_ANSWERS, *_SCORES, "target", "preds")


def metric_nodes(asked: Any) -> dict[str, dict[str, Any]]:
    """The metrics asked for by `trainer.metrics`: their names and what they are built from.

    >>> list(metric_nodes(["sklearn.metrics.cohen_kappa_score", "torchmetrics.HingeLoss"]))
    ['cohen_kappa_score', 'hinge_loss']

    Args:
        asked: null for none, a list of paths, which name themselves, or a mapping from names to
            paths or to nodes with `_target_` and options.

    Raises:
        UserError: it is neither.
    """
    nodes: Mapping[str, Any]
    if asked is None or isinstance(asked, Mapping):
        nodes = asked or {}
    elif isinstance(asked, (list, tuple)) and all(isinstance(path, str) for path in asked):
        names = [_snake_case(re.split(r"[.:]", path)[-1]) for path in asked]
        if twins := [name for name in names if names.count(name) > 1]:
            raise UserError(
                f"trainer.metrics has two called {twins[0]}: give them names, as "
                "'trainer.metrics={one: …, other: …}'"
            )
        nodes = dict(zip(names, asked, strict=True))
    else:
        nodes = {"": None}
    built = {}
    for name, node in nodes.items():
        node = {"_target_": node} if isinstance(node, str) else node
        if not isinstance(node, Mapping) or "_target_" not in node:
            raise UserError(
                "trainer.metrics must be paths, as [sklearn.metrics.matthews_corrcoef], or names "
                f"with a path or a node with _target_ each; got {asked!r}"
            )
        built[str(name)] = dict(node)
    return built


def _snake_case(name: str) -> str:
    """`MatthewsCorrCoef` as `matthews_corr_coef`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class WithCustom(Metrics):
    """A task's metrics and those asked for beside them.

    Args:
        task: the task's own.
        custom: the others.
        spec: of the data.
        ignore_index: targets that do not count.
    """

    def __init__(
        self, task: Metrics, custom: "Mapping[str, Custom]", spec: Spec, ignore_index: int | None
    ) -> None:
        self.headline, self.judges = task.headline, task.judges
        self.task = task
        self.custom = custom
        self.spec = spec
        self.ignore_index = ignore_index

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch."""
        self.task.update(outputs, batch)
        rows = rows_of(self.task, self.spec, outputs, batch, self.ignore_index)
        for metric in self.custom.values():
            metric.update(*rows)

    def check(self) -> None:
        """Compute the metrics asked for on a few made-up rows, among which every class occurs.

        To be called on metrics that have seen a batch, and are thrown away.

        Raises:
            UserError: one of them can't be computed for this task, or has the name of another.
        """
        taken = self.custom.keys() & self.task.compute().keys()
        if taken:
            name = min(taken)
            raise UserError(
                f"{name} is measured already: give yours another name, as "
                f"'trainer.metrics={{my_{name}: …}}'"
            )
        for metric in self.custom.values():
            metric.update(*made_up_rows(self.task, self.spec))
            metric.compute()

    def compute(self) -> Values:
        """The metrics of all batches so far."""
        return self.task.compute() | {name: m.compute() for name, m in self.custom.items()}


def task_metrics(
    asked: Any, spec: Spec, outputs: Mapping[str, Tensor], ignore_index: int | None
) -> Callable[[], Metrics]:
    """What makes empty metrics: the task's own, and beside them those asked for.

    Args:
        asked: `trainer.metrics`; see `metric_nodes`.
        spec: of the data.
        outputs: what the model gives.
        ignore_index: targets that do not count.
    """
    nodes = metric_nodes(asked)
    targets = {name: locate(node["_target_"]) for name, node in nodes.items()}

    def new() -> Metrics:
        task = metrics_for(spec, outputs, ignore_index)
        if not nodes:
            return task
        sizes = _sizes(task, spec)
        custom = {name: _build(name, node, targets[name], sizes) for name, node in nodes.items()}
        return WithCustom(task, custom, spec, ignore_index)

    return new


class Custom(ABC):
    """One metric of somebody else's: rows go in, a number comes out."""

    def __init__(self, where: str) -> None:
        self.where = where

    @abstractmethod
    def update(self, target: Tensor, answer: Tensor, score: Tensor) -> None:
        """Add rows: what was true, what was answered, and how sure (for real numbers, again)."""

    def compute(self) -> float:
        """The metric of all rows so far.

        Raises:
            UserError: it can't be computed, or is more than one number.
        """
        with self.telling():
            value = self._compute()
        try:
            return float(value)
        except (ValueError, TypeError, RuntimeError):
            raise UserError(
                f"{self.where} gives {_several(value)}, and one number is wanted: an option such "
                "as average=macro may give one"
            ) from None

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Say which metric it was that failed."""
        try:
            yield
        except Exception as error:  # whatever somebody else's metric raises
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{self.where} can't be computed: {reason}") from error

    @abstractmethod
    def _compute(self) -> Any:
        """What the metric gives."""


def _several(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")


class FunctionMetric(Custom):
    """A function of all rows at once, as scikit-learn's: it names what it wants."""

    def __init__(self, where: str, function: Callable[..., Any], options: dict[str, Any]) -> None:
        super().__init__(where)
        self.function = function
        self.options = options
        wants = [name for name in _SUPPLIED if name in parameters_of(function)]
        if any(name in wants for name in _SCORES):  # `y_pred` beside them is their former name
            wants = [name for name in wants if name not in _ANSWERS]
        self.wants = wants
        self.rows: list[Rows] = []

    def update(self, target: Tensor, answer: Tensor, score: Tensor) -> None:
        """Keep the rows."""
        self.rows.append((target, answer, score))

    def _compute(self) -> Any:
        target, answer, score = (torch.cat(part) for part in zip(*self.rows, strict=True))
        arrays = ((_TARGETS, target), (_ANSWERS, answer), (_SCORES, score))
        known: dict[str, Any] = {n: values.numpy() for names, values in arrays for n in names}
        known |= {"target": target, "preds": score}
        return self.function(**{name: known[name] for name in self.wants}, **self.options)


class ModuleMetric(Custom):
    """An object that adds up batches, as torchmetrics': `update(preds, target)`, `compute()`."""

    def __init__(self, where: str, module: Any) -> None:
        super().__init__(where)
        self.module = module

    def update(self, target: Tensor, answer: Tensor, score: Tensor) -> None:
        """Hand the rows on."""
        with self.telling():
            self.module.update(preds=score, target=target)

    def _compute(self) -> Any:
        return self.module.compute()


def _build(name: str, node: Mapping[str, Any], target: Any, sizes: Mapping[str, Any]) -> Custom:
    where = f"trainer.metrics.{name}"
    if inspect.isclass(target):
        module = instantiate(node, where, supplied=sizes, target=target)
        if not all(callable(getattr(module, method, None)) for method in ("update", "compute")):
            raise UserError(f"{where}: {node['_target_']} has no update and compute")
        _check_direction(where, name, getattr(module, "higher_is_better", None))
        return ModuleMetric(where, module)
    if not callable(target):
        raise UserError(f"{where}: {node['_target_']} is not a function")
    metric = FunctionMetric(where, target, build_options(node, where))
    if len(metric.wants) < 2:
        raise UserError(
            f"{where}: {node['_target_']} must name two of {', '.join(_SUPPLIED)} among its "
            f"parameters; it has {', '.join(parameters_of(target)) or 'none'}"
        )
    check_options(target, metric.options, where, given=_SUPPLIED)
    return metric


def _check_direction(where: str, name: str, higher_is_better: bool | None) -> None:
    """A metric's name must say which way is better: runs are compared by it later."""
    wanted = {True: "max", False: "min", None: mode_of(name)}[higher_is_better]
    if mode_of(name) != wanted:
        way = "less" if wanted == "min" else "more"
        other = f"{name}_error" if wanted == "min" else "a name without error, loss or distance"
        raise UserError(
            f"{where}: {way} of it is better, and its name must say so: call it {other}"
        )


def _sizes(task: Metrics, spec: Spec) -> dict[str, Any]:
    """What a metric's class may ask for by naming a parameter, torchmetrics' names."""
    if isinstance(task, Binary):
        if spec.outputs == 1:
            return {"task": "binary"}
        return {"task": "multilabel", "num_labels": spec.outputs}
    if isinstance(task, Classes):
        return {"task": "multiclass", "num_classes": task.classes}
    if isinstance(task, Regression):
        return {"num_outputs": spec.outputs}
    raise UserError(
        "trainer.metrics compares answers with targets, and this task has none: it is judged by "
        f"{task.headline}"
    )
