"""The support vector machine: does gradient descent reach what an exact solver finds?"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..losses.patterns import chosen
from ..training.answer import Answer, Finding, Trained


def answer(trained: Trained, *, most: float = 0.01) -> Answer:
    r"""The objective that was reached beside the exact optimum of the same objective.

    $$\frac1n \sum_i \max(0, 1 - y_i (w \cdot x_i + b)) + \frac\lambda2 \lVert w \rVert^2$$

    is scikit-learn's SVC with a linear kernel and $C = 1/(n\lambda)$, divided by $nC$.

    Args:
        trained: a linear model, by `hinge` and `l2_norm`.
        most: the relative gap that is accepted.
    """
    from sklearn.svm import SVC

    seen = trained.predict("train")
    inputs = seen["input"].flatten(1).double()
    signs = torch.where(seen["target"].flatten() > 0, 1.0, -1.0).double()
    terms = {term.name: term for term in trained.objective.terms}
    penalty = terms["l2_norm"].weight_at(0.0)
    exact = SVC(kernel="linear", C=1 / (len(signs) * penalty), tol=1e-6)
    exact.fit(inputs.numpy(), signs.numpy())
    weight, bias = (p.detach().double().flatten().cpu() for p in trained.model.parameters())
    exact_weight, exact_bias = torch.tensor(exact.coef_[0]), torch.tensor(exact.intercept_)
    reached = _objective(inputs, signs, weight, bias, penalty)
    optimum = _objective(inputs, signs, exact_weight, exact_bias, penalty)
    gap = reached["sum"] / optimum["sum"] - 1
    test = trained.predict("test")
    ours = test["logits"].flatten() > 0
    theirs = torch.from_numpy(exact.predict(test["input"].flatten(1).double().numpy())) > 0
    truth = test["target"].flatten() > 0
    apart = [name for name in trained.history if name.startswith("train/terms/")]
    return Answer(
        (
            Finding("hinge_loss", "mean hinge, on the train split", reached["hinge"]),
            Finding("norm_loss", f"{penalty:g} · ½‖w‖², without the bias", reached["norm"]),
            Finding("objective_loss", "their sum", reached["sum"]),
            Finding("exact_loss", "the exact solver's sum (SVC)", optimum["sum"]),
            Finding("relative_gap", "relative gap", gap, f"at most {most:g}", abs(gap) <= most),
            Finding(
                "agreement",
                "same side as the exact solver's",
                (ours == theirs).double().mean().item(),
            ),
            Finding(
                "accuracy", "accuracy, on the test split", (ours == truth).double().mean().item()
            ),
            Finding(
                "terms",
                "terms logged apart",
                ", ".join(name.rpartition("/")[2] for name in apart),
                "two",
                len(apart) == 2,
            ),
        ),
        conclusion="A linear model with hinge and l2_norm is the support vector machine.",
    )


def deep_answer(trained: Trained, *, least: float = 0.9) -> Answer:
    """A deep net by hinge on its raw score: right answers, and a penalty of each layer's own.

    Args:
        trained: an `MLP` by `hinge` and `l2_norm`, whose `module_weight` has a factor per layer.
        least: the accuracy that is wanted.
    """
    term = next(term for term in trained.objective.terms if term.name == "l2_norm")
    options = {"include": "*", "exclude": "*bias", **term.options}
    layers = [
        (name, factor, weight.detach().double().square().sum().item() / 2)
        for name, (weight, factor) in chosen(
            dict(trained.model.named_parameters()), **options
        ).items()
    ]
    test, seen = trained.loss("test"), trained.predict("test")
    signs = torch.where(seen["target"] > 0, 1, -1)
    beyond = (signs * seen["logits"] >= 1).double().mean().item()
    error = abs(sum(factor * norm for _, factor, norm in layers) / test["terms/l2_norm"] - 1)
    return Answer(
        (
            *(
                Finding(f"{name}_loss", f"½‖W‖² of {name}, by its weight {factor:g}", norm)
                for name, factor, norm in layers
            ),
            Finding(
                "penalty_error",
                "their sum beside the term that is logged, relative",
                error,
                "below 1e-5",
                error < 1e-5,
            ),
            Finding("hinge_loss", "mean hinge, on the test split", test["terms/hinge"]),
            Finding("beyond_margin", "share of scores beyond the margin", beyond),
            Finding(
                "accuracy",
                "accuracy, on the test split",
                test["accuracy"],
                f"at least {least:g}",
                test["accuracy"] >= least,
            ),
        ),
        conclusion="The hinge needs a raw score, from whatever model: no sigmoid stands before it.",
    )


def _objective(
    inputs: Tensor, signs: Tensor, weight: Tensor, bias: Tensor, penalty: float
) -> Mapping[str, float]:
    hinge = (1 - signs * (inputs @ weight + bias)).clamp(min=0).mean().item()
    norm = penalty * weight.square().sum().item() / 2
    return {"hinge": hinge, "norm": norm, "sum": hinge + norm}
