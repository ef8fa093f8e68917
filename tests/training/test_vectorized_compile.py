"""The stacked step compiled: the same numbers, its own noise, and a word where it can't be."""

import shutil

import pytest
import torch
from losslab.losses import Objective, Term, focal, l2_norm
from losslab.models import MLP
from losslab.training.pace import Pace
from losslab.training.report import Report
from losslab.training.stacked_optimizer import StackedOptimizer
from losslab.training.together import train_together
from losslab.training.vectorized import VectorizedStep
from small_runs import job, metrics_in

pytestmark = pytest.mark.filterwarnings("ignore")  # the compiler's own
needs_a_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")

G = torch.Generator().manual_seed(0)
ROWS = {
    "input": torch.randn(8, 5, generator=G),
    "target": (torch.rand(8, 1, generator=G) < 0.5).float(),
}
HALF = {name: tensor[:4] for name, tensor in ROWS.items()}


class Notes(Report):
    """Keeps what it is told."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def stack(kind="AdamW", runs=3, dropout=0.0):
    torch.manual_seed(1)
    models = [MLP(5, 1, width=4, depth=1, dropout=dropout) for _ in range(runs)]
    objectives = [
        Objective([Term("focal", focal, options={"gamma": float(run)}), Term("l2", l2_norm)])
        for run in range(runs)
    ]
    for objective in objectives:
        objective.bind(ROWS, ("logits",), "logits")
    group = getattr(torch.optim, kind)(models[0].parameters(), lr=0.1).param_groups[0]
    optimizer = StackedOptimizer(kind, [group] * runs, [0.1] * runs, models[0].layers[0].weight)
    names = {"inputs": ("input",), "main_output": "logits", "shared_batches": True}
    return VectorizedStep(models, objectives, optimizer, clip_norm=0.5, **names)


@pytest.fixture
def never_slower(monkeypatch):
    """Whatever the program takes, one by one takes longer."""
    monkeypatch.setattr(
        "losslab.training.together.measure", lambda *_: Pace(1, 1e9, 1e9, processes=1)
    )


@needs_a_compiler
def test_a_compiled_stack_learns_the_same():
    compiled, traced = stack(), stack()
    start = compiled.weights.clone()
    compiled.compile(ROWS)
    assert torch.equal(compiled.weights, start)  # trying it left nothing behind
    for number in range(6):
        batch = HALF if number % 3 == 2 else ROWS  # an epoch's last batch is not compiled
        for ours, theirs in zip(
            compiled.train(batch, float(number)), traced.train(batch, float(number)), strict=True
        ):
            torch.testing.assert_close(ours, theirs)
        if number == 3:
            compiled.stop(1)
            traced.stop(1)
    torch.testing.assert_close(compiled.weights, traced.weights)
    for step in (compiled, traced):
        step.keep([0, 2])
        step.train(ROWS, 6.0)
    torch.testing.assert_close(compiled.weights, traced.weights)


@needs_a_compiler
def test_compiled_runs_draw_noise_of_their_own():
    step = stack("SGD", runs=4, dropout=0.5)
    step.weights[:] = step.weights[0].clone()
    step.compile(ROWS)
    step.optimizer.lr.zero_()
    step.numbers["focal"]["gamma"].zero_()
    first, second = (step.train(ROWS, 0.0)[0].tolist() for _ in range(2))
    assert len({*first, *second}) == 8


@needs_a_compiler
def test_a_sweep_that_is_compiled(tmp_path, monkeypatch, never_slower):
    seconds = iter([0.003, 0.002, 0.003])  # of a step: traced, compiled, traced
    report = Notes()
    found = []
    monkeypatch.setattr("losslab.training.together.seconds", lambda call, device: next(seconds))
    for compiled in (True, False):
        (tmp_path / str(compiled)).mkdir()
        jobs = [job(tmp_path / str(compiled), f"{i}", f"seed={i}") for i in range(2)]
        found.append(train_together(jobs, report, compile=compiled))
    assert [note.split(" in ")[0] for note in report.notes] == [
        "compiled",
        "2 runs are trained as one program",
        "2 runs are trained as one program",
    ]
    for ours, theirs in zip(*found, strict=True):
        assert metrics_in(ours.run_dir) == pytest.approx(metrics_in(theirs.run_dir), rel=1e-4)


def test_where_compiled_is_slower_it_goes_on_as_it_was(tmp_path, monkeypatch, never_slower):
    compiled = []
    monkeypatch.setattr(VectorizedStep, "compile", lambda self, batch: compiled.append(self))
    monkeypatch.setattr(VectorizedStep, "drop_compiled", lambda self: compiled.pop())
    seconds = iter([0.002, 0.003])
    monkeypatch.setattr("losslab.training.together.seconds", lambda call, device: next(seconds))
    report = Notes()
    jobs = [job(tmp_path, f"{i}", f"seed={i}") for i in range(2)]
    train_together(jobs, report, compile=True)
    assert "as it was: compiled, a step takes 3 ms, and 2 ms without" in report.notes[1]
    assert not compiled


def test_without_a_compiler_it_says_so_and_trains(tmp_path, monkeypatch, never_slower):
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", (None, "no-such-compiler"))
    monkeypatch.setattr(config, "fx_graph_cache", False)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    torch._dynamo.reset()
    report = Notes()
    jobs = [job(tmp_path, f"{i}", f"seed={i}") for i in range(2)]
    results = train_together(jobs, report, compile=True)
    assert [result.status for result in results] == ["FINISHED", "FINISHED"]
    assert "the program is not compiled: InvalidCxxCompiler: No working C++" in report.notes[0]
    assert "no-such-compiler" in report.notes[0]
    assert report.notes[1] == "2 runs are trained as one program"
