"""Self-critical training: captions that the network draws are learned by what they are worth.

Letters: B images, n captions drawn of each, V words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from saccade.data.captions import Captions
from saccade.data.vocabulary import END, SPECIAL, Vocabulary
from saccade.decode.captions import Decoded, Rules, drawn, greedy
from saccade.losses import caption as losses
from saccade.metrics.captions.cider import CiderD, ngram_weights
from saccade.nn.caption_base import Memory
from saccade.nn.caption_network import Seen
from saccade.nn.modes import evaluating
from saccade.samples import ImageLoss
from saccade.tasks.sentences import words_of


class Rewards:
    """CIDEr-D of drawn captions above that of their baseline, words weighed as in the captions of the training split.

    The end of a caption is a word of it, in what is drawn, in references, and where words are weighed: where it is
    not, captions that break off score best (Rennie et al. 2017, arXiv 1612.00563, appendix E).
    """

    def __init__(
        self,
        captions: Captions,
        *,
        vocabulary: Vocabulary,
        rules: Rules,
        samples: int,
        baseline: Literal["others", "greedy"],
    ) -> None:
        """``captions``: of the training split. ``samples``: n. ``baseline``: the mean of the other n - 1 captions drawn
        of the image (Luo 2020, arXiv 2003.09971), or its greedy caption."""
        self.vocabulary, self.rules, self.samples, self.baseline = vocabulary, rules, samples, baseline
        self._weights = ngram_weights([_ended(captions.of(i)) for i in range(len(captions))])

    def loss(self, seen: Seen, references: Sequence[Sequence[str]]) -> tuple[Tensor, ImageLoss]:
        """Log-probabilities of what was drawn (B * n, L), and the loss of each of the B images.

        ``references``: all captions of each image.
        """
        images = len(references)
        memory: Memory = tuple(part.repeat_interleave(self.samples, dim=0) for part in seen.memory())
        said = drawn(seen.captioner, memory, self.rules)
        scorer = CiderD([_ended(of_image) for of_image in references], weights=self._weights)
        owners = [i for i in range(images) for _ in range(self.samples)]
        scores = torch.from_numpy(scorer.scores(self._spoken(said), images=owners)).view(images, self.samples)
        if self.baseline == "greedy":
            with evaluating(seen.captioner), torch.no_grad():
                greedily = scorer.scores(self._spoken(greedy(seen.captioner, seen.memory(), self.rules)))
            reward = scores - torch.from_numpy(greedily)[:, None]
        else:
            reward = losses.over_the_others(scores)
        mask = losses.up_to_end(said.tokens, END)
        loss = losses.self_critical(said.log_probs, reward.flatten().to(said.log_probs), mask)
        return said.log_probs, ImageLoss(*(part.view(images, self.samples).sum(dim=1) for part in loss))

    def _spoken(self, said: Decoded) -> list[list[str]]:
        """The words of each caption, and the end where it was said."""
        texts = [row[:length] for row, length in zip(said.tokens.tolist(), said.length.tolist(), strict=True)]
        return [[self.vocabulary.words[number] for number in numbers] for numbers in texts]


def _ended(captions: Sequence[str]) -> list[list[str]]:
    """The words of each caption and its end, as a network says them."""
    return [[*words_of(caption), SPECIAL[END]] for caption in captions]
