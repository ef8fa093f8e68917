"""Where Hydra itself finds our plugins, as in a plain installation, all of Hydra still works."""

import os
import subprocess
import sys
from pathlib import Path

import losslab

APP = """
import sys
import hydra
from hydra.core.plugins import Plugins

@hydra.main(version_base="1.3", config_path=None)
def app(config):
    found = {f"{kind.__module__}.{kind.__name__}" for kind in Plugins.instance().discover()}
    assert "hydra_plugins.losslab.vectorized.VectorizedLauncher" in found, found
    assert not {"torch", "optuna", "mlflow"} & set(sys.modules)

app()
"""
RUN = "import sys; from losslab.cli.main import main; sys.argv = ['losslab', *sys.argv[1:]]; main()"


def python(code, *arguments, cwd):
    """The code in a process whose path holds `hydra_plugins` itself, and not by way of a link."""
    path = {"PYTHONPATH": str(Path(losslab.__file__).parent)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **path}, capture_output=True, text=True
    )


def test_another_program_that_uses_hydra_is_not_disturbed(workdir):
    (workdir / "app.py").write_text(APP)
    answer = python("import runpy; runpy.run_path('app.py', run_name='__main__')", cwd=workdir)
    assert answer.returncode == 0, answer.stderr


def test_a_sweep_runs_with_the_plugins_that_were_found(workdir):
    words = ["train", "-m", "model=mlp", "seed=1,2", "trainer.epochs=1", "tracking=none"]
    answer = python(RUN, *words, cwd=workdir)
    assert answer.returncode == 0, answer.stderr
    assert len(list(workdir.glob("outputs/*/*/run.json"))) == 2
