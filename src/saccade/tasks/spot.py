"""Text spotting: where words are in an image, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchmetrics import Metric

from saccade.config.schema import Config
from saccade.config.task_sections import FINDING
from saccade.console import say
from saccade.data import alphabet
from saccade.data.alphabet import Alphabet
from saccade.data.dataset import derived_seed
from saccade.data.listing import Listing
from saccade.data.mended import describe
from saccade.data.spot_dataset import SpotDataset, collate_words
from saccade.data.spot_targets import targets
from saccade.data.spot_transforms import input_size
from saccade.data.spotting_archive import results_archive
from saccade.data.transforms import Transform
from saccade.data.wording import counted, named
from saccade.draw.words import outlined
from saccade.losses.spot import combined, still_to_change
from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import run_pooling
from saccade.metrics.stateful_spot import SpotMetrics
from saccade.nn.spot_network import SpotNetwork, Spotted
from saccade.quads import CONVENTION
from saccade.samples import Batch, ImageLoss, Learned, Sample, SeenWords, SpotPrediction
from saccade.tasks import labels, scene_text
from saccade.tasks.base import Network, Task
from saccade.tasks.finder import Finder, together
from saccade.tasks.spot_losses import SpotLosses


class Spot(Task[SpotPrediction]):
    """A score, four distances and an angle at every fourth pixel; what is found is read by CTC."""

    scenes_layout = "words"
    output_noun = "character"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.section = scene_text.section_of(config)
        scene_text.require_lexicon(self.section)
        self.reads = scene_text.reads(config)
        self.monitor = "end_to_end_hmean" if self.reads else "detection_hmean"
        self.headline = "end-to-end H-mean" if self.reads else "detection H-mean"

    @cached_property
    def alphabet(self) -> Alphabet:
        """What can be read."""
        return scene_text.known_characters(self.section)

    @cached_property
    def finder(self) -> Finder:
        """What makes words of what the network says."""
        return Finder(self.section, self.alphabet if self.reads else None, max_width=self.config.model.max_width)

    @cached_property
    def losses(self) -> SpotLosses:
        """What is learned from."""
        return SpotLosses(self.section, self.finder)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The characters."""
        return self.alphabet.characters if self.reads else ()

    @property
    def conventions(self) -> Mapping[str, Any]:
        """How the numbers of the network are to be read."""
        return {"quads": CONVENTION, "reach": scene_text.reach(self.config)}

    @classmethod
    def check(cls, config: Config) -> None:
        """Refuse a network, an alphabet or a lexicon that is not there."""
        scene_text.check(config)

    @classmethod
    def read(cls, config: Config, split: str) -> Listing:
        """A split with its words."""
        listing, mended = scene_text.read(config, split)
        return replace(listing, notes=tuple(describe(mended)))

    @classmethod
    def splits(cls, config: Config) -> list[str]:
        """Names of the splits on disk."""
        return scene_text.splits(config)

    @classmethod
    def resolve_data(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Nothing: there are no classes."""
        return {}

    @classmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """The alphabet."""
        return {"alphabet": scene_text.learned_characters(config, train)}

    def config_in(self, folder: Path) -> Config:
        """The config with the alphabet in a file of its own."""
        if not self.reads:
            return self.config
        path = folder / "alphabet.json"
        alphabet.save(path, self.alphabet)
        return self.config.model_copy(update={"task": self.section.model_copy(update={"alphabet": path})})

    def before_training(self, listings: Mapping[str, Listing]) -> None:
        """Say what was set right, and what cannot be learned or read."""
        for note in listings["train"].notes:
            say(f"{self.config.data.train}: {note}")
        for split, listing in listings.items():
            lacking = self._outside(listing)
            if lacking:
                becomes = "found, and not learned to read" if split == "train" else "they cannot be read to the letter"
                say(
                    f"{split}: {counted(lacking['words'], 'word')} with characters that the alphabet lacks "
                    f"({named(sorted(lacking['times']))}): {becomes}"
                )

    def _outside(self, listing: Listing) -> dict[str, Any]:
        """How many words have characters that cannot be read, and how often these occur; empty where there is none."""
        if not self.reads:
            return {}
        assert listing.words is not None
        lacking = self.alphabet.outside(listing.words)
        return {"words": lacking.n_words, "times": dict(lacking.times)} if lacking.n_words else {}

    def dataset(self, listing: Listing, *, training: bool) -> SpotDataset:
        """The samples of a listing."""
        make = scene_text.training_transform if training else scene_text.scoring_transform
        maps = partial(targets, shrink=self.section.shrink, min_side=self.section.min_side)
        return SpotDataset(listing, make(self.config), maps, seed=self.config.seed)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples as a batch."""
        return collate_words(samples)

    def transform(self) -> Transform:
        """The whole image, resized and normalised."""
        return scene_text.scoring_transform(self.config).of_image

    def model(self) -> SpotNetwork:
        """The network."""
        return scene_text.network(self.config, self.outputs or None)

    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """Of where words are alone; (B, 6, h, w) score logits and rboxes."""
        return combined(self.losses.finding(logits[:, :1], logits[:, 1:], batch.target, torch.default_generator))

    def learn(self, network: Network, batch: Batch, *, epoch: int, trained: float = 0.0) -> Learned:
        """The sum of the losses of score, boxes and reading; words are read where they are in truth."""
        seen = network(batch.image)
        parts = self.losses(seen, batch.target, batch.words, torch.default_generator, trained=trained)
        # scoring takes the last weights in every epoch; what those of this one differ by stands beside
        return Learned(seen.score_logits, combined(parts), still_to_change(parts, trained))

    def score(self, network: Network, batch: Batch) -> tuple[ImageLoss, SpotPrediction]:
        """The loss of each image at its own size, and what is found in it."""
        assert batch.size is not None
        parts, found = [], []
        for i, seen in enumerate(self._one_by_one(network, batch.image, batch.size)):
            height, width = seen.score_logits.shape[2:]
            # each image draws its own examples, whatever it stands beside
            drawn = torch.Generator().manual_seed(derived_seed(self.config.seed, int(batch.index[i])))
            target = batch.target[i : i + 1, :, :height, :width]
            parts.append(combined(self.losses(seen, target, batch.words[i : i + 1], drawn)))
            found.append(self.finder(seen, batch.words[i].scale))
        return ImageLoss(*(torch.cat(column) for column in zip(*parts, strict=True))), together(found)

    def predict(self, network: Network, image: Tensor, size: Tensor) -> SpotPrediction:
        """What is found in images whose files have these heights and widths."""
        found = []
        files = [(width, height) for height, width in size.tolist()]
        inputs = [input_size(file, self.config.data.longer_side) for file in files]
        sizes = torch.tensor([(height, width) for width, height in inputs])
        for i, seen in enumerate(self._one_by_one(network, image, sizes)):
            found.append(self.finder(seen, (inputs[i][0] / files[i][0], inputs[i][1] / files[i][1])))
        return together(found)

    def decode(self, logits: Spotted) -> SpotPrediction:
        """The words of each image, in pixels of the network's input."""
        return together([self.finder(seen, (1.0, 1.0)) for seen in _parted(logits)])

    def _one_by_one(self, network: Network, image: Tensor, size: Tensor) -> Iterator[Spotted]:
        """What the network says of each image without the padding; together where none is padded."""
        sizes: list[list[int]] = size.tolist()
        if all(one == [*image.shape[2:]] for one in sizes):
            yield from _parted(network(image))
            return
        for i, (height, width) in enumerate(sizes):
            yield network(image[i : i + 1, :, :height, :width])

    def metrics(self) -> Metric:
        """ICDAR's protocols, and how what was found was read."""
        return SpotMetrics(reads=self.reads)

    def measure(self, metrics: Metric, prediction: SpotPrediction, batch: Batch) -> None:
        """Truth and what was found, in pixels of the file."""
        truths = [Truth(_in_file(of), of.texts, of.cared.numpy()) for of in batch.words]
        found = [
            Detections(quads.numpy(), texts if self.reads else None)
            for quads, texts in zip(prediction.quads, prediction.texts, strict=True)
        ]
        metrics.update(batch.index, truths, found)

    def nothing(self) -> SpotPrediction:
        """No image."""
        return SpotPrediction((), (), (), ())

    @property
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled."""
        return {"loss": "mean over the images, each the sum of its own means", **run_pooling(reads=self.reads)}

    def facts(self, listing: Listing) -> Mapping[str, Any]:
        """How large the images were made, how words were found and read, and which cannot be read."""
        said = {key: getattr(self.section, key) for key in FINDING}
        decoding = {key: str(value) if isinstance(value, Path) else value for key, value in said.items()}
        return {
            "reads": self.reads,
            "longer_side": self.config.data.longer_side,
            "decoding": decoding,
            "outside_alphabet": self._outside(listing),
        }

    def known(self, listing: Listing) -> pl.DataFrame:
        """Columns ``target_quads_xy``, ``target_texts`` and ``target_cared``."""
        assert listing.words is not None
        words = [listing.words.of(i) for i in range(len(listing))]
        return pl.DataFrame(
            [
                _quads_column("target_quads_xy", [of.quads for of in words]),
                pl.Series("target_texts", [list(of.texts) for of in words], dtype=pl.List(pl.String)),
                pl.Series("target_cared", [of.cared.tolist() for of in words], dtype=pl.List(pl.Boolean)),
            ]
        )

    def files(self, listing: Listing, table: pl.DataFrame) -> dict[str, bytes]:
        """``results.zip``: what was found as ICDAR's evaluation takes it; not where two images have the same name."""
        images = list(listing.images)
        if len({PurePosixPath(image).stem for image in images}) < len(images):
            say("no results.zip: two images have the same name, and ICDAR's archive has a file for each name")
            return {}
        texts = table["texts"].to_list() if self.reads else None
        return {"results.zip": results_archive(images, table["quads_xy"].to_list(), texts)}

    def table(self, batch: Batch, prediction: SpotPrediction) -> pl.DataFrame:
        """Columns ``quads_xy``, ``texts``, ``scores`` and ``score_png``, the map of scores as a grey PNG."""
        maps = pl.Series("score_png", [_png(score) for score in prediction.maps], dtype=pl.Binary)
        return pl.DataFrame([*self.answers(prediction), maps])

    def answers(self, prediction: SpotPrediction) -> pl.DataFrame:
        """Columns ``quads_xy`` (K lists of 8), ``texts`` and ``scores``."""
        return pl.DataFrame(
            [
                _quads_column("quads_xy", [quads.numpy() for quads in prediction.quads]),
                pl.Series("texts", [list(texts) for texts in prediction.texts], dtype=pl.List(pl.String)),
                pl.Series("scores", [one.tolist() for one in prediction.scores], dtype=pl.List(pl.Float32)),
            ]
        )

    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Images with the outlines of their words, and the words."""
        pictures = labels.pictures(self.config, batch.image)
        shown = [
            outlined(picture, of.quads.numpy(), of.cared.numpy())
            for picture, of in zip(pictures, batch.words, strict=True)
        ]
        return shown, [
            " ".join(text for text, cared in zip(of.texts, of.cared, strict=True) if cared) for of in batch.words
        ]


def _parted(seen: Spotted) -> Iterator[Spotted]:
    """Each image by itself."""
    for i in range(len(seen.features)):
        yield Spotted(seen.features[i : i + 1], seen.score_logits[i : i + 1], seen.rbox[i : i + 1], seen.reader)


def _in_file(words: SeenWords) -> NDArray[np.float64]:
    """(K, 4, 2) in pixels of the file."""
    found = words.quads.double().numpy() / np.array(words.scale)
    # float32 knows no more of it; whole pixels come back as whole ones
    return np.asarray(np.round(1024 * found) / 1024)


def _png(score: Tensor) -> bytes:
    """(h, w) in [0, 1] as grey values."""
    file = BytesIO()
    Image.fromarray((255 * score).round().to(torch.uint8).numpy()).save(file, "png")
    return file.getvalue()


def _quads_column(name: str, quads: Sequence[NDArray[Any]]) -> pl.Series:
    """Lists of x and y of four corners."""
    return pl.Series(name, [of.reshape(-1, 8).tolist() for of in quads], dtype=pl.List(pl.List(pl.Float32)))
