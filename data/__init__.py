"""What a run is trained on: sources of named batches, and the spec that describes them."""

from .atari import pong_frames
from .bandit import bandit
from .environments import gymnasium
from .enzyme_rates import enzyme_rates
from .images import images
from .ising import ising
from .item_pairs import item_pairs
from .one_to_many import one_to_many
from .power_angle import power_angle
from .scikit_learn import breast_cancer, diabetes, digits
from .small_targets import small_targets
from .source import Batch, Reader, Source, SplitName, TensorSource
from .spec import Spec, TargetKind
from .split import split_indices
from .table import csv
from .touching_cells import touching_cells
from .values import values

__all__ = [
    "Batch",
    "Reader",
    "Source",
    "Spec",
    "SplitName",
    "TargetKind",
    "TensorSource",
    "bandit",
    "breast_cancer",
    "csv",
    "diabetes",
    "digits",
    "enzyme_rates",
    "gymnasium",
    "images",
    "ising",
    "item_pairs",
    "one_to_many",
    "pong_frames",
    "power_angle",
    "small_targets",
    "split_indices",
    "touching_cells",
    "values",
]
