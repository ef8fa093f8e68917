"""A run, from its configuration to its summary: read it from top to bottom."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..data.kept import Kept
from ..data.source import Batch, Source, SplitName
from ..data.spec import Spec
from ..errors import UserError
from ..losses.objective import Objective
from . import checkpoint
from .answer import ANSWER, Answer, Trained, ask, check_answer
from .assemble import build_balance, build_model, build_objective, build_optimizer, build_source
from .build import locate
from .config import ObjectiveConfig, TrackingConfig, TrainerConfig
from .custom_metrics import WithCustom, task_metrics
from .distributed import World, pick_device, process_group, world
from .examples import save_examples
from .heap import keep_freed_memory
from .loop import Loop
from .metrics import Metrics, Values, metrics_for
from .preflight import bind, preflight, tiny_batch, try_model
from .proximal import ISTA, ProximalStep
from .pruning import watcher_of
from .record import NoRecord, Record
from .report import Report
from .seeding import leaving_no_trace, seed_everything
from .signals import Stopped
from .step import EagerStep, model_inputs
from .sweeps import identity
from .trivial import trivial_metrics
from .versions import versions

if TYPE_CHECKING:
    from .balance import Balance

CURVATURE = "losslab.analysis.curvature.along.along_training"  # by name: arrows point one way


@dataclass
class Result:
    """What a run came to.

    Args:
        name: the run's name.
        run_dir: its directory: configuration, checkpoints, plots, journal.
        status: FINISHED, FAILED or KILLED.
        metrics: `test/…` of the best epoch (`val/…` without test data), in the units of the data,
            and the best value of the monitored metric.
        run_id: the MLflow run's id; None if it was not tracked.
        model: the trained model, at its best epoch; None if it never got there.
        reason: why it ended before its time.
        answer: what it says to the question that it was made for, if there is one.
    """

    name: str
    run_dir: Path
    status: str
    metrics: dict[str, float] = field(default_factory=dict)
    run_id: str | None = None
    model: torch.nn.Module | None = None
    reason: str = ""
    answer: Answer | None = None


def run(
    config: Mapping[str, Any],
    run_dir: Path,
    report: Report | None = None,
    *,
    resume: bool = False,
    dry: bool = False,
) -> Result:
    """Train one model as `config` says, and keep everything in `run_dir`.

    Args:
        config: resolved, as plain containers; see `losslab.training.config.RunConfig`.
        run_dir: an existing directory of the run's own.
        report: hears what happens.
        resume: continue from the directory's last checkpoint.
        dry: stop after preflight, and leave nothing behind.

    Raises:
        UserError: what the user can put right, found before the first step.
        Stopped: a signal asked the run to stop; it can be resumed.
        NonFiniteLoss: the loss became NaN or infinite.
    """
    here = world()
    report = report if report is not None and here.is_main else Report()
    trainer = typed(TrainerConfig, config["trainer"])
    tracking = typed(TrackingConfig, config["tracking"])
    device = pick_device(trainer.device, here)
    if trainer.threads is not None:
        torch.set_num_threads(trainer.threads)
    kind = Record if here.is_main and not dry else NoRecord
    record = kind(run_dir, tracking)
    try:
        with process_group(here, device):
            parts = prepare(config, trainer, device, here, report)
            loop = build_loop(config, parts, trainer, tracking, record, report, here)
            if resume:
                _restore(loop, parts.step.model, record)
            report.header(_facts(config, parts, loop, record))
            if dry:
                return Result(record.name, run_dir, "DRY")
            _begin(record, config, parts, loop)
            with _true_state(record):
                loop.fit()
                return _conclude(config, parts, loop, record, report, tracking)
    except BaseException:
        if record.summary.get("status") is None:
            record.discard()  # it never began: leave nothing behind
        raise
    finally:
        record.close()


@dataclass
class Parts:
    """What preflight has found to fit together."""

    spec: Spec
    source: Any
    objective: Objective
    step: EagerStep
    batch: Batch
    outputs: Mapping[str, torch.Tensor]
    device: torch.device

    @property
    def channels(self) -> int:
        """Channels of the model's answer."""
        return (
            self.outputs[self.spec.main_output].shape[1]
            if self.spec.main_output in self.outputs
            else 0
        )

    @property
    def ignore_index(self) -> int | None:
        """The target value that the losses leave out, and so the metrics do."""
        found = [t.ignore_index for t in self.objective.terms if t.ignore_index is not None]
        return found[0] if found else None


