"""The package as it is installed."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import losslab
import pytest

ROOT = Path(losslab.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_PACKAGES = {"tests", "benchmarks", "build"}


def packages_in_the_tree() -> set[str]:
    folders = {p.parent.relative_to(ROOT).parts for p in ROOT.glob("*/**/__init__.py")} | {()}
    ours = [f for f in folders if not {*f[:1]} & NOT_PACKAGES and ".venv" not in f]
    # Hydra's plugins live in a package of Hydra's name, beside ours.
    return {".".join(f if f[:1] == ("hydra_plugins",) else ("losslab", *f)) for f in ours}


def folder_of(package: str) -> Path:
    return ROOT.joinpath(*package.removeprefix("losslab").strip(".").split("."))


def test_every_folder_with_code_is_declared():
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages_in_the_tree()


def test_the_wheel_holds_every_module_and_yaml(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    for package in PROJECT["tool"]["setuptools"]["packages"]:
        for module in folder_of(package).glob("*.py"):
            assert f"{package.replace('.', '/')}/{module.name}" in held
    for yaml in (ROOT / "conf").rglob("*.yaml"):
        assert f"losslab/{yaml.relative_to(ROOT)}" in held
    assert "losslab/py.typed" in held
    assert not [name for name in held if "tests/" in name or "benchmarks/" in name]


@pytest.mark.parametrize("code", ["import losslab", "import losslab.cli.main"])
def test_importing_is_light(code):
    heavy = ["torch", "mlflow", "hydra", "numpy", "pandas", "sklearn", "matplotlib"]
    check = f"{code}; import sys; print([m for m in {heavy} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_an_unknown_name_of_the_python_face_is_an_error():
    with pytest.raises(AttributeError, match="module 'losslab' has no attribute 'nonsense'"):
        losslab.nonsense  # noqa: B018


def test_python_dash_m_is_the_command():
    answer = subprocess.run(
        [sys.executable, "-m", "losslab", "--version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == f"losslab {losslab.__version__}"


def test_only_the_files_that_contributing_names_import_mlflow():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`(\w+/\w+\.py)`", text[text.index("Only `") : text.index("know MLflow")])
    packages = {folder_of(package) for package in PROJECT["tool"]["setuptools"]["packages"]}
    files = [path for folder in packages for path in folder.glob("*.py")]
    imports = re.compile(r"^\s*(import|from) mlflow\b", re.MULTILINE)
    found = {str(path.relative_to(ROOT)) for path in files if imports.search(path.read_text())}
    assert found == {*named}
