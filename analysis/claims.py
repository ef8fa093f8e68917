r"""What answers claim: a probability for each element, and whether it came true.

An answer of yes or no, to one question or to several labels, claims a yes with probability σ(z). An
answer of one of several classes claims the class that it names, with the largest probability of the
softmax, its confidence. An element is a sample, or one of its labels or pixels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.source import Batch
from ..data.spec import Spec, as_indices
from ..errors import UserError
from ..training.metrics import counted_in
from .decoded import yes_score

_SURE = 1e-12  # probabilities of one class against the rest are told apart down to here


@dataclass(frozen=True)
class Claims:
    """What the elements claim, and what it costs where it is wrong.

    Args:
        probability: of what is claimed, `[elements]`, float64.
        true: whether it is so, `[elements]`, bool.
        brier: squared distance from the truth, `[elements]`; over all classes (Brier 1950).
        log_loss: −log of the probability given to the truth, `[elements]`, in nats.
    """

    probability: Tensor
    true: Tensor
    brier: Tensor
    log_loss: Tensor


@dataclass(frozen=True)
class Elements:
    """A batch of answers, element by element, without those that do not count.

    Args:
        logits: `[elements, classes]`, or `[elements, 1]` for yes or no; float64.
        target: the class, or 0 and 1, `[elements]`, int64.
        sample: which sample of the batch, `[elements]`.
        label: what a yes or no is about, `[elements]`.
        samples: how many the batch has.
    """

    logits: Tensor
    target: Tensor
    sample: Tensor
    label: Tensor
    samples: int

    @property
    def yes_or_no(self) -> bool:
        """Whether each element is a yes or a no."""
        return self.logits.shape[1] == 1

    def claims(self, temperature: float = 1.0) -> Claims:
        """What is claimed by the logits divided by a temperature."""
        logits = self.logits / temperature
        if self.yes_or_no:
            probability, true = logits[:, 0].sigmoid(), self.target.bool()
            brier = (probability - self.target).square()
        else:
            given = logits.softmax(1)
            probability, answer = given.max(1)
            true = answer == self.target
            brier = (given - F.one_hot(self.target, given.shape[1])).square().sum(1)
        return Claims(probability, true, brier, log_loss(logits, self.target))

    def questions(self) -> tuple[Tensor, Tensor, Tensor]:
        """Scores, truths and labels of yes or no, `[questions]`: each class against the rest.

        A score is the log-odds of a yes.
        """
        if self.yes_or_no:
            return self.logits[:, 0], self.target.bool(), self.label
        classes = self.logits.shape[1]
        score = self.logits.softmax(1).logit(_SURE).flatten()
        truth = F.one_hot(self.target, classes).bool().flatten()
        return score, truth, torch.arange(classes).repeat(len(self.target))


def log_loss(logits: Tensor, target: Tensor) -> Tensor:
    """−log of the truth's probability, `[elements]`; see `Elements` for the arguments."""
    if logits.shape[1] == 1:
        score = logits[:, 0]
        return F.binary_cross_entropy_with_logits(score, target.to(score.dtype), reduction="none")
    return F.cross_entropy(logits, target, reduction="none")


def elements(spec: Spec, logits: Tensor, batch: Batch, ignore_index: int | None) -> Elements:
    """The elements of a batch that count.

    Args:
        spec: of the data; its target is binary, multilabel or classes.
        logits: `[batch, labels or classes, *spatial]`; a yes or no may have two channels, no and
            yes.
        batch: with the target.
        ignore_index: the target value that does not count.

    Raises:
        UserError: answers that count are not finite, so that they claim nothing.
    """
    logits = logits.detach()
    if spec.target == "binary":
        logits = yes_score(logits)
    if spec.target == "classes":
        scores = logits.movedim(1, -1)  # [batch, *spatial, classes]
        target = as_indices(batch["target"]).reshape(scores.shape[:-1])
    else:
        scores = logits.unsqueeze(-1)  # [batch, labels, *spatial, 1]
        target = batch["target"].reshape(logits.shape)
    counted = counted_in(batch, target, ignore_index)
    place = counted.nonzero().cpu()
    truth = target[counted].cpu()
    answers = scores[counted].cpu().double()
    # A class that can't be has −∞ among the others.
    claimed = answers.softmax(1) if spec.target == "classes" else answers
    if wrong := int((~claimed.isfinite()).any(1).sum()):
        raise UserError(
            f"the logits of {wrong:,} of the {len(answers):,} answers in a batch are infinite or "
            "not a number (NaN), and so claim no probability: the model's weights or these inputs "
            "are not sound"
        )
    yes_or_no = spec.target != "classes"
    return Elements(
        answers,
        (truth > 0.5).long() if yes_or_no else truth.long(),
        place[:, 0],
        place[:, 1] if yes_or_no else torch.zeros(len(place), dtype=torch.int64),
        len(logits),
    )
