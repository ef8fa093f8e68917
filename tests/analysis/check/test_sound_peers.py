"""No false alarm: the losses of torch, MONAI and Keras, which people train with, are not broken."""

import os
import warnings

import pytest
import torch
from losslab.analysis.check import check_function
from losslab.errors import UserError

TORCH = (
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
)
# Not called: what they ask for can't be told from names.
TORCH_REFUSED = {
    "CTCLoss": "lengths of sequences",
    "MultiLabelMarginLoss": "a list of labels, padded with -1",
}

KERAS = (
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
)

OF_LOGITS = {"sigmoid": True}
OF_CLASSES = {"softmax": True, "to_onehot_y": True}
MONAI = {
    "AsymmetricUnifiedFocalLoss": [{}],
    "BarlowTwinsLoss": [{}],
    "BoundaryLoss": [{}],
    "ContrastiveLoss": [{}],
    "DiceCELoss": [OF_LOGITS, OF_CLASSES],
    "DiceFocalLoss": [OF_LOGITS],
    "DiceLoss": [{}, OF_LOGITS, OF_CLASSES, {"sigmoid": True, "batch": True}],
    "FocalLoss": [{}, {"use_softmax": True, "to_onehot_y": True}],
    "GeneralizedDiceFocalLoss": [OF_LOGITS],
    "GeneralizedDiceLoss": [OF_LOGITS],
    "HausdorffDTLoss": [OF_LOGITS],
    "LocalNormalizedCrossCorrelationLoss": [{"spatial_dims": 2}],
    "MCCLoss": [OF_LOGITS],
    "MaskedDiceLoss": [OF_LOGITS],
    "SSIMLoss": [{"spatial_dims": 2, "win_size": 5}],
    "SoftDiceclDiceLoss": [OF_LOGITS],
    "TverskyLoss": [OF_LOGITS, OF_CLASSES],
}
# AUCMLoss is left out: it is played against parameters of its own (a min-max), and its value alone
# is no measure of the answer. PerceptualLoss downloads weights; BoxGIoULoss takes corners of boxes;
# the deformation losses take fields of displacements.

# These are broken indeed: what is found, with how each is built.
TRULY_BROKEN = {
    "a power with an infinite slope at probability 0": (
        "keras",
        "CategoricalGeneralizedCrossEntropy",
        {},
        "gradient not finite: the gradient is NaN with probabilities of exactly 0 and 1, all wrong",
    ),
    "the root of an amplitude of 0": (
        "monai",
        "JukeboxLoss",
        {"spatial_dims": 2},
        "gradient not finite: the gradient is NaN with one constant answer",
    ),
    # The soft skeleton of a full image is empty: smoothing alone decides.
    "a full mask has no skeleton": (
        "monai",
        "SoftclDiceLoss",
        {},
        "trivial optimum: answering",
    ),
}


def library(name):
    os.environ["KERAS_BACKEND"] = "torch"  # read when keras is imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip({"keras": "keras", "monai": "monai.losses"}[name])


def built(package, name, options):
    if package == "keras":
        return getattr(library("keras").losses, name)(**options).call
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI on options that do nothing for one channel
        return getattr(library("monai"), name)(**options)


def broken(loss, layout=None):
    report = check_function(loss, layout=layout, quick=True)
    return [f"{f.kind}: {f.evidence}" for f in report.findings if f.level == "broken"]


@pytest.mark.parametrize("name", TORCH)
def test_torch_is_sound(name):
    assert broken(getattr(torch.nn, name)()) == []


@pytest.mark.parametrize("name", TORCH_REFUSED)
def test_what_no_generated_tensors_fit_is_refused(name):
    with pytest.raises(UserError, match="it can't be called with generated tensors for "):
        check_function(getattr(torch.nn, name)())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(name, options, id="-".join([name, *options]))
        for name, variants in MONAI.items()
        for options in variants
    ],
)
def test_monai_is_sound(name, options):
    assert broken(built("monai", name, options)) == []


@pytest.mark.parametrize("name", KERAS)
def test_keras_is_sound(name):
    assert broken(built("keras", name, {})) == []


@pytest.mark.parametrize("name", ["Huber", "LogCosh", "MeanAbsoluteError", "MeanSquaredError"])
def test_single_precision_inside_is_no_wrong_gradient(name):
    """They cast to float32, so a difference of two values is rough: seen with Keras 3.15.1."""
    assert broken(built("keras", name, {}), layout="real") == []


@pytest.mark.parametrize(
    ("package", "name", "options", "found"), TRULY_BROKEN.values(), ids=list(TRULY_BROKEN)
)
def test_the_exceptions_are_broken_indeed(package, name, options, found):
    seen = broken(built(package, name, options))
    assert any(text.startswith(found) for text in seen), seen
