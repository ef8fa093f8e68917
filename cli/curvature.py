"""`losslab curvature`: how the loss curves around the weights of a run, or of a fresh model."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bar import Bar
from .figures import check_folder, save_figure
from .subject import config_of

if TYPE_CHECKING:
    from ..analysis.curvature import Asked, Curvature, Spectrum
    from ..analysis.tell import TellWhat

RESULT, PICTURE = "curvature.json", "curvature.png"


def ask(**options: Any) -> "Asked":
    """What is to be measured; see `losslab.analysis.curvature.Asked`."""
    from ..analysis.curvature import Asked

    return Asked(**options)


def curvature_command(
    words: Sequence[str],
    asked: "Asked",
    *,
    checkpoint: str = "best",
    plot: bool = False,
    output: Path | None = None,
    as_json: bool = False,
) -> int:
    """Print the spectra, or draw them too; the exit code."""
    sys.path.insert(0, str(Path.cwd()))
    if output is not None:
        check_folder(output)
    with Bar(shown=not as_json) as bar:
        found, run_dir = measured(words, asked, checkpoint, bar.tell)
    data = as_data(found, run_dir)
    if run_dir is not None:
        (run_dir / RESULT).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    drawn = _drawn(found, run_dir, output) if plot or output else None
    if as_json:
        print(json.dumps(data | ({"plot": str(drawn)} if drawn else {}), ensure_ascii=False))
        return 0
    _show(found, "a model before its first step" if run_dir is None else run_dir.name, checkpoint)
    if drawn:
        print(f"wrote {drawn}")
    return 0


def measured(
    words: Sequence[str],
    asked: "Asked",
    checkpoint: str = "best",
    tell: "TellWhat" = lambda what, done, of: None,
) -> "tuple[Curvature, Path | None]":
    """The curvature of what the words ask for, and the run's directory if it is a run.

    Args:
        words: a run and changes of its configuration, or what would be trained.
        asked: what to measure.
        checkpoint: of the run.
        tell: hears of the progress.

    Raises:
        UserError: a mistake in the words, or what can't be measured.
    """
    from ..analysis.curvature import curvature

    config, run_dir = config_of(words, "curvature")
    return curvature(config, run_dir, asked, checkpoint=checkpoint, tell=tell), run_dir


def _drawn(found: "Curvature", run_dir: Path | None, output: Path | None) -> Path:
    from ..analysis.curvature.picture import draw

    folder = Path() if run_dir is None else run_dir / "plots"
    folder.mkdir(exist_ok=True)
    return save_figure(draw(found.spectra, found.landscape), output or folder / PICTURE, dpi=160)


def _show(found: "Curvature", name: str, checkpoint: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .console import number

    console = Console(soft_wrap=True, highlight=False)
    facts = found.facts
    at = "" if name.startswith("a model") else f", {checkpoint} checkpoint"
    console.print(
        f"[bold]{name}[/]{at}: {facts['model']} ({facts['weights']:,} weights), on "
        f"{facts['samples']:,} {facts['split']} samples, {facts['precision']}"
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for title in found.spectra:
        table.add_column(Text(title), justify="right")
    losses = [found.losses.get(title) for title in found.spectra]
    table.add_row("loss", *("" if loss is None else number(loss) for loss in losses))
    columns = [_cells(spectrum) for spectrum in found.spectra.values()]
    for title, *row in zip(columns[0], *(column.values() for column in columns), strict=True):
        table.add_row(title, *row)
    console.print(table)
    console.print(Text("\n".join(_notes(found)), style="dim"))


def _cells(spectrum: "Spectrum") -> dict[str, str]:
    """What the table says of a spectrum, by row."""
    from .console import number

    def share(value: float, error: float) -> str:
        return f"{value:.1%}" + (f" ± {error:.1%}" if error else "")

    trace = number(spectrum.trace.value)
    if not spectrum.exact:
        trace += f" ± {number(spectrum.trace.error)}"
    return {
        **{f"eigenvalue {i}": number(value) for i, value in enumerate(spectrum.top, 1)},
        "lowest": number(spectrum.lowest),
        "trace": trace,
        "negative": share(*spectrum.negative),
        "near 0": share(*spectrum.flat),
    }


def _notes(found: "Curvature") -> list[str]:
    from ..analysis.curvature import FLAT, TOTAL
    from .console import number

    total = found.spectra[TOTAL]
    how = (
        "exact: all eigenvalues of the whole matrix"
        if total.exact
        else "estimated: Lanczos for both ends, Hutch++ for the trace, stochastic Lanczos "
        "quadrature for the shares; ± is a standard error"
    )
    notes = [how, f"near 0: within {FLAT:.0%} of the largest by magnitude; negative: below that"]
    if found.largest_step is not None:
        top, most = number(total.top[0]), number(found.largest_step)
        facts = found.facts
        notes.append(
            f"plain gradient descent overshoots above a learning rate of 2 / {top} = {most}; here "
            f"{facts['optimizer']} has {number(facts['lr'])}"
        )
    return notes


def as_data(found: "Curvature", run_dir: Path | None) -> dict[str, Any]:
    """All that was measured, as numbers and lists."""
    data: dict[str, Any] = {
        "run": None if run_dir is None else run_dir.name,
        **found.facts,
        "losses": dict(found.losses),
        "largest_step": found.largest_step,
        "spectra": {name: _numbers(spectrum) for name, spectrum in found.spectra.items()},
    }
    if found.landscape is not None:
        values = found.landscape.values
        data["landscape"] = {
            "steps": found.landscape.steps.tolist(),
            "values": {name: tensor.tolist() for name, tensor in values.items()},
        }
    return data


def _numbers(spectrum: "Spectrum") -> Mapping[str, Any]:
    return {
        "method": "exact" if spectrum.exact else "estimated",
        "top": list(spectrum.top),
        "lowest": spectrum.lowest,
        "trace": spectrum.trace._asdict(),
        "negative": spectrum.negative._asdict(),
        "near_0": spectrum.flat._asdict(),
        "density": {name: rows.tolist() for name, rows in spectrum.density._asdict().items()},
        "products": spectrum.products,
    }
