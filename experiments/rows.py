"""The questions, the commands that answer them, and how what they come to is judged."""

from dataclasses import dataclass

from .verdicts import (
    Judge,
    answers,
    better,
    both,
    every,
    prints,
    reaches,
    rising,
    table_of,
    within,
)

_CHECK = "check losslab.experiments"
_UNLEARNT = ("added_value", "precision", "argmax", "rounding", "detached", "fresh_tensor")


@dataclass(frozen=True)
class Row:
    """One question.

    Args:
        number: its place.
        name: the preset, or the command that answers it.
        shows: what the outcome must make visible.
        commands: what is typed behind `losslab`.
        judge: whether it was seen.
    """

    number: int
    name: str
    shows: str
    commands: tuple[str, ...]
    judge: Judge = answers


ROWS = (
    Row(
        1,
        "svm",
        "Hinge and ½‖w‖² reach the optimum of an exact solver within 1 %, terms apart",
        (
            "train experiment=svm",
            "train experiment=svm loss.l2_norm.weight=0.01",
            "train experiment=svm data.labels=pm1 loss.hinge.labels=pm1",
            "train experiment=svm_deep",
        ),
    ),
    Row(
        2,
        "one_hot_heads",
        "Heads for one-hot targets compared over seeds; mismatched pairs found, with the reason",
        (
            "train -m experiment=one_hot_heads",
            f"{_CHECK}.one_hot_heads.sigmoid_before_bce_with_logits",
            f"{_CHECK}.one_hot_heads.softmax_before_cross_entropy",
            "check experiment=one_hot_heads loss=crammer_singer",
        ),
        every(
            table_of(metric="accuracy"),
            prints("double activation: binary_cross_entropy_with_logits", code=1),
            prints("double activation: cross_entropy", code=1),
            prints("the indices of a one-hot target are target.argmax(1)", code=1),
        ),
    ),
    Row(
        3,
        "logistic_labels",
        "The two spellings are one number and gradient; coefficients are an exact solver's",
        (
            "train experiment=logistic_labels",
            "train experiment=logistic_labels loss=logistic+l2_norm data.labels=pm1 "
            "loss.logistic.labels=pm1",
        ),
    ),
    Row(
        4,
        "softmax_delta",
        "∂loss/∂logits = softmax(logits) − target, from the logits and from the probabilities",
        ("trace experiment=softmax_delta", "train experiment=softmax_delta"),
        every(prints("= softmax(logits) − target", code=0), answers),
    ),
    Row(
        5,
        "saturated_bce",
        "log(0) is found, its operation named and the form for logits proposed; patches compared",
        (
            f"{_CHECK}.saturated_bce.by_hand",
            "train experiment=saturated_bce",
            "train -m experiment=saturated_bce",
        ),
        every(
            prints("first made by log (saturated_bce.py", "of logits", code=1),
            answers,
            table_of(metric="dice", lost=["by_hand", "custom=by_hand"]),
        ),
    ),
    Row(
        6,
        "mse_or_ce",
        "Cross-entropy and squared error swapped are refused, with the reason; right pairs train",
        (
            "train -m experiment=mse_or_ce",
            "train experiment=mse_or_ce",
            "train experiment=mse_or_ce data=diabetes loss=mse",
        ),
        every(
            prints(
                "6 runs of",
                "6 of the sweep's runs failed",
                "It is for real-valued targets, and this one is of classes or labels",
                "It is for classes and labels, and this target is real-valued",
                code=1,
            ),
            reaches(0.9, metric="accuracy"),
            reaches(0.3, metric="r2"),
        ),
    ),
    Row(
        7,
        "soft_f1",
        "argmax and the trivial optimum are named; soft F1 trains on rare positives; a threshold "
        "for a wanted precision",
        (
            f"{_CHECK}.soft_f1.precision_of_positives",
            f"{_CHECK}.soft_f1.soft_precision_alone",
            "train -m experiment=soft_f1",
            "evaluate last --threshold 'precision>=0.9'",
        ),
        every(
            prints("cut by argmax", code=1),
            prints("trivial optimum", code=1),
            reaches(0.3, metric="f1"),
            prints("precision>=0.9, chosen on 270 validation samples", code=0),
        ),
    ),
    Row(
        8,
        "class_weights",
        "The rare class's recall rises with its weight: 8 weights by 5 seeds, one command",
        ("train -m experiment=class_weights",),
        rising("0.5", "1", "2", "4", "9", "20", "50", "100", metric="recall"),
    ),
    Row(
        9,
        "small_targets",
        "On under 1 % positives plain BCE falls behind dice, dice + BCE and weights, same budget",
        (
            "train -m experiment=small_targets",
            "train -m experiment=small_targets_weights",
            "train experiment=small_targets data.size=500 data.samples=60 trainer.batch_size=4 "
            "trainer.epochs=20",
        ),
        every(
            better("dice", "dice+bce", baseline="bce", metric="dice"),
            better(
                "bce.class_weight.1=20, border_weight=false",
                "bce.class_weight.1=1, border_weight=true",
                baseline="bce.class_weight.1=1, border_weight=false",
                metric="dice",
                by=["loss.bce.class_weight.1", "data.border_weight"],
            ),
            reaches(0.5, metric="dice"),
        ),
    ),
    Row(
        10,
        "cost_matrix",
        "The expensive error falls against the unweighted run; cells separate with a border map",
        ("train -m experiment=cost_matrix", "train -m experiment=cost_matrix_border"),
        every(
            better(
                "[[0, 1, 1], [1, 0, 10], [1, 1, 0]]",
                baseline="cost_weighted_cross_entropy.cost_matrix=null",
                metric="answer/expensive_error",
            ),
            better("10", baseline="border_weight.w0=0", metric="answer/separated"),
        ),
    ),
    Row(
        11,
        "huber_fit",
        "Huber and L1 recover θ among outliers, the squared error does not",
        ("train -m experiment=huber_fit",),
        both(
            better("l1", "huber", baseline="mse", metric="answer/theta_error", by=["loss"]),
            within(0.1, "l1", "huber", beyond=["mse"], metric="answer/theta_error", by=["loss"]),
        ),
    ),
    Row(
        12,
        "lasso",
        "Coefficients and exact zeros are an exact solver's; the penalised likelihood in logs",
        ("train experiment=lasso", "train -m experiment=lasso"),
    ),
    Row(
        13,
        "bounded_regression",
        "Bounds hold on every answer; both heads compared",
        ("train experiment=bounded_regression", "train -m experiment=bounded_regression"),
        every(answers, table_of(metric="rmse", by=["model.bounds"])),
    ),
    Row(
        14,
        "mdn",
        "The log-sum-exp form stays finite; the naive form's cause is found; draws on the curve",
        (
            "train experiment=mdn",
            "train experiment=mdn loss=losslab.experiments.mdn.naive_mdn_nll data.outliers=0.01",
            f"{_CHECK}.mdn.naive_mdn_nll",
        ),
        every(
            answers,
            prints("the loss is not finite", code=1),
            prints("first made by log (mdn.py", code=1),
        ),
    ),
    Row(
        15,
        "correlation",
        "Spearman ≥ 0.99 by a differentiable surrogate; why a hard rank has no gradient",
        (
            "train -m experiment=correlation",
            "train -m experiment=correlation_pearson",
            f"{_CHECK}.correlation.hard_spearman",
        ),
        every(
            reaches(0.99, metric="answer/spearman"),
            reaches(0.99, metric="answer/spearman"),
            prints("cut by argsort", code=1),
        ),
    ),
    Row(
        16,
        "two_layer_step",
        "The 2-2-1 net's step number by number, for L1 and half squared error, and why they differ",
        ("trace experiment=two_layer_step", "train experiment=two_layer_step"),
        every(prints("0.809", "0.1825", "0.174", "0.1744", "0.1694", code=0), answers),
    ),
    Row(
        17,
        "descent",
        "With the gradient's sign and size the loss falls; with a constant step it need not",
        ("trace experiment=descent --plot", "train experiment=descent"),
        every(prints("W − lr W − lr · sign(gradient)", "W − lr · gradient", code=0), answers),
    ),
    Row(
        18,
        "ising_energy",
        "An energy of the model's own answer has a gradient and moves the histogram; a detached "
        "one does not, and is found",
        ("train -m experiment=ising_energy", f"{_CHECK}.ising_energy.detached_energy_gap"),
        every(
            better(
                "energy_gap", baseline="energy=detached_energy_gap", metric="answer/histogram_gap"
            ),
            prints("cut by detach", code=1),
        ),
    ),
    Row(
        19,
        "vae",
        "The KL weight's schedule against time, KL per latent, ELBO compared over seeds",
        ("train -m experiment=vae",),
        table_of(metric="answer/elbo"),
    ),
    Row(
        20,
        "vae_terms",
        "Each term's share of the gradient before and after scaling one by 20; the chain rule",
        ("train experiment=vae_terms",),
    ),
    Row(
        21,
        "cartpole",
        "REINFORCE reaches a mean return of 475 over 100 episodes",
        ("train -m experiment=cartpole seed=1,2,3",),
        every(reaches(475, metric="test/return")),
    ),
    Row(
        22,
        "mountain_car",
        "A2C with a Gaussian policy: mean return ≥ 90 on most seeds; this pass's mu and sigma",
        ("train -m experiment=mountain_car",),
        both(answers, reaches(90, metric="test/return", share=0.6)),
    ),
    Row(
        23,
        "pong",
        "Real frames and updates; the discount table; −1 lowers an action's probability",
        ("train experiment=pong",),
    ),
    Row(
        24,
        "large_actions",
        "Policy gradient as a gradient and as cross-entropy: identical; reward far above chance",
        (
            "train experiment=large_actions",
            "train experiment=large_actions "
            "loss.policy_gradient._target_=losslab.experiments.large_actions.as_gradient",
        ),
    ),
    Row(
        25,
        "curvature",
        "The Hessian is the exact one on a small net; top eigenvalues, trace, density",
        ("train experiment=curvature",),
    ),
    Row(
        26,
        "attribute",
        "∂/∂input of the cost, a logit or a probability, 64 samples in one call, each its own",
        ("train experiment=attribute", "attribute last --of loss"),
        every(answers, prints("loss of each sample, 64 test samples", code=0)),
    ),
    Row(
        27,
        "maxout",
        "Maxout's gradient goes to the winning piece only; it trains",
        ("train experiment=maxout", "train -m experiment=maxout_digits"),
        every(
            answers,
            better("maxout", baseline="relu", metric="accuracy", by=["model.activation"]),
        ),
    ),
    Row(
        28,
        "check",
        "Losses that don't learn are found and explained, with the remedy",
        tuple(f"{_CHECK}.does_not_learn.{name}" for name in _UNLEARNT),
        every(
            prints("gradient differs", "leave .detach() out", code=0),
            prints("cut by argmax", "softmax in its place", code=1),
            prints("cut by argmax", "softmax in its place", code=1),
            prints("gradient zero", "round when you evaluate", code=1),
            prints("cut by detach", "leave .detach() out", code=1),
            prints("cut by item", "keep the tensor", code=1),
        ),
    ),
)
