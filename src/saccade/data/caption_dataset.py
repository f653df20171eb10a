"""The torch data set of images and captions, and how captions of unlike lengths become a batch.

Letters: B captions, L words of the longest of them with ``<start>`` and ``<end>``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from saccade.data.captions import Captions
from saccade.data.dataset import derived_seed
from saccade.data.vocabulary import PAD, Tokenize, Vocabulary
from saccade.samples import Batch, Sample, SampleKey


class CaptionDataset(Dataset[Sample]):
    """What another data set shows of each image, with one of its captions as numbers.

    Which caption it is depends on seed, epoch, index and draw, and on nothing else.
    """

    def __init__(
        self,
        images: Dataset[Sample],
        captions: Captions,
        *,
        vocabulary: Vocabulary,
        tokenize: Tokenize,
        seed: int,
        same_each_epoch: bool = False,
    ) -> None:
        """``images``: an ``ImageDataset`` or ``StoredFeatures`` of the N images. ``same_each_epoch``: for scoring, so
        that losses of two epochs are of the same captions."""
        self.images = images
        self.captions = captions
        self.vocabulary = vocabulary
        self.tokenize = tokenize
        self.seed = seed
        self.same_each_epoch = same_each_epoch

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, key: SampleKey) -> Sample:
        captions = self.captions.of(key.index)
        epoch = 0 if self.same_each_epoch else key.epoch
        # five numbers, where the image's own transforms are seeded with three or four
        drawn = derived_seed(self.seed, epoch, key.index, key.draw, 0) % len(captions)
        numbers = self.vocabulary.encode(self.tokenize(captions[drawn]))
        return Sample(key.index, self.images[key].image, torch.tensor(numbers, dtype=torch.int64), captions)


def collate_captions(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch: captions (B, L) padded with ``<pad>`` at the end."""
    return Batch(
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
        image=torch.stack([sample.image for sample in samples]),
        target=pad_sequence([sample.target for sample in samples], batch_first=True, padding_value=PAD),
        references=tuple(sample.references for sample in samples),
    )


def input_chunks(captions: Tensor, steps: int) -> Iterator[Tensor]:
    """What is put in at each step, (B, ``steps``) int64 at a time, for truncated back-propagation through time.

    Of captions (B, L) int64, L >= 2, the words at 0 to L - 2 are put in, in ceil((L - 1) / ``steps``) chunks, the last
    padded with ``<pad>``.
    """
    length = captions.shape[1]
    assert length >= 2
    assert steps >= 1
    padded = pad(captions, (0, -(length - 1) % steps), value=PAD)
    for start in range(0, padded.shape[1] - 1, steps):
        yield padded[:, start : start + steps]
