"""What a run is trained on: sources of named batches, and the spec that describes them."""

from .images import images
from .power_angle import power_angle
from .scikit_learn import breast_cancer, diabetes, digits
from .small_targets import small_targets
from .source import Batch, Reader, Source, SplitName, TensorSource
from .spec import Spec, TargetKind
from .split import split_indices
from .table import csv

__all__ = [
    "Batch",
    "Reader",
    "Source",
    "Spec",
    "SplitName",
    "TargetKind",
    "TensorSource",
    "breast_cancer",
    "csv",
    "diabetes",
    "digits",
    "images",
    "power_angle",
    "small_targets",
    "split_indices",
]
