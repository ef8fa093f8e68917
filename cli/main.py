"""The `losslab` command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__

app = typer.Typer(
    name="losslab",
    help="A laboratory for loss functions: train, track, sweep and compare.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

_HYDRA_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"losslab {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A laboratory for loss functions: train, track, sweep and compare."""


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more; tracebacks too.")]


def _complete(incomplete: str) -> list[str]:
    from .complete import complete_override, words_before

    return complete_override(incomplete, words_before())


@app.command(context_settings=_HYDRA_ARGUMENTS)
def train(
    context: typer.Context,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to change: loss=dice model=unet trainer.epochs=5 … "
            "-m makes a sweep of comma-separated values; --config-dir DIR adds your own.",
            autocompletion=_complete,
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Continue this run: a name, an id, a unique prefix, or last.", metavar="RUN"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show the configuration, stop.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start a sweep anew that was started before.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a model with a loss: losslab train loss=dice model=unet."""
    from .console import set_verbosity
    from .train import train_command

    set_verbosity(quiet, verbose)
    arguments = [*(overrides or []), *context.args]
    raise typer.Exit(train_command(arguments, dry_run=dry_run, resume=resume, fresh=fresh))


@app.command("list")
def list_(
    group: Annotated[
        str | None, typer.Argument(help="losses, models, data, schedules, optimizers, experiments.")
    ] = None,
) -> None:
    """List what can be chosen, one line each."""
    from .errors import guarded
    from .listing import list_command

    raise typer.Exit(guarded(lambda: list_command(group)))


def _complete_loss(incomplete: str) -> list[str]:
    from .complete import complete_loss, words_before

    return complete_loss(incomplete, words_before())


def _complete_check(incomplete: str) -> list[str]:
    from .complete import complete_loss, complete_override, words_before

    before = words_before()
    return [*complete_loss(incomplete, before), *complete_override(incomplete, before)]


@app.command()
def explain(
    losses: Annotated[
        list[str],
        typer.Argument(
            help="Losses, each followed by its options: focal gamma=0,2,5 bce. "
            "Also FILE.py:FUNCTION and package.module.function.",
            autocompletion=_complete_loss,
            metavar="LOSS [KEY=VALUE]…",
        ),
    ],
    plot: Annotated[bool, typer.Option("--plot", help="Draw value and gradient instead.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the plot goes, e.g. curves.pdf.")
    ] = None,
    axis: Annotated[
        str | None, typer.Option(help="What varies, where there is a choice: mu, logvar, …")
    ] = None,
    json: Json = False,
) -> None:
    """Explain a loss: formula, inputs, gradient, when to use it, its relatives."""
    from .errors import guarded
    from .explain import explain_command

    raise typer.Exit(
        guarded(lambda: explain_command(losses, plot=plot, output=output, axis=axis, as_json=json))
    )


@app.command()
def check(
    what: Annotated[
        list[str],
        typer.Argument(
            help="Losses, each followed by its options: dice focal gamma=0.5; FILE.py:FUNCTION; "
            "or what you would train: loss=bce model=mlp data=digits.",
            autocompletion=_complete_check,
            metavar="LOSS|FILE.py:FUNCTION|OVERRIDES",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="Judge it for this kind of target: binary, classes, mask, real, …"),
    ] = None,
    json: Json = False,
) -> None:
    """Find out why a loss will not learn, before training."""
    from .check import check_command
    from .errors import guarded

    raise typer.Exit(guarded(lambda: check_command(what, target, as_json=json), what))


@app.command()
def trace(
    overrides: Annotated[
        list[str],
        typer.Argument(
            help="What would be trained, and small: experiment=two_layer_step, or "
            "data=values 'data.input=[[2,3]]' … model=linear loss=mse.",
            autocompletion=_complete,
            metavar="OVERRIDES",
        ),
    ],
    steps: Annotated[
        int | None, typer.Option(help="Updates to make.", show_default="1, or the preset's")
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help='Changes to trace beside it, e.g. --beside "loss=mse optimizer.lr=0.1".',
            metavar="OVERRIDES",
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw where the steps lead too.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the plot goes, e.g. path.pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Follow a tiny run number by number: forward, backward, update."""
    from .errors import guarded
    from .trace import trace_command

    raise typer.Exit(
        guarded(
            lambda: trace_command(
                overrides, steps=steps, beside=beside, plot=plot, output=output, as_json=json
            ),
            overrides,
        )
    )


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="A name, an id, a unique prefix, last or best.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Changes, e.g. data.noise=0.5")
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    checkpoint: Annotated[str, typer.Option(help="best or last.")] = "best",
    threshold: Annotated[
        str | None,
        typer.Option(
            help="Above which probability the answer is yes, chosen on validation data: best_f1, "
            "'precision>=0.9' at the largest recall, 'recall>=0.8' at the largest precision; or a "
            "number. Of thresholds that are equally good, the highest.",
            metavar="RULE",
        ),
    ] = None,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration", help="Whether probabilities come true: ECE, Brier score, temperature."
        ),
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw precision against recall, and the calibration.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the plot goes, e.g. curves.pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure a trained run on a split of its data."""
    from .errors import guarded
    from .evaluate import evaluate_command

    changes = overrides or []
    raise typer.Exit(
        guarded(
            lambda: evaluate_command(
                run,
                changes,
                split,
                checkpoint,
                threshold=threshold,
                calibration=calibration,
                plot=plot,
                output=output,
                as_json=json,
            ),
            changes,
        )
    )


def _complete_run(incomplete: str) -> list[str]:
    from .runs import complete_run

    return complete_run(incomplete)


def _complete_run_or_override(incomplete: str) -> list[str]:
    return [*_complete_run(incomplete), *_complete(incomplete)]


@app.command()
def curvature(
    what: Annotated[
        list[str],
        typer.Argument(
            help="A run, by name, id, unique prefix, last or best, and changes of it; or what "
            "would be trained: loss=bce+l2_norm model=mlp.",
            autocompletion=_complete_run_or_override,
            metavar="RUN|OVERRIDES",
        ),
    ],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "train",
    samples: Annotated[
        int | None,
        typer.Option(
            help="The first so many of the split.", show_default="1,024; fewer if they are large"
        ),
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="best or last.")] = "best",
    top: Annotated[int, typer.Option(help="How many of the largest eigenvalues.")] = 5,
    method: Annotated[
        str, typer.Option(help="exact, estimated, or auto: exact for up to 2,000 weights.")
    ] = "auto",
    double: Annotated[bool, typer.Option("--double", help="In double precision.")] = False,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="The loss along random directions: line or plane.")
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw the density, and the slice (a line if none).")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the plot goes, e.g. curvature.pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure how the loss curves: eigenvalues, trace and density of the Hessian."""
    from .curvature import ask, curvature_command
    from .errors import guarded

    drawn = plot or output is not None
    raise typer.Exit(
        guarded(
            lambda: curvature_command(
                what,
                ask(
                    split=split,
                    samples=samples,
                    top=top,
                    method=method,
                    double=double,
                    slice=slice_ or ("line" if drawn else None),
                ),
                checkpoint=checkpoint,
                plot=plot,
                output=output,
                as_json=json,
            ),
            what,
        )
    )


@app.command()
def attribute(
    what: Annotated[
        list[str],
        typer.Argument(
            help="A run, by name, id, unique prefix, last or best, and changes of it; or what "
            "would be trained.",
            autocompletion=_complete_run_or_override,
            metavar="RUN|OVERRIDES",
        ),
    ],
    of: Annotated[
        str | None,
        typer.Option(
            help="loss, logit, probability or prediction.", show_default="the run's answer"
        ),
    ] = None,
    class_: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="Whose: a class, label or output, by name or number.",
            show_default="the class answered",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    samples: Annotated[int, typer.Option(help="Of the split, the first so many.")] = 64,
    steps: Annotated[int, typer.Option(help="Of integrated gradients.")] = 256,
    baseline: Annotated[
        str, typer.Option(help="What an absent input is: zero, or the training samples' mean.")
    ] = "zero",
    checkpoint: Annotated[str, typer.Option(help="best or last.")] = "best",
    top: Annotated[int, typer.Option(help="How many features of a table are listed.")] = 15,
    plot: Annotated[bool, typer.Option("--plot", help="Draw it; images always are.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the plot goes, e.g. maps.pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell which parts of its input an answer comes from: gradients, integrated, occlusion."""
    from .attribute import ask, attribute_command
    from .errors import guarded

    raise typer.Exit(
        guarded(
            lambda: attribute_command(
                what,
                ask(
                    of=of,
                    chosen=class_,
                    split=split,
                    samples=samples,
                    steps=steps,
                    baseline=baseline,
                    checkpoint=checkpoint,
                ),
                top=top,
                plot=plot,
                output=output,
                as_json=json,
            ),
            what,
        )
    )


@app.command()
def predict(
    run: Annotated[
        str,
        typer.Argument(
            help="A name, an id, a unique prefix, last or best.", autocompletion=_complete_run
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Tables (.csv, .parquet), images, folders of images.", metavar="INPUT"),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder that answers are written to.")
    ] = Path("predictions"),
    checkpoint: Annotated[str, typer.Option(help="best or last.")] = "best",
    threshold: Annotated[
        str | None,
        typer.Option(
            help="Above which probability the answer is yes: a number, or a rule of evaluate's.",
            metavar="RULE",
            show_default="0.5",
        ),
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Arrays of them too, .npy, beside masks.")
    ] = False,
    separator: Annotated[
        str | None,
        typer.Option(help="Between the values of CSV files.", show_default="the run's"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
) -> None:
    """Answer new data with a trained run: tables to tables, images to masks or a table."""
    from .errors import guarded
    from .predict import predict_command

    raise typer.Exit(
        guarded(
            lambda: predict_command(
                run,
                inputs,
                output,
                checkpoint=checkpoint,
                threshold=threshold,
                probabilities=probabilities,
                separator=separator,
                overwrite=overwrite,
            )
        )
    )


@app.command()
def export(
    run: Annotated[
        str,
        typer.Argument(
            help="A name, an id, a unique prefix, last or best.", autocompletion=_complete_run
        ),
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="torch, onnx or mlflow; may be repeated.",
            metavar="FORMAT",
            show_default="torch",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The folder.", show_default="exports/NAME"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
    checkpoint: Annotated[str, typer.Option(help="best or last.")] = "best",
) -> None:
    """Write a run's model for use elsewhere: torch.export, ONNX, an MLflow model to serve."""
    from .errors import guarded
    from .export import export_command

    raise typer.Exit(
        guarded(
            lambda: export_command(
                run, to or ["torch"], output=output, overwrite=overwrite, checkpoint=checkpoint
            )
        )
    )


@app.command()
def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Sweeps and runs: names, unique prefixes, patterns such as 'dice-*', or last, the "
            "latest sweep.",
            autocompletion=_complete_run,
            metavar="[RUN|SWEEP]…",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Group by these keys, not by all that vary.", metavar="KEY[,KEY]"),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="dice, val/iou, …; else the one they monitor, on test data.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Test the others against this group.", metavar="GROUP")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="Only runs made so.", metavar="KEY=VALUE"),
    ] = None,
    interval: Annotated[str, typer.Option(help="t or bootstrap.")] = "t",
    experiment: Annotated[
        str | None, typer.Option(help="Take the runs of this MLflow experiment.")
    ] = None,
    uri: Annotated[
        str | None, typer.Option(help="Take them from this MLflow store or server.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the learning curves too.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the plot goes, e.g. curves.pdf.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report, one HTML file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the table.")] = None,
    json: Json = False,
) -> None:
    """Compare runs: means and intervals over seeds, and tests against a baseline."""
    from .compare import Asked, compare_command
    from .errors import guarded

    asked = Asked(
        words=runs or [],
        by=by or [],
        metric=metric,
        baseline=baseline,
        filters=filters or [],
        interval=interval,
        experiment=experiment,
        uri=uri,
        plot=plot,
        output=output,
        html=html,
        csv=csv,
        as_json=json,
    )
    raise typer.Exit(guarded(lambda: compare_command(asked)))


@app.command("runs")
def runs_(
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            help="Part of a name, a sweep, or KEY=VALUE of the configuration: loss=dice.",
            autocompletion=_complete_run,
            metavar="[FILTER]…",
            show_default=False,
        ),
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="finished, pruned, failed, killed, running, stale.")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Mark stale runs as KILLED; nothing is deleted.")
    ] = False,
    json: Json = False,
) -> None:
    """List the runs and sweeps here, newest last."""
    from .errors import guarded
    from .runs import runs_command

    raise typer.Exit(
        guarded(lambda: runs_command(filters or [], status, clean=clean, as_json=json))
    )


@app.command()
def ui(
    uri: Annotated[
        str | None, typer.Option(help="The store; MLFLOW_TRACKING_URI or mlflow.db.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Open the MLflow UI on the store in use, on 127.0.0.1."""
    from .errors import guarded
    from .ui import ui_command

    raise typer.Exit(guarded(lambda: ui_command(uri, port)))


def main() -> None:
    """Entry point of the `losslab` command."""
    if os.environ.get("_LOSSLAB_COMPLETE") == "complete_bash":
        from .complete import words_as_typed

        with words_as_typed():
            app()
    sys.exit(app())


if __name__ == "__main__":
    main()
