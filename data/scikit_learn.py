"""Small real data sets that scikit-learn ships.

Their files are read directly: importing scikit-learn takes longer than training on them.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from .build import Split, summarise, tensor_source
from .encoder import Encoder
from .source import TensorSource
from .spec import Spec
from .split import split_indices
from .standardise import Scaling
from .table import TableReader
from .targets import Target

Labels = Literal["01", "pm1"]

# scikit-learn has these names in code, not in its files.
_MEASURED = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
    "concave points", "symmetry", "fractal dimension",
)  # fmt: skip
_PATIENT = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
_PIXELS = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))


def breast_cancer(
    *,
    labels: Labels = "01",
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
    standardise: bool = True,
) -> TensorSource:
    """Breast cancer: 569 tumours, 30 measurements, malignant (0) or benign (1).

    The classes are scikit-learn's own, 357 of the 569 are benign; `load_breast_cancer` gives the
    same numbers.

    >>> source = breast_cancer()
    >>> source.spec.input_shape, source.spec.target, source.spec.labels
    ((30,), 'binary', ('malignant', 'benign'))

    Args:
        labels: how the target is written: `01`, or `pm1` for −1 and 1. A loss is told the same, by
            its own option `labels`.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split, stratified by class.
        standardise: subtract each feature's mean and divide by its deviation, both of the train
            split.

    Raises:
        ValueError: `labels` is neither.

    References:
        Street, Wolberg & Mangasarian 1993, Nuclear feature extraction for breast tumor diagnosis.
    """
    if labels not in get_args(Labels):
        raise ValueError(f"labels must be 01 or pm1; got {labels}")
    table = _shipped("breast_cancer.csv", delimiter=",", skiprows=1)
    features, target = table[:, :-1], table[:, -1]
    split = split_indices(len(table), val=val, test=test, seed=split_seed, strata=target)
    names = tuple(
        of.format(name) for of in ("mean {}", "{} error", "worst {}") for name in _MEASURED
    )
    spec = Spec((30,), "binary", 1, labels=("malignant", "benign"), features=names)
    prepared, reader = _prepared(features, names, split, standardise)
    tensors = {
        "input": prepared,
        "target": (target if labels == "01" else 2 * target - 1).float().unsqueeze(1),
    }
    summary = summarise("breast_cancer", split, table)
    return tensor_source(spec, tensors, split, summary, reader)


def digits(
    *,
    imbalance: Mapping[int, float] | None = None,
    positive: int | None = None,
    one_hot: bool = False,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
) -> TensorSource:
    """Handwritten digits: 1,797 grey images of 8 × 8 pixels, ten classes.

    >>> source = digits(imbalance={3: 0.1})
    >>> source.spec.input_shape, source.spec.target, source.spec.classes
    ((1, 8, 8), 'classes', 10)

    Args:
        imbalance: class ↦ the share of its samples that the train split keeps, in (0, 1]; val and
            test stay balanced, so that a rare class is still measured on enough samples.
        positive: the digit that is told from all others; the target is then binary, and one sample
            in ten is positive. None keeps the ten classes.
        one_hot: ten numbers a sample, 1 at the digit and 0 elsewhere, in place of its index.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split, stratified by class, and the samples that `imbalance` keeps.

    Raises:
        ValueError: `imbalance` or `positive` names a class that is not 0…9, or a share is outside
            (0, 1]; or `positive` and `one_hot` together.

    References:
        Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI repository.
    """
    table = _shipped("digits.csv.gz", delimiter=",")
    image, target = table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1].long()
    split = split_indices(len(table), val=val, test=test, seed=split_seed, strata=target)
    split["train"] = _thinned(split["train"], target, imbalance or {}, split_seed)
    spec, target = _asked(target, positive, one_hot)
    tensors = {"input": (image / 16).float(), "target": target}
    encoder = Encoder(_PIXELS, {}, {}, Scaling(torch.tensor(0.0), torch.tensor(16.0)))
    reader = TableReader(encoder, shape=(1, 8, 8))
    return tensor_source(spec, tensors, split, summarise("digits", split, table), reader)


def _asked(digit: Tensor, positive: int | None, one_hot: bool) -> tuple[Spec, Tensor]:
    """What is asked about a digit, and the answers."""
    if positive is None:
        spec = Spec((1, 8, 8), "classes", 10, labels=tuple("0123456789"))
        return spec, torch.nn.functional.one_hot(digit, 10).float() if one_hot else digit
    if positive not in range(10):
        raise ValueError(f"positive must be one of the digits 0…9; got {positive}")
    if one_hot:
        raise ValueError("one_hot is for ten classes, positive makes two of them: choose one")
    labels = ("another digit", str(positive))
    return Spec((1, 8, 8), "binary", 1, labels=labels), (digit == positive).float().unsqueeze(1)


def diabetes(
    *,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
    standardise: bool = True,
    standardise_target: bool = True,
) -> TensorSource:
    """Diabetes: 442 patients, 10 measurements, progression of the disease after a year (25 to 346).

    The features are scikit-learn's unscaled ones, `load_diabetes(scaled=False)`.

    >>> source = diabetes()
    >>> source.spec.input_shape, source.spec.target, source.spec.outputs
    ((10,), 'real', 1)

    Args:
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.
        standardise: subtract each feature's mean and divide by its deviation, both of the train
            split.
        standardise_target: the same for the target; the spec keeps offset and scale, so that
            metrics are told in the original unit.

    References:
        Efron, Hastie, Johnstone & Tibshirani 2004, Least Angle Regression, section 1.
    """
    features = _shipped("diabetes_data_raw.csv.gz")
    target = _shipped("diabetes_target.csv.gz").unsqueeze(1)
    split = split_indices(len(target), val=val, test=test, seed=split_seed)
    summary = summarise("diabetes", split, features, target)
    answer = Target(target, "real", ("progression",))
    if standardise_target:
        answer = answer.standardised(split["train"])
    prepared, reader = _prepared(features, _PATIENT, split, standardise)
    tensors = {"input": prepared, "target": answer.tensor}
    return tensor_source(answer.spec((10,), _PATIENT), tensors, split, summary, reader)


def _shipped(name: str, **options: Any) -> Tensor:
    """A table among scikit-learn's own files, float64."""
    package = find_spec("sklearn")  # finds it without importing it
    folder = Path(package.origin or "").parent if package else Path()
    path = folder / "datasets" / "data" / name
    if not path.is_file():
        raise ValueError(
            f"this data is scikit-learn's file {name}, which the installed scikit-learn lacks: "
            "pip install 'scikit-learn>=1.5'"
        )
    return torch.from_numpy(np.loadtxt(path, **options))


def _prepared(
    features: Tensor, names: tuple[str, ...], split: Split, standardise: bool
) -> tuple[Tensor, TableReader]:
    """The features as inputs, and what prepares others like them."""
    scaling = Scaling.fit(features[split["train"]]) if standardise else None
    prepared = features.float() if scaling is None else scaling(features)
    return prepared, TableReader(Encoder(names, {}, {}, scaling))


def _thinned(train: Tensor, target: Tensor, keep: Mapping[int, float], seed: int) -> Tensor:
    """The indices in `train` that are left when each class in `keep` loses all but its share."""
    generator = torch.Generator().manual_seed(seed)
    for label, share in keep.items():
        if str(label) not in tuple("0123456789") or not 0 < share <= 1:
            raise ValueError(
                "imbalance maps a class, 0…9, to the share of its samples that is kept, in (0, 1]; "
                f"got {label}: {share}"
            )
        of_class = (target[train] == int(label)).nonzero().flatten()
        shuffled = of_class[torch.randperm(len(of_class), generator=generator)]
        dropped = shuffled[max(1, round(len(shuffled) * share)) :]
        left = torch.ones(len(train), dtype=torch.bool)
        left[dropped] = False
        train = train[left]
    return train