def prepare(
    config: Mapping[str, Any],
    trainer: TrainerConfig,
    device: torch.device,
    here: World,
    report: Report,
) -> Parts:
    """Seed, data, model, objective, optimizer, preflight."""
    check_answer(config)
    if device.type == "cpu":
        keep_freed_memory()
    source = build_source(config).to(device)
    spec = source.spec
    seed_everything(config["seed"])
    model = build_model(config, spec).to(device)
    if len(spec.input_shape) == 3:  # convolutions are faster by a third and more in this layout
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    objective = build_objective(config).to(device)
    batch = tiny_batch(source, device)
    with leaving_no_trace(model):
        try:
            inputs = model_inputs(model, batch)
        except ValueError as error:
            raise UserError(str(error)) from error
        outputs = try_model(model, inputs, spec.main_output, batch)
        bind(objective, batch, outputs, spec.main_output)
        parameters = [p for p in model.parameters() if p.requires_grad]
        if not parameters:
            raise UserError(f"model {type(model).__name__} has nothing to train")
        optimizer, lr = build_optimizer(config, parameters, device)
        if isinstance(optimizer, torch.optim.LBFGS) and (
            trainer.accumulate > 1 or trainer.clip_norm is not None or here.size > 1
        ):
            raise UserError(
                "optimizer=lbfgs evaluates the loss several times in a step: it can't be combined "
                "with trainer.accumulate, trainer.clip_norm or several processes"
            )
        balance = build_balance(config, objective, model, device)
        kind = _kind_of_step(balance, optimizer)
        try:
            step = kind(
                model,
                objective,
                optimizer,
                inputs=inputs,
                main_output=spec.main_output,
                lr=lr,
                accumulate=trainer.accumulate,
                clip_norm=trainer.clip_norm,
                autocast=trainer.precision == "bf16",
                distributed=here.size > 1,
            )
        except ValueError as error:
            raise UserError(str(error)) from error
        notes = preflight(step, source, batch, outputs, objective)
        try:
            if balance is not None:
                balance.check(step.compute(batch, 0.0))
            source = source.following(step.answer)
        except ValueError as error:
            raise UserError(str(error)) from error
    if trainer.compile:
        step.compile()  # after preflight, whose tiny batch would be compiled for nothing
    seed_everything(config["seed"] + here.rank)
    for note in notes:
        report.note(note)
    return Parts(spec, source, objective, step, batch, outputs, device)


def _kind_of_step(
    balance: "Balance | None", optimizer: torch.optim.Optimizer
) -> Callable[..., EagerStep]:
    if balance is not None:
        from .balance.step import BalancedStep  # other runs are spared the import

        return partial(BalancedStep, balance=balance)
    return ProximalStep if isinstance(optimizer, ISTA) else EagerStep


def build_loop(
    config: Mapping[str, Any],
    parts: Parts,
    trainer: TrainerConfig,
    tracking: TrackingConfig,
    record: Record,
    report: Report,
    here: World,
) -> Loop:
    """The loop over what preflight has found to fit together."""
    objective = typed(ObjectiveConfig, config["objective"])

    def save(name: str, state: Mapping[str, Any]) -> None:
        if here.is_main:
            checkpoint.save(state, record.checkpoint(name))

    try:
        loop = Loop(
            step=parts.step,
            source=parts.source,
            objective=parts.objective,
            new_metrics=task_metrics(
                trainer.metrics, parts.spec, parts.outputs, parts.ignore_index
            ),
            config=trainer,
            log_every=tracking.log_every,
            seed=config["seed"],
            journal=record.journal,
            report=report,
            save=save,
            world=here,
            device=parts.device,
            gradient_shares=objective.gradient_shares,
            curvature=locate(CURVATURE)(parts.source) if objective.curvature_every else None,
            curvature_every=objective.curvature_every or 1,
            gives_up=watcher_of(config) if here.is_main else None,
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    check_monitor(loop.monitor, loop.new_metrics(), parts)
    return loop


def check_monitor(monitor: str, metrics: Metrics, parts: Parts) -> None:
    """See that the monitored metric is one that will be measured, with empty task metrics.

    Raises:
        UserError: it is not; the text names those that are.
    """
    metrics.update(parts.outputs, parts.batch)
    if isinstance(metrics, WithCustom):
        metrics.check()
    names = ["val/loss", *(f"val/{name}" for name in metrics.compute())]
    if len(parts.objective.terms) > 1:
        names += [f"val/terms/{term.name}" for term in parts.objective.terms]
    if monitor not in names:
        raise UserError(
            f"trainer.monitor={monitor} is not measured here: there are {', '.join(names)}"
        )


def _restore(loop: Loop, model: torch.nn.Module, record: Record) -> None:
    """Continue from the run's last checkpoint."""
    path = record.checkpoint("last")
    state = checkpoint.load(path)
    checkpoint.check_fits(model, state, path)
    done = state["progress"]["epoch"]
    if done > loop.config.epochs:
        raise UserError(
            f"run {record.name} has {done} epochs behind it already: trainer.epochs must be more "
            f"than that to go on; got {loop.config.epochs}"
        )
    loop.restore(state)


def _facts(config: Mapping[str, Any], parts: Parts, loop: Loop, record: Record) -> dict[str, Any]:
    """What the header says."""
    balance = config.get("balance")
    balanced = f", balanced by {balance['_target_'].rpartition('.')[2]}" if balance else ""
    return {
        "name": record.name,
        "run_dir": record.run_dir,
        "loss": " + ".join(term.name for term in parts.objective.terms) + balanced,
        "model": type(parts.step.model).__name__,
        "parameters": sum(p.numel() for p in parts.step.parameters.values()),
        "data": parts.source.summary.get("name", config["data"]["_target_"]),
        "sizes": {split: parts.source.size(split) for split in ("train", "val", "test")},
        "device": str(parts.device),
        "monitor": loop.monitor,
        "epoch": loop.progress.epoch,
        "batch": loop.progress.batch,
        "epochs": loop.config.epochs,
    }


def _begin(record: Record, config: Mapping[str, Any], parts: Parts, loop: Loop) -> None:
    """From here on there is a run: write down what it is made of."""
    tags, summary = run_tags(config, parts.source, record, versions())
    kept = Kept.of(parts.source).as_json()
    record.begin(config, {**tags, "monitor": loop.monitor}, monitor=loop.monitor, **summary)
    record.keep_data(kept)


def run_tags(
    config: Mapping[str, Any], source: Source, record: Record, code: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any]]:
    """What a run is marked with in MLflow, and what its summary keeps."""
    loss = "+".join(config["loss"])
    data = {f"data.{key}": str(value) for key, value in source.summary.items()}
    tags = {"loss": loss, **data, **code, "run_dir": str(record.run_dir.absolute())}
    return tags, {"loss": loss, "data": data.get("data.name"), "identity": identity(config)}


