"""`losslab attribute`: which parts of its input an answer of a run, or its loss, comes from."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bar import Bar
from .figures import check_folder, save_figure
from .subject import config_of

if TYPE_CHECKING:
    from ..analysis.attribution import Asked, Attribution
    from ..analysis.tell import TellWhat

RESULT, PICTURE = "attribution.npz", "attribution.png"
_SANE = 0.5  # below it, a map is said to follow what was learnt
_COMPLETE = 0.01


def ask(**options: Any) -> "Asked":
    """What is to be attributed; see `losslab.analysis.attribution.Asked`."""
    from ..analysis.attribution import Asked

    return Asked(**options)


def attributed(
    words: Sequence[str], asked: "Asked", tell: "TellWhat" = lambda what, done, of: None
) -> "tuple[Attribution, Path | None]":
    """What was found for what the words ask for, and the run's directory if it is a run.

    Args:
        words: a run and changes of its configuration, or what would be trained.
        asked: what is attributed.
        tell: hears of the progress.

    Raises:
        UserError: a mistake in the words, or what the run can't be asked.
    """
    from ..analysis.attribution import attribute

    config, run_dir = config_of(words, "attribute")
    return attribute(config, run_dir, asked, tell), run_dir


def attribute_command(
    words: Sequence[str],
    asked: "Asked",
    *,
    top: int = 15,
    plot: bool = False,
    output: Path | None = None,
    as_json: bool = False,
) -> int:
    """Print a ranking of features, or draw maps of images; keep all numbers. The exit code."""
    sys.path.insert(0, str(Path.cwd()))
    if output is not None:
        check_folder(output)
    with Bar(shown=not as_json) as bar:
        found, run_dir = attributed(words, asked, bar.tell)
    if run_dir is not None:
        _keep(found, run_dir / RESULT)
    images = len(found.spec.input_shape) == 3
    drawn = _drawn(found, run_dir, output) if plot or output or (images and not as_json) else None
    if as_json:
        name = None if run_dir is None else run_dir.name
        data = {"run": name, **as_data(found, asked), **({"plot": str(drawn)} if drawn else {})}
        print(json.dumps(data, ensure_ascii=False))
        return 0
    where = "a model before its first step"
    _show(found, f"{run_dir.name}[/], {asked.checkpoint} checkpoint" if run_dir else f"{where}[/]",
          asked, top)  # fmt: skip
    if run_dir is not None:
        print(f"wrote {run_dir / RESULT}, the maps of all {len(found.values)} samples")
    if drawn:
        print(f"wrote {drawn}")
    return 0


def _keep(found: "Attribution", path: Path) -> None:
    import numpy as np

    maps = {name.replace(" × ", "_times_").replace(" ", "_"): v for name, v in found.maps.items()}
    tensors = {"input": found.scores.batch["input"], "values": found.values, **maps}
    if found.scores.classes is not None:
        tensors["classes"] = found.scores.classes
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _drawn(found: "Attribution", run_dir: Path | None, output: Path | None) -> Path:
    from ..analysis.attribution.picture import draw

    folder = Path() if run_dir is None else run_dir / "plots"
    folder.mkdir(exist_ok=True)
    return save_figure(draw(found), output or folder / PICTURE, dpi=160)


def _show(found: "Attribution", name: str, asked: "Asked", top: int) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    from ..analysis.attribution.picture import title
    from .console import number

    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"[bold]{name}: {escape(title(found))}, {len(found.values)} {asked.split} samples, mean "
        f"{number(found.values.mean().item())}"
    )
    if found.features:
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        table.add_column("mean size of", no_wrap=True)
        for method in found.maps:
            table.add_column(method, justify="right")
        ranking = found.ranking()
        for feature, sizes in ranking[:top]:
            table.add_row(Text(feature), *(number(size) for size in sizes.values()))
        console.print(table)
        if len(ranking) > top:
            console.print(f"and {len(ranking) - top} more, see --top", style="dim")
    console.print(Text("\n".join(_notes(found, asked)), style="dim"))


def _notes(found: "Attribution", asked: "Asked") -> list[str]:
    """What the checks say."""
    sanity = ", ".join(f"{name} {value:.2f}" for name, value in found.sanity.items())
    kept = [name for name, value in found.sanity.items() if value > _SANE]
    note = f"; {' and '.join(kept)} tell more of the input than of the model" if kept else ""
    missing = found.integrated.incomplete > _COMPLETE
    more = ": take more --steps, or another --baseline" if missing else ""
    return [
        f"integrated gradients, {asked.steps} steps from {asked.baseline}: sums miss "
        f"f(x) − f(baseline) by {found.integrated.incomplete:.2%}, the worst sample by "
        f"{found.integrated.worst:.2%} of the mean change{more}",
        f"occlusion, without a gradient: rank correlation {found.agreement:.2f} with integrated "
        "gradients",
        f"with shuffled weights, rank correlation with the maps above: {sanity}{note}",
    ]


def as_data(found: "Attribution", asked: "Asked") -> dict[str, Any]:
    """What was found, as numbers and lists; the maps themselves are in the run's directory."""
    from ..analysis.attribution.picture import title

    return {
        "of": title(found),
        "split": asked.split,
        "samples": len(found.values),
        "values": found.values.tolist(),
        "completeness_error": found.integrated.incomplete,
        "worst_completeness_error": found.integrated.worst,
        "occlusion_agreement": found.agreement,
        "shuffled_weights": dict(found.sanity),
        "features": [{"feature": feature, **sizes} for feature, sizes in found.ranking()],
    }
