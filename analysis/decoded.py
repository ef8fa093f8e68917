"""A model's answers as people read them: labels, probabilities, values in the data's units."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..data.spec import Spec
from ..errors import UserError
from ..training.metrics import Regression


def decoded(answers: Mapping[str, Tensor], spec: Spec, cut: float = 0.0) -> dict[str, Any]:
    """The columns that tell one answer per sample, as arrays `[samples]`.

    A yes or no has the columns `prediction`, its label, and `probability_LABEL` of the yes; classes
    have a probability for each label; several labels or values have a column each,
    `prediction_LABEL`. Values are in the units of the data. A mixture is told by its mean and its
    `deviation`.

    >>> spec = Spec((2,), "binary", 1, labels=("no", "yes"))
    >>> found = decoded({"logits": torch.tensor([[0.0], [4.0]])}, spec)
    >>> found["prediction"].tolist(), found["probability_yes"].round(3).tolist()
    (['no', 'yes'], [0.5, 0.982])

    Args:
        answers: the model's outputs by name.
        spec: of the data.
        cut: the score above which the answer to a yes-or-no question is yes.

    Raises:
        UserError: the model gives no answer to the target.
    """
    if spec.target == "real":
        return _values(answers, spec)
    found = probabilities(answers, spec).numpy()
    names = label_names(spec, found.shape[1])
    chance = {f"probability_{name}": found[:, i] for i, name in enumerate(names)}
    if spec.target == "multilabel":
        yes = (found > 0.5).astype(int)
        return {f"prediction_{name}": yes[:, i] for i, name in enumerate(names)} | chance
    labels = _as_in_the_data(names)
    if spec.target == "classes":
        return {"prediction": labels[found.argmax(1)], **chance}
    above = (scores(answers, spec) > cut)[:, 0].long().numpy()
    return {"prediction": labels[above], f"probability_{names[1]}": found[:, 1]}


def answer_of(answers: Mapping[str, Tensor], spec: Spec) -> Tensor:
    """The model's answer to the target, `[samples, channels, *spatial]`.

    Raises:
        UserError: it gives none.
    """
    if spec.main_output not in answers:
        raise UserError(
            f"the run's model gives {', '.join(answers)}, and no {spec.main_output}: it answers "
            f"no question about {'a number' if spec.target == 'real' else 'a class'} that could be "
            "written down"
        )
    return answers[spec.main_output]


def scores(answers: Mapping[str, Tensor], spec: Spec) -> Tensor:
    """The score of a yes, `[samples, 1, *spatial]`, float64: its probability is σ(score)."""
    return yes_score(answer_of(answers, spec).double())


def probability_of(score: float) -> float:
    """Of a yes with that score, σ(score), of any size.

    >>> probability_of(0.0), probability_of(-1000.0)
    (0.5, 0.0)
    """
    return torch.tensor(score, dtype=torch.float64).sigmoid().item()


def yes_score(logits: Tensor) -> Tensor:
    """One channel for a yes, `[samples, 1, ...]`, also where there is one for no beside it."""
    return logits[:, 1:] - logits[:, :1] if logits.shape[1] == 2 else logits


def probabilities(answers: Mapping[str, Tensor], spec: Spec) -> Tensor:
    """Of each label, or of no and yes for a binary target: `[samples, channels, *spatial]`."""
    if spec.target == "binary":
        yes = scores(answers, spec).sigmoid()
        return torch.cat([1 - yes, yes], 1)
    logits = answer_of(answers, spec).double()
    return logits.softmax(1) if spec.target == "classes" else logits.sigmoid()


def label_names(spec: Spec, channels: int) -> list[str]:
    """The name of each channel: the data's, and a number for what has none."""
    return [*spec.labels[:channels], *map(str, range(len(spec.labels), channels))]


def _values(answers: Mapping[str, Tensor], spec: Spec) -> dict[str, Any]:
    if "mixture_logits" in answers:
        mean, deviation = _moments(answers)
    else:
        mean, deviation = answer_of(answers, spec), None
    if mean.ndim != 2:
        raise UserError(
            f"the run's answers are of shape {[*mean.shape[1:]]} for each sample: expected a "
            "number or a row of them"
        )
    columns = _numbered("prediction", Regression(spec).in_units(mean), spec)
    if deviation is None:
        return columns
    scale = torch.tensor(spec.scale or 1.0, dtype=torch.float64)
    return columns | _numbered("deviation", deviation.double() * scale, spec)


def _numbered(name: str, values: Tensor, spec: Spec) -> dict[str, Any]:
    count = values.shape[1]
    names = [f"{name}_{label}" for label in label_names(spec, count)] if count > 1 else [name]
    return dict(zip(names, values.numpy().T, strict=True))


def _moments(answers: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of a mixture, `[samples, outputs]` each."""
    share = answers["mixture_logits"].double().softmax(-1).unsqueeze(-1)
    mu, sigma = answers["mu"].double(), answers["log_sigma"].double().exp()
    mean = (share * mu).sum(1)
    variance = (share * (sigma**2 + (mu - mean.unsqueeze(1)) ** 2)).sum(1)
    return mean, variance.sqrt()


def _as_in_the_data(names: list[str]) -> Any:
    """The labels as an array to look them up in: whole numbers where all of them are."""
    import numpy as np

    whole = all(n.removeprefix("-").isdecimal() and str(int(n)) == n for n in names)  # 07 is none
    return np.array([int(name) for name in names] if whole else names, int if whole else object)
