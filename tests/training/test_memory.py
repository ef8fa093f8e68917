"""What a run takes and what is free: estimates by which sweeps choose their width."""

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.training import memory
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.memory import bytes_of, half_of_free_bytes
from losslab.training.report import Report
from losslab.training.run import prepare

CPU = torch.device("cpu")
TINY = ["model=mlp", "tracking=none", "trainer.device=cpu", "trainer.epochs=1"]


def needed(batch_size, *overrides):
    config = plain(compose_config([*TINY, f"trainer.batch_size={batch_size}", *overrides]))
    trainer = TrainerConfig(**config["trainer"])
    return bytes_of(prepare(config, trainer, CPU, World(), Report()), trainer)


def test_what_is_kept_for_the_backward_pass_grows_with_the_batch_and_weights_do_not():
    small, large, larger = (needed(size) for size in (1, 101, 201))
    assert larger - large == pytest.approx(large - small)
    # At the least, input, hidden layers and answer of each further sample, in single precision.
    assert large - small > 4 * 100 * (30 + 64 + 64 + 1)
    weights = 4 * (30 * 64 + 64 + 64 * 64 + 64 + 64 + 1)
    assert 4 * weights < small < 12 * weights  # themselves, gradients, two moments, the best


def test_half_of_what_is_free_is_below_what_there_is():
    assert 0 < half_of_free_bytes(CPU) < 2**50


def test_what_the_system_could_give(tmp_path):
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:   2000 kB\n")
    assert memory._available(path) == 2000 * 1024
    assert memory._available(tmp_path / "none") > 2**28  # another system: all it has


def test_a_containers_limit_counts_what_it_could_drop(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 200\n")
    assert memory._left_by_the_limit(tmp_path) == 500
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._left_by_the_limit(tmp_path) == float("inf")
