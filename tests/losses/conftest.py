"""Peers that values are compared with; a test that asks for one is skipped where it is missing."""

import os
import sys
import warnings
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def _peer(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


@pytest.fixture(scope="session")
def monai() -> ModuleType:
    """The losses of MONAI 1.6.1."""
    return _peer("monai.losses")


@pytest.fixture(scope="session")
def kornia() -> ModuleType:
    """The losses of kornia 0.9.0."""
    return _peer("kornia.losses")


@pytest.fixture(scope="session")
def keras() -> ModuleType:
    """The losses of Keras 3.15.1, on torch."""
    os.environ["KERAS_BACKEND"] = "torch"
    return _peer("keras").losses


@pytest.fixture(scope="session")
def smp() -> ModuleType:
    """The losses of segmentation-models-pytorch 0.6.0, without its models and what they need."""
    package = find_spec("segmentation_models_pytorch")
    if package is None or package.origin is None:
        pytest.skip("segmentation_models_pytorch is not installed")
    file = Path(package.origin).parent / "losses" / "__init__.py"
    spec = spec_from_file_location("losses_of_smp", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["losses_of_smp"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
