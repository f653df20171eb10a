"""Captioning: a sentence that says what is in the image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchmetrics import Metric

from saccade.config.schema import Config
from saccade.console import say
from saccade.data import vocabulary
from saccade.data.caption_dataset import CaptionDataset, collate_captions, input_chunks
from saccade.data.feature_files import StoredFeatures
from saccade.data.listing import Listing
from saccade.data.transforms import Transform
from saccade.data.vocabulary import END, PAD, START, UNKNOWN
from saccade.decode.beam import beam
from saccade.decode.captions import Rules, greedy
from saccade.files import cache_folder
from saccade.losses import caption as losses
from saccade.metrics.captions.meteor import Meteor, if_installed
from saccade.metrics.captions.scores import CAPTION_POOLING
from saccade.metrics.stateful_caption import CaptionMetrics
from saccade.nn.caption_network import CaptionNetwork, Seen
from saccade.nn.scheduled_sampling import own_word_probability, read_own_words
from saccade.samples import Batch, CaptionPrediction, ImageLoss, Learned, Sample
from saccade.tasks import labels, sentences
from saccade.tasks.base import Network, Task
from saccade.tasks.concepts import Concepts
from saccade.tasks.image_features import ImageFeatures, feature_transform, network_as_trained, settled
from saccade.tasks.rewards import Rewards
from saccade.tasks.sentences import words_of


class Caption(Task[CaptionPrediction]):
    """The next word, of the words so far and the image, until it is the end."""

    monitor = "cider"
    headline = "CIDEr-D"
    scenes_layout = "captions"
    output_noun = "word"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.section = sentences.section_of(config)
        self.vocabulary = sentences.known_words(self.section)
        self.rules = Rules(
            pad=PAD,
            start=START,
            unknown=UNKNOWN,
            end=END,
            max_length=self.section.max_length,
            block_repeats=self.section.block_repeats,
            block_ngrams=self.section.block_ngrams,
        )
        self._rewards: Rewards | None = None
        self._concepts: Concepts | None = None
        self._meteor: list[Meteor | None] = []
        self._features: ImageFeatures | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The words."""
        return self.vocabulary.words

    @classmethod
    def check(cls, config: Config) -> None:
        """Refuse a network or a vocabulary that is not there."""
        sentences.check(config)

    @classmethod
    def read(cls, config: Config, split: str) -> Listing:
        """A split with its captions."""
        return sentences.read(config, split)

    @classmethod
    def splits(cls, config: Config) -> list[str]:
        """Names of the splits on disk."""
        return sentences.splits(config)

    @classmethod
    def resolve_data(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """What stored features are."""
        found = sentences.store(config, train)
        return {} if found is None else settled(config, found.made, sentences.shape_of(found))

    @classmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """The vocabulary."""
        return {"vocabulary": sentences.learned_words(config, train).words}

    def config_in(self, folder: Path) -> Config:
        """The config with the vocabulary in a file of its own."""
        path = folder / "vocabulary.json"
        vocabulary.save(path, self.vocabulary)
        return self.config.model_copy(update={"task": self.section.model_copy(update={"vocabulary": path})})

    def before_training(self, listings: Mapping[str, Listing]) -> None:
        """Weigh the words of the training captions."""
        captions, section = listings["train"].captions, self.section
        assert captions is not None
        if section.concepts:
            self._concepts = Concepts(captions, self.vocabulary)
        if section.loss == "self_critical":
            self._rewards = Rewards(
                captions,
                vocabulary=self.vocabulary,
                rules=self.rules,
                samples=section.samples,
                baseline=section.baseline,
            )

    def dataset(self, listing: Listing, *, training: bool) -> CaptionDataset:
        """The samples of a listing."""
        store = sentences.store(self.config, listing)
        images: Dataset[Sample] = (
            labels.dataset(self.config, listing, training=training) if store is None else StoredFeatures(listing, store)
        )
        assert listing.captions is not None
        return CaptionDataset(
            images,
            listing.captions,
            vocabulary=self.vocabulary,
            tokenize=words_of,
            seed=self.config.seed,
            same_each_epoch=not training,
        )

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples as a batch; captions of unlike lengths are padded."""
        return collate_captions(samples)

    def transform(self) -> Transform:
        """Resized and normalised; or as the network takes it that makes the features."""
        if self.config.data.features.path is not None:
            return feature_transform(self.config)
        return labels.transform(self.config, training=False)

    def model(self) -> CaptionNetwork:
        """A network with one logit a word of the vocabulary."""
        return sentences.network(self.config, self.vocabulary.words)

    def load(self, network: nn.Module, path: Path) -> None:
        """As the starting weights of a network that is not converted are loaded."""
        assert isinstance(network, CaptionNetwork)
        sentences.load(network, self.config, self.vocabulary.words, path, convert=self.config.model.convert)

    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """Cross-entropy of (B, L, V) logits of what follows each of the L words from the start on."""
        target = batch.target[:, 1:]
        return losses.cross_entropy(logits, target, target != PAD, label_smoothing=self.section.label_smoothing)

    def learn(self, network: Network, batch: Batch, *, epoch: int, trained: float = 0.0) -> Learned:
        """The loss of the words of the captions, and beside it of the concepts; or what drawn captions are worth."""
        seen = network(batch.image)
        if self.section.loss == "self_critical":
            assert self._rewards is not None, "before_training comes first"
            return Learned(*self._rewards.loss(seen, batch.references))
        probability = own_word_probability(epoch, most=self.section.scheduled_sampling)
        memory = seen.memory()
        state = seen.captioner.start(memory)
        said = []
        # captions that are shorter than a chunk are not padded to one
        for words in input_chunks(batch.target, min(self.section.chunk, batch.target.shape[1] - 1)):
            if probability:
                logits, state = read_own_words(seen.captioner, words, memory, state, probability=probability)
            else:
                logits, state = seen.captioner(words, memory, state)
            said.append(logits)
            state = state.detach()
        logits = torch.cat(said, dim=1)[:, : batch.target.shape[1] - 1]
        loss = self.loss(logits, batch)
        if not self.section.concepts:
            return Learned(logits, loss)
        assert self._concepts is not None, "before_training comes first"
        concepts = self.section.concepts * self._concepts.loss(seen, batch.references)
        return Learned(logits, loss, ImageLoss(concepts * loss.weight, loss.weight))

    def score(self, network: Network, batch: Batch) -> tuple[ImageLoss, CaptionPrediction]:
        """The loss of one caption of each image, the same in every epoch; and what the network says by itself."""
        seen = network(batch.image)
        memory = seen.memory()
        logits, _ = seen.captioner(batch.target[:, :-1], memory, seen.captioner.start(memory))
        return self.loss(logits, batch), self.decode(seen)

    def decode(self, seen: Seen) -> CaptionPrediction:
        """The caption of each image, greedy or by beams."""
        section, memory = self.section, seen.memory()
        if section.beam == 1:
            said = greedy(seen.captioner, memory, self.rules)
        else:
            penalty, alpha = section.length_penalty, section.length_alpha
            said = beam(seen.captioner, memory, self.rules, size=section.beam, length_penalty=penalty, alpha=alpha)
        words = [self.vocabulary.decode(numbers) for numbers in said.tokens.tolist()]
        weights = [None if said.weights is None else said.weights[i, : len(row)].cpu() for i, row in enumerate(words)]
        return CaptionPrediction(tuple(" ".join(row) for row in words), tuple(weights))

    def predict(self, network: Network, image: Tensor, size: Tensor) -> CaptionPrediction:
        """The caption of each image, of which features are made first where the network takes them."""
        if self.config.data.features.path is None:
            return self.decode(network(image))
        if self._features is None:
            self._features = network_as_trained(self.config).to(image.device).eval()
        with torch.autocast(image.device.type, enabled=False):  # stored ones are made in full precision
            features = self._features(image, size)
        return self.decode(network(features))

    def metrics(self) -> Metric:
        """BLEU, METEOR where its tables are installed, ROUGE-L, CIDEr-D."""
        return CaptionMetrics(self._find_meteor)

    def _find_meteor(self) -> Meteor | None:
        if not self._meteor:
            self._meteor.append(if_installed(cache_folder(), say))
        return self._meteor[0]

    def measure(self, metrics: Metric, prediction: CaptionPrediction, batch: Batch) -> None:
        """Captions and references."""
        metrics.update(batch.index, prediction.captions, batch.references)

    def nothing(self) -> CaptionPrediction:
        """No caption."""
        return CaptionPrediction((), ())

    @property
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled."""
        scored = {
            key: how for key, how in CAPTION_POOLING.items() if key != "meteor" or self._find_meteor() is not None
        }
        return {"loss": "of one caption an image, the same in every epoch, mean over words", **scored}

    def facts(self, listing: Listing) -> Mapping[str, Any]:
        """What the regions are, and how captions were searched for."""
        store = sentences.store(self.config, listing)
        return {
            "regions": sentences.regions_told(self.config, store),
            "decoding": {key: getattr(self.section, key) for key in sentences.DECODING},
        }

    def known(self, listing: Listing) -> pl.DataFrame:
        """Columns ``references``, and ``boxes`` where the regions are boxes."""
        assert listing.captions is not None
        references = [list(listing.captions.of(i)) for i in range(len(listing))]
        column = pl.Series("references", references, dtype=pl.List(pl.String))
        return pl.DataFrame([column, *sentences.boxes(sentences.store(self.config, listing), listing)])

    def files(self, listing: Listing, table: pl.DataFrame) -> dict[str, bytes]:
        """``captions.json``: the captions as a COCO results file."""
        assert listing.captions is not None
        pairs = zip(listing.captions.ids.tolist(), table["caption"], strict=True)
        results = [{"image_id": image_id, "caption": caption} for image_id, caption in pairs]
        return {"captions.json": json.dumps(results, indent=0, ensure_ascii=False).encode()}

    def table(self, batch: Batch, prediction: CaptionPrediction) -> pl.DataFrame:
        """Columns ``caption`` and ``attention``."""
        return self.answers(prediction)

    def answers(self, prediction: CaptionPrediction) -> pl.DataFrame:
        """Columns ``caption`` and ``attention``, R weights for each word; null where the network does not say."""
        looked = [None if weights is None else weights.float().tolist() for weights in prediction.weights]
        return pl.DataFrame(
            [
                pl.Series("caption", prediction.captions, dtype=pl.String),
                pl.Series("attention", looked, dtype=pl.List(pl.List(pl.Float32))),
            ]
        )

    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Images with the captions that are read of them."""
        return labels.pictures(self.config, batch.image), [
            " ".join(self.vocabulary.decode(numbers)) for numbers in batch.target.tolist()
        ]

    def example_inputs(self) -> tuple[Tensor, ...]:
        """An image, or the features of one, and a word."""
        shape = self.config.data.features.shape
        image = super().example_inputs()[0] if shape is None else torch.ones(1, *shape)
        return image, torch.full((1, 1), START, device=image.device)
