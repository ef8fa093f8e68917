"""The kinds of answer and target that a loss may be made for, and how each is drawn."""

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

import torch
from torch import Tensor

from ...errors import UserError

SAMPLES = 7  # a number that no other axis has
Meaning = Literal["logits", "probability", "log_probability", "distance", "real", "positive", "log"]
Kind = Literal["binary", "one_hot", "indices", "signs", "real", "positive"]
# What an answer may mean that is called so; any other name may mean anything.
MEANINGS: dict[str, tuple[Meaning, ...]] = {
    "logits": ("logits",),
    "prediction": ("real", "positive", "log"),
    "reconstruction": ("probability", "real"),
    "probability": ("probability",),
    "probabilities": ("probability",),
    "probs": ("probability",),
    "prob": ("probability",),
    "log_prob": ("log_probability",),
    "log_probs": ("log_probability",),
    "log_probability": ("log_probability",),
}


@dataclass(frozen=True)
class Layout:
    """A kind of answer and target.

    Args:
        name: as a user may ask for it.
        words: what it is, for the report.
        meaning: what the answer means.
        kind: what the target holds.
        answer: the answer's axes after the batch.
        target: the target's axes after the batch.
    """

    name: str
    words: str
    meaning: Meaning
    kind: Kind
    answer: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Classes or labels: the answer's second axis, if it has one."""
        return self.answer[0] if self.answer else 1

    @property
    def spatial(self) -> tuple[int, ...]:
        """The answer's axes of space."""
        return self.answer[1:]

    def with_classes(self, count: int) -> "Layout":
        """The same with `count` classes, where it has classes."""
        if self.kind not in ("indices", "one_hot"):
            return self
        target = self.target if self.kind == "indices" else (count, *self.target[1:])
        words = re.sub(r"\d+ classes", f"{count} classes", self.words)
        return replace(self, words=words, answer=(count, *self.answer[1:]), target=target)

    def draw_target(self, generator: torch.Generator, samples: int = SAMPLES) -> Tensor:
        """A target in which every class or label occurs, and none of them alone."""
        shape = (samples, *self.target)
        count = torch.Size(shape).numel()
        if self.kind == "real":
            return torch.randn(shape, generator=generator) * 1.5 + 0.3
        if self.kind == "positive":
            return torch.rand(shape, generator=generator) * 3 + 0.2
        order = torch.randperm(count, generator=generator)
        if self.kind in ("binary", "signs"):
            values = (order < max(1, round(0.4 * count))).float().reshape(shape)
            return values if self.kind == "binary" else 2 * values - 1
        classes = self.channels
        if self.kind == "indices":
            return (order % classes).reshape(shape)
        places = torch.randperm(samples, generator=generator) % classes
        return torch.nn.functional.one_hot(places, classes).float()

    def draw_answer(self, generator: torch.Generator, samples: int = SAMPLES) -> Tensor:
        """An answer that knows nothing."""
        scores = 1.5 * torch.randn((samples, *self.answer), generator=generator)
        return self.from_scores(scores)

    def from_scores(self, scores: Tensor) -> Tensor:
        """Logits as the answer they stand for."""
        if self.meaning == "probability":
            several = self.kind in ("one_hot", "indices")
            return scores.softmax(1) if several else scores.sigmoid()
        if self.meaning == "log_probability":
            return scores.log_softmax(1)
        if self.meaning == "positive":
            return scores.abs() + 0.1
        if self.meaning == "distance":
            return torch.nn.functional.softplus(-scores)
        return scores

    def truth(self, target: Tensor, size: float = 8.0) -> Tensor:
        """The answer that says what the target says; scores of ±`size` where they are scores."""
        if self.kind == "real" or self.meaning == "positive":
            return target.clone()
        if self.kind == "positive":
            return target.log()
        return self.from_scores(size * self._signs(target))

    def opposite(self, target: Tensor, size: float = 8.0) -> Tensor:
        """The answer that is surely wrong."""
        if self.kind == "real":
            return -target
        if self.meaning == "positive":
            return 4 / (target + 0.1)
        if self.kind == "positive":
            return -target.log() + 1
        if self.kind in ("indices", "one_hot"):
            return self.from_scores(size * self._signs(target).roll(1, 1))
        return self.from_scores(-size * self._signs(target))

    def constants(self, size: float = 8.0) -> dict[str, Tensor]:
        """Answers that don't look at the input, `[1, …]`, by what they say."""
        if self.kind in ("real", "positive"):
            return {}
        whole = torch.full((1, *self.answer), float(size))
        found = {
            "nothing (every score low)": self.from_scores(-whole),
            "everything (every score high)": self.from_scores(whole),
        }
        if self.kind in ("indices", "one_hot"):
            for one in range(self.channels):
                scores = -whole.clone()
                scores[:, one] = size
                found[f"class {one} everywhere"] = self.from_scores(scores)
        return found

    def _signs(self, target: Tensor) -> Tensor:
        """±1 shaped like the answer, +1 where the target says yes."""
        if self.kind == "signs":
            return target
        if self.kind == "indices":
            if target.ndim == len(self.answer) + 1:  # it has a channel axis of its own
                target = target.squeeze(1)
            axis = torch.arange(self.channels).reshape(-1, *[1] * (target.ndim - 1))
            return 2 * (target.unsqueeze(1) == axis).float() - 1
        return 2 * target - 1


