"""The schema of a run's configuration: what every run has, with types and defaults.

`data`, `loss`, `model` and `optimizer` are open: their keys are the parameters of what `_target_`
names, and are checked against its signature when it is built.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ObjectiveConfig:
    """How the terms are put together.

    Args:
        gradient_shares: measure, once per epoch, the share of the gradient norm that each term
            brings, to the whole model and to each module of it, and the cosine between the
            gradients of two terms: below 0 they pull against each other.
        curvature_every: epochs between measurements of the Hessian's largest eigenvalue and trace,
            `curvature/top` and `curvature/trace`; null measures neither.
    """

    gradient_shares: bool = False
    curvature_every: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.curvature_every, int) and self.curvature_every < 1:
            raise ValueError(
                f"objective.curvature_every must be at least 1; got {self.curvature_every}"
            )


@dataclass
class TrainerConfig:
    """How long and on what a run trains.

    Args:
        epochs: passes over the training data.
        batch_size: samples in a batch, over all ranks of a distributed run.
        max_batches: batches of each split in an epoch; null for all.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: fp32, or bf16 for autocast (the objective stays in fp32).
        compile: compile the model with torch.compile: faster steps after about a minute of
            compiling.
        accumulate: batches whose gradients are averaged into one update.
        clip_norm: largest norm of the gradient; null for no limit.
        metrics: more task metrics, from scikit-learn, torchmetrics or a file: a list of paths, or
            names with a path, or `_target_` and options, each.
        monitor: metric that chooses the best checkpoint and stops early; auto takes the task's own.
        patience: epochs without improvement after which training stops; null never stops.
        min_delta: smallest change of the monitored metric that counts as improvement.
        checkpoint_every: seconds between checkpoints within an epoch. An epoch ends with one,
            unless that would take more than a twentieth of the time.
        threads: CPU threads of torch; null leaves torch's choice.
    """

    epochs: int = 12
    batch_size: int = 16
    max_batches: int | None = None
    device: str = "auto"
    precision: str = "fp32"
    compile: bool = False
    accumulate: int = 1
    clip_norm: float | None = None
    metrics: Any = None
    monitor: str = "auto"
    patience: int | None = None
    min_delta: float = 0.0
    checkpoint_every: float = 60.0
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "max_batches", "patience", "threads"):
            value = getattr(self, name)
            if isinstance(value, int) and value < 1:
                raise ValueError(f"trainer.{name} must be at least 1; got {value}")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"trainer.precision must be fp32 or bf16; got {self.precision}")
        for name in ("clip_norm", "checkpoint_every"):
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not value > 0:
                raise ValueError(f"trainer.{name} must be positive; got {value}")
        if self.min_delta < 0:
            raise ValueError(f"trainer.min_delta must not be negative; got {self.min_delta}")


@dataclass
class TrackingConfig:
    """Where a run is recorded.

    Args:
        enabled: record in MLflow.
        uri: an MLflow store or server; null takes MLFLOW_TRACKING_URI, or sqlite:///mlflow.db here.
        experiment: name of the MLflow experiment.
        log_every: steps between logged training losses, each the mean since the last; null for at
            most 1,000 points a run.
        wait: seconds to wait, after training, for a store that is away.
    """

    enabled: bool = True
    uri: str | None = None
    experiment: str = "losslab"
    log_every: int | None = None
    wait: float = 20.0

    def __post_init__(self) -> None:
        if isinstance(self.log_every, int) and self.log_every < 1:
            raise ValueError(f"tracking.log_every must be at least 1; got {self.log_every}")


@dataclass
class CompareConfig:
    """By what the runs of a sweep are compared at its end; see `losslab compare`.

    Args:
        by: keys by which runs are grouped; empty for all that vary.
        metric: what they are judged by; null for what they monitor.
        baseline: the group that the others are tested against.
    """

    by: list[str] = field(default_factory=list)
    metric: str | None = None
    baseline: str | None = None


@dataclass
class TraceConfig:
    """What `losslab trace` shows of the run.

    Args:
        steps: updates that are made.
        beside: further overrides, each in one text; what they change is traced beside the run.
    """

    steps: int = 1
    beside: list[str] = field(default_factory=list)


@dataclass
class RunConfig:
    """Everything a run is made from.

    `initial_weights` are values that parameters of the model start from, by name; all others are
    drawn. `balance` is what weighs the terms against each other while they train, if anything does;
    see `losslab.training.balance`. `answer` names a function of the trained run, and its options;
    see `losslab.training.answer`.
    """

    name: str | None = None
    seed: int = 0
    data: Any = None
    loss: Any = None
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    model: Any = None
    initial_weights: Any = None
    balance: Any = None
    optimizer: Any = None
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    answer: Any = None
    compare: CompareConfig = field(default_factory=CompareConfig)
    trace: TraceConfig = field(default_factory=TraceConfig)
