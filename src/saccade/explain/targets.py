"""What is explained: numbers that are made of a network's answer, each with a name.

Letters: B images, K things that are explained, C classes, H x W pixels, L words of a caption, R regions of an image.

A logit is what gradients are taken of, a probability is what falls when a part of the image is covered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saccade.data.vocabulary import START
from saccade.data.wording import named, nearest
from saccade.errors import ConfigError, DataError
from saccade.nn.caption_network import Seen
from saccade.nn.spot_network import Spotted

SCORED = "last"
"""The layer of a ``SpotNetwork`` of whose map scores are made."""


@dataclass(frozen=True)
class Targets:
    """K numbers of a network's answer."""

    names: tuple[str, ...]
    logits: Callable[[Any], Tensor]  # what the network says of B images to (B, K)
    probabilities: Callable[[Any], Tensor]  # the same in [0, 1]
    answer: str = ""  # what the network says of the image, where that is more than the targets
    dense: bool = False  # the answer is a map itself
    layer: str | None = None  # the one whose map it is made of, where that is known
    weights: Tensor | None = None  # (K, R) where the network looked, rows of sum 1


Asked = Callable[[Any, str | None], Targets]
"""What a network says of one image, and what is asked for (None: what it says itself), to targets."""


def of_classes(said: Tensor, wanted: str | None, *, classes: Sequence[str], exclusive: bool) -> Targets:
    """One class of the whole image; the one with the highest logit where none is asked for.

    Args:
        said: (1, C) logits.
        wanted: its name.
        classes: C names.
        exclusive: a softmax over the classes instead of a sigmoid for each.

    Raises:
        ConfigError: no such class.
    """
    index = int(said.argmax()) if wanted is None else _index(wanted, classes)

    def probabilities(said: Tensor) -> Tensor:
        wide = said.float()
        return (wide.softmax(dim=1) if exclusive else wide.sigmoid())[:, index, None]

    return Targets((classes[index],), lambda said: said[:, index, None].float(), probabilities)


def of_pixels(said: Tensor, wanted: str | None, *, classes: Sequence[str]) -> Targets:
    """The pixels that the network gives to one class: the mean over them.

    Where none is asked for, the class of the largest area, ``background`` only if there is no other.

    Args:
        said: (1, C, H, W) logits.
        wanted: name of the class.
        classes: C names.

    Raises:
        ConfigError: no such class.
        DataError: no pixel of the image is given to it.
    """
    found = said[0].argmax(dim=0)
    areas = torch.bincount(found.flatten(), minlength=len(classes))
    there = [classes[index] for index in areas.argsort(descending=True, stable=True).tolist() if areas[index]]
    if wanted is None:
        index = classes.index(next((name for name in there if name != "background"), there[0]))
    else:
        index = _index(wanted, classes)
    if not areas[index]:
        raise DataError(f"no pixel is given to {wanted!r}; there is {named(there)}")
    mask = found == index

    def logits(said: Tensor) -> Tensor:
        return said[:, index].float()[:, mask].mean(dim=1, keepdim=True)

    def probabilities(said: Tensor) -> Tensor:
        return said.float().softmax(dim=1)[:, index][:, mask].mean(dim=1, keepdim=True)

    return Targets((classes[index],), logits, probabilities, answer=", ".join(there), dense=True)


def of_words(
    words: Sequence[str], numbers: Sequence[int], wanted: str | None, *, weights: Tensor | None = None
) -> Targets:
    """Words of the caption that the network said, each after the words before it; all where none is asked for.

    Args:
        words: L, the caption.
        numbers: theirs in the vocabulary.
        wanted: one of them.
        weights: (L, R) where the network looked at each.

    Raises:
        DataError: the caption is empty, or has no such word.
    """
    caption = " ".join(words)
    if not words:
        raise DataError("the caption is empty, so that there is no word to explain")
    places = [place for place, word in enumerate(words) if wanted in (None, word)]
    if not places:
        raise DataError(f"the caption is {caption!r}, without {wanted!r}; name one of its words")

    def logits(seen: Seen) -> Tensor:
        return _next(seen, numbers)[0][:, places]

    def probabilities(seen: Seen) -> Tensor:
        logits, normaliser = _next(seen, numbers)
        return (logits - normaliser).exp()[:, places]

    looked = None if weights is None else weights[places]
    return Targets(tuple(words[place] for place in places), logits, probabilities, answer=caption, weights=looked)


def _next(seen: Seen, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(B, L) logits of the words of the caption, each after those before it, and the normalisers of their softmax."""
    memory = seen.memory()
    given = torch.tensor([START, *numbers], device=seen.features.device).expand(len(seen.features), -1)
    logits, _ = seen.captioner(given[:, :-1], memory, seen.captioner.start(memory))
    wide = logits.float()
    return wide.gather(2, given[:, 1:, None]).squeeze(2), wide.logsumexp(dim=2)


def of_score_map(said: Spotted, wanted: str | None, *, threshold: float) -> Targets:
    """The places at which text was found, those with a score above ``threshold``: the mean over them.

    Raises:
        ConfigError: something is asked for by name: there is one map of scores.
        DataError: there is no such place.
    """
    if wanted not in (None, "text"):
        raise ConfigError(f"--target: is {wanted!r}, and spot has one map of scores, that of text; leave it out")
    scores = said.score_logits[0, 0].sigmoid()
    mask = scores > threshold
    if not mask.any():
        raise DataError(
            f"no text is found: the highest score is {float(scores.max()):.2f}, and task.threshold is {threshold:g}"
        )

    def logits(said: Spotted) -> Tensor:
        return said.score_logits[:, 0][:, mask].mean(dim=1, keepdim=True)

    def probabilities(said: Spotted) -> Tensor:
        return said.score_logits[:, 0].sigmoid()[:, mask].mean(dim=1, keepdim=True)

    return Targets(("text",), logits, probabilities, dense=True, layer=SCORED)


def _index(wanted: str, classes: Sequence[str]) -> int:
    if wanted in classes:
        return list(classes).index(wanted)
    near = nearest(wanted, classes)
    hint = f"did you mean {near!r}?" if near else f"there is {named(classes)}"
    raise ConfigError(f"--target: no class is called {wanted!r}; {hint}")
