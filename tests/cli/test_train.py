"""`losslab train` from the command line, end to end."""

import json
import signal
import subprocess
import sys
import time

import mlflow
import pytest
import torch
import yaml

TINY = ["trainer.epochs=3", "tracking=none"]


def the_run(workdir):
    (run_dir,) = (workdir / "outputs").iterdir()
    return run_dir


def summary(run_dir):
    return json.loads((run_dir / "run.json").read_text())


def test_it_shows_a_header_a_row_per_epoch_a_table_and_the_next_command(cli, workdir):
    outcome = cli("train", "model=mlp", *TINY)
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    name = the_run(workdir).name
    assert lines[0].startswith(f"{name}  bce · MLP")
    assert "epoch" in lines[1]
    assert "train loss" in lines[1]
    assert [line.split()[0] for line in lines[2:5]] == ["1/3", "2/3", "3/3"]
    assert "ignoring the input" in lines[5]
    assert lines[-1] == f"next: losslab ui   losslab evaluate {name}"
    assert "\x1b" not in outcome.out


def test_a_run_keeps_everything_in_its_directory(cli, workdir):
    assert cli("train", "model=mlp", *TINY).code == 0
    run_dir = the_run(workdir)
    kept = {str(p.relative_to(run_dir)) for p in run_dir.rglob("*") if p.is_file()}
    expected = "config.yaml run.json journal.jsonl examples.npz checkpoints/last.pt"
    expected += " checkpoints/best.pt plots/losses.png plots/metrics.png plots/predictions.png"
    assert set(expected.split()) <= kept
    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    assert config["trainer"]["epochs"] == 3
    assert summary(run_dir)["status"] == "FINISHED"


def test_quiet_prints_one_line(cli):
    outcome = cli("train", "-q", "model=mlp", *TINY)
    assert len(outcome.out.splitlines()) == 1
    assert "f1=" in outcome.out


def test_dry_run_prints_the_configuration_and_writes_nothing(cli, workdir):
    outcome = cli("train", "--dry-run", "model=mlp", "loss=focal", "optimizer.lr=0.25")
    assert outcome.code == 0, outcome
    assert "lr: 0.25" in outcome.out
    assert "losslab.losses.focal" in outcome.out
    assert list(workdir.iterdir()) == []


def test_debug_runs_two_batches_of_everything(cli, workdir):
    assert cli("train", "model=mlp", "trainer=debug", "tracking=none").code == 0
    state = torch.load(the_run(workdir) / "checkpoints/last.pt", weights_only=True)
    assert state["progress"]["step"] == 4


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(["loss=bce+focal", "loss.focal.weight=0.3"], id="two-terms"),
        pytest.param(["loss=[bce,l2_norm]"], id="regulariser"),
        pytest.param(["schedule@loss.bce.weight=linear"], id="scheduled-weight"),
        pytest.param(["schedule@optimizer.lr=cosine"], id="scheduled-lr"),
        pytest.param(["loss=torch.nn.BCEWithLogitsLoss"], id="torch-class"),
        pytest.param(
            ["loss=torch.nn.functional.binary_cross_entropy_with_logits"], id="torch-function"
        ),
        pytest.param(["optimizer=lbfgs", "trainer.batch_size=1000"], id="lbfgs"),
        pytest.param(["trainer.accumulate=3", "trainer.clip_norm=1.0"], id="accumulate-and-clip"),
        pytest.param(["trainer.precision=bf16"], id="bf16"),
        pytest.param(["objective.gradient_shares=true", "loss=bce+focal"], id="gradient-shares"),
        pytest.param(["loss.bce.class_weight=[1,3]"], id="class-weight"),
        pytest.param(["data=diabetes", "loss=huber"], id="regression"),
        pytest.param(["data=digits", "loss=cross_entropy"], id="classes"),
        pytest.param(["data=digits", "loss=hinge", "model=linear"], id="multi-class-hinge"),
        *[
            pytest.param([f"optimizer={name}"], id=name)
            for name in ("sgd", "adagrad", "rmsprop", "adam", "adamw")
        ],
    ],
)
def test_combinations_train(cli, workdir, overrides):
    base = [] if any(o.startswith("model=") for o in overrides) else ["model=mlp"]
    outcome = cli("train", *base, *overrides, *TINY)
    assert outcome.code == 0, outcome
    assert summary(the_run(workdir))["status"] == "FINISHED"