@contextmanager
def _true_state(record: Record) -> Iterator[None]:
    """Write down truly how the run ended if it did not end well."""
    try:
        yield
    except Stopped as stopped:
        record.finish("KILLED", str(stopped))
        raise Stopped(stopped.signal_number, record.name) from None
    except BaseException as error:
        if record.summary["status"] != "RUNNING":
            raise  # it was finished, and only waited to be sent
        text = str(error).strip().split("\n")[0]
        killed = isinstance(error, KeyboardInterrupt)
        record.finish("KILLED" if killed else "FAILED", f"{type(error).__name__}: {text}")
        raise


def _conclude(
    config: Mapping[str, Any],
    parts: Parts,
    loop: Loop,
    record: Record,
    report: Report,
    tracking: TrackingConfig,
) -> Result:
    """Evaluate the best epoch, answer the question, draw the plots, close the run."""
    best = record.checkpoint("best")
    if best.exists() and loop.world.is_main:
        parts.step.model.load_state_dict(checkpoint.load(best)["model"])
    split: SplitName = "test" if parts.source.size("test") else "val"
    metrics, trivial = {}, {}
    if parts.source.size(split):
        measured = loop.evaluate(split)
        metrics = {f"{split}/{name}": value for name, value in measured.items()}
        trivial = _of_a_constant(parts, loop, split)
        save_examples(parts.spec, loop, record.run_dir, split)
    if loop.progress.best is not None:
        metrics[loop.monitor] = loop.progress.best
    answer = None
    if loop.world.is_main:
        model, run_dir = parts.step.model, record.run_dir
        trained = Trained(config, run_dir, model, parts.source, parts.objective, metrics, loop)
        answer = ask(trained)
    if answer is not None:
        metrics |= answer.metrics
        record.journal.artifact(run_dir / ANSWER)
    for plot in record.draw_plots():
        record.journal.artifact(plot, "plots")
    record.complete(metrics, loop.progress)
    unsent = record.wait_until_sent(tracking.wait)
    result = Result(
        record.name,
        record.run_dir,
        "FINISHED",
        metrics,
        record.run_id,
        parts.step.model,
        loop.progress.reason,
        answer,
    )
    report.summary(
        {
            "result": result,
            "split": split,
            "trivial": trivial,
            "progress": loop.progress,
            "monitor": loop.monitor,
            "epochs": loop.config.epochs,
            "uri": record.uri,
            "unsent": unsent,
        }
    )
    return result


def _of_a_constant(parts: Parts, loop: Loop, split: SplitName) -> Values:
    """What ignoring the input comes to; without metrics of the user's that can't judge that."""

    def judged_by(metrics: Metrics) -> Values:
        return trivial_metrics(parts.source, metrics, parts.channels, split, parts.ignore_index)

    try:
        return judged_by(loop.new_metrics())
    except UserError:
        return judged_by(metrics_for(parts.spec, parts.outputs, parts.ignore_index))


def typed(kind: Any, values: Mapping[str, Any]) -> Any:
    """A section of the configuration as its dataclass."""
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UserError(str(error)) from error