def _of_classes(
    name: str, words: str, kind: Kind, answer: tuple[int, ...], target: tuple[int, ...]
) -> Layout:
    return Layout(name, words, "logits", kind, answer, target)


_IMAGE = (8, 9)
_OF_CLASSES = (
    _of_classes("binary", "one logit a sample, target 0 or 1", "binary", (1,), (1,)),
    _of_classes("classes", "logits of 4 classes, target class indices", "indices", (4,), ()),
    _of_classes("one_hot", "logits of 4 classes, target one-hot", "one_hot", (4,), (4,)),
    _of_classes("multilabel", "logits of 4 labels, target 0 or 1 each", "binary", (4,), (4,)),
    _of_classes("mask", "logits of an image, target a mask", "binary", (1, *_IMAGE), (1, *_IMAGE)),
    _of_classes(
        "pixels",
        "logits of 3 classes a pixel, target class indices",
        "indices",
        (3, *_IMAGE),
        _IMAGE,
    ),
    _of_classes(
        "channel_indices",
        "logits of 3 classes a pixel, target class indices with a channel axis",
        "indices",
        (3, *_IMAGE),
        (1, *_IMAGE),
    ),
    _of_classes("signs", "one score a sample, target −1 or 1", "signs", (1,), (1,)),
    _of_classes("flat", "one logit a sample, no channel axis, target 0 or 1", "binary", (), ()),
    _of_classes(
        "flat_signs", "one score a sample, no channel axis, target −1 or 1", "signs", (), ()
    ),
)


def _as_probability(of: Layout) -> Layout:
    words = of.words.replace("logits", "probabilities").replace("logit", "probability")
    return replace(of, name=f"{of.name}_probability", words=words, meaning="probability")


def _as_log_probability(of: Layout) -> Layout:
    words = of.words.replace("logits", "log-probabilities")
    return replace(of, name=f"{of.name}_log_probability", words=words, meaning="log_probability")


# In the order in which they are preferred, where several suit a loss.
LAYOUTS: tuple[Layout, ...] = (
    *_OF_CLASSES,
    Layout("distance", "a distance a sample, target 1 (alike) or −1", "distance", "signs", (), ()),
    Layout("real", "2 real values a sample", "real", "real", (2,), (2,)),
    Layout("flat_real", "one real value a sample, no channel axis", "real", "real", (), ()),
    Layout("image", "an image of real values", "real", "real", (1, *_IMAGE), (1, *_IMAGE)),
    Layout("positive", "2 positive values a sample", "positive", "positive", (2,), (2,)),
    Layout("log", "the logarithm of 2 positive values a sample", "log", "positive", (2,), (2,)),
    *(_as_probability(of) for of in _OF_CLASSES if of.kind != "signs"),
    *(_as_log_probability(of) for of in _OF_CLASSES if of.kind in ("indices", "one_hot")),
)
_BY_NAME: dict[str, Layout] = {layout.name: layout for layout in LAYOUTS}


def layout_called(name: str) -> Layout:
    """The kind of answer and target that a user asks for.

    Raises:
        UserError: there is none of that name; the text gives the nearest.
    """
    if name not in _BY_NAME:
        near = get_close_matches(name, _BY_NAME, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(f"unknown kind of target '{name}'.{hint} There are: {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