def test_a_users_function_is_a_loss(cli, workdir):
    (workdir / "mine.py").write_text(
        "def squared(y_pred, y_true, *, power=2.0):\n"
        "    return (y_pred.sigmoid() - y_true).abs() ** power\n"
    )
    outcome = cli("train", "model=mlp", "loss=./mine.py:squared", "loss.custom.power=3", *TINY)
    assert outcome.code == 0, outcome
    config = yaml.safe_load((the_run(workdir) / "config.yaml").read_text())
    assert config["loss"]["custom"]["power"] == 3
    typo = cli("train", "model=mlp", "loss=./mine.py:squared", "loss.custom.powr=3", *TINY)
    assert typo.code == 2
    assert "Did you mean loss.custom.power" in typo.err


def test_a_model_of_another_package(cli, workdir):
    outcome = cli(
        "train",
        "model=torch.nn.Linear",
        "+model.in_features=30",
        "data=breast_cancer",
        "loss=bce",
        *TINY,
    )
    assert outcome.code == 0, outcome
    assert "Linear (31 parameters)" in outcome.out


def test_a_folder_of_ones_own_and_the_current_directory_are_seen(cli, workdir):
    (workdir / "conf/loss").mkdir(parents=True)
    (workdir / "mylosses.py").write_text(
        "def mine(logits, target):\n    return (logits - target) ** 2\n"
    )
    (workdir / "conf/loss/mine.yaml").write_text(
        "mine:\n  _target_: mylosses.mine\n  weight: 2.0\n"
    )
    outcome = cli("train", "--config-dir", "conf", "model=mlp", "loss=mine", *TINY)
    assert outcome.code == 0, outcome


def test_the_default_data_and_loss_of_a_model_give_way_to_the_command_line(cli, workdir):
    outcome = cli("train", "model=mlp", "data=digits", "loss=cross_entropy", *TINY)
    assert "digits" in outcome.out.splitlines()[0]


def test_a_sweep_runs_every_job_and_counts_what_failed(cli, workdir):
    outcome = cli("train", "-m", "model=mlp", "loss=bce,mse", "seed=1,2", *TINY)
    assert outcome.code == 1
    assert "2 of the sweep's runs failed" in outcome.err
    assert "asks for 'prediction'" in outcome.err
    (sweep,) = (workdir / "outputs").iterdir()
    runs = [summary(d) for d in sweep.iterdir() if (d / "run.json").exists()]
    assert [run["status"] for run in runs] == ["FINISHED", "FINISHED"]


def test_choices_sweep_over_lists(cli, workdir):
    outcome = cli("train", "-m", "model=mlp", "loss=bce,[bce,focal]", *TINY)
    assert outcome.code == 0, outcome
    (sweep,) = (workdir / "outputs").iterdir()
    losses = {summary(d)["loss"] for d in sweep.iterdir() if (d / "run.json").exists()}
    assert losses == {"bce", "bce+focal"}


def test_early_stopping_stops(cli, workdir):
    outcome = cli(
        "train", "model=mlp", "tracking=none", "trainer.epochs=50", "trainer.patience=2",
        "optimizer.lr=0",
    )  # fmt: skip
    assert outcome.code == 0
    assert "stopped after 3" in outcome.out


def test_nan_fails_and_keeps_the_last_finite_checkpoint(cli, workdir):
    (workdir / "mine.py").write_text(
        """
import torch

calls = 0

def explodes(logits, target):
    global calls
    calls += 1
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target.float())
    return loss * float("nan") if calls > 60 else loss
"""
    )
    outcome = cli(
        "train", "model=mlp", "loss=./mine.py:explodes", "tracking=none", "trainer.epochs=20"
    )
    assert outcome.code == 1
    assert "the loss is not finite at step" in outcome.err
    assert "Traceback" not in outcome.err
    run_dir = the_run(workdir)
    assert summary(run_dir)["status"] == "FAILED"
    assert "custom = nan" in summary(run_dir)["reason"]
    for name in ("last", "best"):
        state = torch.load(run_dir / f"checkpoints/{name}.pt", weights_only=True)
        assert all(tensor.isfinite().all() for tensor in state["model"].values())


LONG = ["model=mlp", "trainer.epochs=100000", "trainer.threads=1"]


def wait_until_training(workdir, epochs=3, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for run_dir in (workdir / "outputs").glob("*"):
            if (run_dir / "checkpoints/last.pt").exists():
                lines = (run_dir / "journal.jsonl").read_text().count("val/loss")
                if lines >= epochs:
                    return run_dir
        time.sleep(0.05)
    raise AssertionError("training did not begin")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_stops_in_good_order(start, workdir, store, number, code):
    process = start("train", *LONG)
    run_dir = wait_until_training(workdir)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, (out, err)
    assert "Traceback" not in err
    assert summary(run_dir)["status"] == "KILLED"
    assert wait_for_status(store, "KILLED").data.tags["losslab.reason"].startswith("stopped by SIG")


def test_a_signal_ends_a_sweep(start, workdir):
    process = start("train", "-m", "seed=1,2,3", *LONG, "tracking=none")
    end = time.monotonic() + 60
    while not list((workdir / "outputs").glob("*/*/checkpoints/last.pt")):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "the rest of the sweep was not started" in err
    runs = [summary(path.parent) for path in (workdir / "outputs").glob("*/*/run.json")]
    assert {run["status"] for run in runs} == {"KILLED"}
    (sweep,) = (workdir / "outputs").glob("*/sweep.json")
    assert json.loads(sweep.read_text())["status"] == "KILLED"


def wait_for_status(store, status, seconds=60):
    client = mlflow.MlflowClient(tracking_uri=store)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        runs = [
            run
            for experiment in client.search_experiments()
            for run in client.search_runs([experiment.experiment_id])
        ]
        if [run.info.status for run in runs] == [status]:
            return runs[0]
        time.sleep(0.2)
    raise AssertionError([run.info.status for run in runs])


RESUMABLE = [
    "model=mlp", "model.dropout=0.2", "trainer.epochs=12", "trainer.threads=1", "loss=bce+l2_norm",
    "schedule@loss.bce.weight=cosine", "optimizer.lr=0.01", "trainer.checkpoint_every=0.02",
    "tracking.log_every=1", "trainer.batch_size=32",
]  # fmt: skip

_SLOW = """
import time
import torch

def slow(logits, target):
    time.sleep(0.02)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    return bce(logits, target.float(), reduction="none")
"""


def test_killed_in_mid_epoch_and_resumed_is_as_if_nothing_had_happened(start, workdir, store):
    (workdir / "mine.py").write_text(_SLOW)
    command = ["train", *RESUMABLE, "loss=./mine.py:slow+l2_norm", "name=whole"]
    command.remove("loss=bce+l2_norm")
    command[command.index("schedule@loss.bce.weight=cosine")] = (
        "schedule@loss.l2_norm.weight=cosine"
    )
    whole = start(*command)
    out, err = whole.communicate(timeout=120)
    assert whole.returncode == 0, (out, err)
    (reference,) = (workdir / "outputs").iterdir()

    command[-1] = "name=killed"
    killed = start(*command)
    run_dir = None
    while run_dir is None or "checkpoints" not in {p.name for p in run_dir.iterdir()}:
        run_dir = next((workdir / "outputs").glob("killed-*"), None)
        time.sleep(0.02)
    time.sleep(0.9)
    killed.kill()
    killed.communicate()
    state = torch.load(run_dir / "checkpoints/last.pt", weights_only=True)
    assert 0 < state["progress"]["step"] < 12 * 13

    resumed = start("train", "--resume", "killed")
    out, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, (out, err)
    assert "resumed in epoch" in out

    assert_same_weights(reference, run_dir)
    client = mlflow.MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("losslab").experiment_id
    runs = {r.info.run_name: r for r in client.search_runs([experiment])}
    assert sorted(r.rpartition("-")[0] for r in runs) == ["killed", "whole"]
    assert {r.info.status for r in runs.values()} == {"FINISHED"}
    assert_same_history(client, runs[reference.name], runs[run_dir.name])


def assert_same_weights(one, other):
    states = [torch.load(d / "checkpoints/last.pt", weights_only=True) for d in (one, other)]
    assert states[0]["model"].keys() == states[1]["model"].keys()
    for name, tensor in states[0]["model"].items():
        assert torch.equal(tensor, states[1]["model"][name]), name
    assert states[0]["progress"] == states[1]["progress"]


def assert_same_history(client, one, other):
    assert one.data.metrics.keys() == other.data.metrics.keys()
    for name in one.data.metrics:
        histories = [
            [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
            for run in (one, other)
        ]
        assert histories[0] == histories[1], name
        steps = [step for step, _ in histories[1]]
        assert len(steps) == len(set(steps)), name


def test_a_finished_run_can_be_continued(cli, workdir):
    assert cli("train", "model=mlp", *TINY).code == 0
    outcome = cli("train", "--resume", "last", "trainer.epochs=5")
    assert outcome.code == 0, outcome
    assert "resumed in epoch 4 of 5" in outcome.out
    state = torch.load(the_run(workdir) / "checkpoints/last.pt", weights_only=True)
    assert state["progress"]["epoch"] == 5


def test_a_resumed_run_takes_the_options_it_is_given(cli, workdir):
    assert cli("train", "model=mlp", *TINY).code == 0
    before = torch.load(the_run(workdir) / "checkpoints/last.pt", weights_only=True)["model"]
    assert cli("train", "--resume", "last", "trainer.epochs=4", "optimizer.lr=0").code == 0
    after = torch.load(the_run(workdir) / "checkpoints/last.pt", weights_only=True)["model"]
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_failed_preflight_takes_nothing_with_it(cli, workdir):
    (workdir / "precious.txt").write_text("mine")
    outcome = cli("train", "model=mlp", "loss=mse", "hydra.run.dir=.", "tracking=none")
    assert outcome.code == 2
    assert (workdir / "precious.txt").read_text() == "mine"
    assert [path.name for path in workdir.iterdir()] == ["precious.txt"]


def test_without_validation_the_last_epoch_is_evaluated(cli, workdir):
    assert cli("train", "model=mlp", "data.val=0", *TINY).code == 0
    assert cli("evaluate", "last", "--json").code == 0


def test_a_full_disk_in_mid_run_keeps_the_last_good_checkpoint(workdir):
    code = """
import resource, signal, sys
from losslab.cli.main import main
from losslab.training import checkpoint
save = checkpoint.save
def fill_the_disk_after_the_first(state, path, calls=[]):
    calls.append(1)
    if len(calls) == 3:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    save(state, path)
checkpoint.save = fill_the_disk_after_the_first
sys.argv = ["losslab", "train", "model=mlp", "trainer.epochs=3000", "tracking=none"]
main()
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=workdir, check=False
    )
    assert process.returncode == 2, process
    assert "could not be written: File too large" in process.stderr
    assert "Traceback" not in process.stderr
    kept = list((the_run(workdir) / "checkpoints").iterdir())
    assert kept
    for path in kept:
        assert torch.load(path, weights_only=True)["progress"]["epoch"] >= 1


def test_two_ranks_under_torchrun_train_one_run(workdir):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "losslab", "train", "model=mlp", *TINY]
    process = subprocess.run(command, capture_output=True, text=True, cwd=workdir, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("3/3") == 1
    assert summary(the_run(workdir))["status"] == "FINISHED"


def test_python_does_the_same(workdir):
    import losslab

    result = losslab.train(["model=mlp", *TINY])
    assert result.status == "FINISHED"
    assert result.metrics["test/f1"] > 0.8
    assert result.model(torch.zeros(1, 30)).shape == (1, 1)
    assert (result.run_dir / "run.json").exists()


def test_python_gets_the_same_errors(workdir):
    import losslab
    from losslab.errors import UserError

    with pytest.raises(UserError, match=r"unknown loss 'bec'\. Did you mean bce"):
        losslab.train(["model=mlp", "loss=bec"])
