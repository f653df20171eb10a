"""Semantic segmentation: a class for every pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric

from saccade.config.schema import Config
from saccade.config.task_sections import SegmentTask
from saccade.data.listing import Listing
from saccade.data.masks import VOID, palette_png
from saccade.data.paired_dataset import MaskDataset, collate_masks
from saccade.data.transforms import Transform
from saccade.decode.masks import at_size, by_argmax, in_windows, stacked, with_mirror_image
from saccade.draw.overlay import blend
from saccade.losses import segment as losses
from saccade.losses.weights import effective_class_weights, inverse_frequency, median_frequency
from saccade.metrics.segmentation import SEGMENT_POOLING, image_accuracy, image_ious
from saccade.metrics.stateful_segment import SegmentMetrics
from saccade.samples import Batch, ImageLoss, Learned, MaskPrediction, Sample
from saccade.tasks import labels, pixels
from saccade.tasks.base import MASK_PNG, Network, Task


class Segment(Task[MaskPrediction]):
    """A softmax over the classes at every pixel."""

    monitor = "miou"
    headline = "mIoU"
    scenes_layout = "masks"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        section = config.task
        assert isinstance(section, SegmentTask)
        self.section = section
        weights = labels.class_weights(section.class_weights, self.classes, key="task.class_weights")
        self._class_weights = None if weights is None else torch.tensor(weights)

    @classmethod
    def read(cls, config: Config, split: str) -> Listing:
        """A split with its masks; targets (N, C) int8 say which classes are in each."""
        return pixels.read(config, split)

    @classmethod
    def splits(cls, config: Config) -> list[str]:
        """Names of the splits on disk."""
        return pixels.splits(config)

    @classmethod
    def resolve_data(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """The class names, and a colour for each."""
        return {"classes": list(train.classes), "palette": pixels.class_palette(config, train)}

    @classmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Weights that come from the pixels of the classes, by class name."""
        section = config.task
        assert isinstance(section, SegmentTask)
        assert train.masks is not None
        counts = torch.from_numpy(train.masks.pixels)
        match section.class_weights:
            case "inverse":
                weights = inverse_frequency(counts)
            case "median":
                weights = median_frequency(counts)
            case "effective":
                weights = effective_class_weights(counts.sum(dim=0), beta=section.effective_beta)
            case _:
                return {}
        return {"class_weights": labels.by_name(train.classes, weights)}

    def dataset(self, listing: Listing, *, training: bool) -> MaskDataset:
        """The samples of a listing."""
        transform = pixels.training_transform(self.config) if training else pixels.scoring_transform(self.config)
        return MaskDataset(listing, transform, seed=self.config.seed)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples as a batch; images and masks of unlike sizes are padded."""
        return collate_masks(samples)

    def transform(self) -> Transform:
        """The image as in scoring, without a mask."""
        return pixels.scoring_transform(self.config).image

    def model(self) -> nn.Module:
        """A network with C logits a pixel."""
        return pixels.model(self.config)

    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """The losses that the config asks for, over the pixels that are not void."""
        return self._loss(logits, batch.target)

    def _loss(self, logits: Tensor, mask: Tensor) -> ImageLoss:
        given = self.section.loss
        factors = given if isinstance(given, dict) else {given: 1.0}
        weights = None if self._class_weights is None else self._class_weights.to(logits.device)
        found = []
        for name, factor in factors.items():
            match name:
                case "cross_entropy":
                    smoothing = self.section.label_smoothing
                    loss = losses.cross_entropy(logits, mask, class_weights=weights, label_smoothing=smoothing)
                case "focal":
                    loss = losses.focal(logits, mask, gamma=self.section.focal_gamma, class_weights=weights)
                case "dice":
                    loss = losses.dice(logits, mask)
                case "jaccard":
                    loss = losses.jaccard(logits, mask)
            found.append((factor, loss))
        return losses.combined(found)

    def learn(self, network: Network, batch: Batch, *, epoch: int, trained: float = 0.0) -> Learned:
        """The loss of the network's answer; beside it, weighted by ``task.auxiliary``, of those it gives on the way."""
        said = network(batch.image)
        logits, *others = said if isinstance(said, tuple) else (said,)
        loss = self._loss_at_masks(logits, batch)
        if not others:
            return Learned(logits, loss)
        total = torch.stack([self._loss_at_masks(other, batch).total for other in others]).sum(dim=0)
        return Learned(logits, loss, ImageLoss(self.section.auxiliary * total, loss.weight))

    def _loss_at_masks(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """The loss at the size of the masks, which are larger than the input where images are learned by heart."""
        if logits.shape[2:] == batch.target.shape[1:]:
            return self._loss(logits, batch.target)
        assert batch.size is not None
        return together(
            self._loss(at_size(one[None], (height, width)), batch.target[i : i + 1, :height, :width])
            for i, (one, (height, width)) in enumerate(zip(logits, batch.size.tolist(), strict=True))
        )

    def score(self, network: Network, batch: Batch) -> tuple[ImageLoss, MaskPrediction]:
        """Loss and classes of each image at the size of its mask."""
        assert batch.size is not None
        found, labels_of = [], []
        for i, logits in enumerate(self._at_size(network, batch.image, batch.size)):
            height, width = logits.shape[2:]
            found.append(self._loss(logits, batch.target[i : i + 1, :height, :width]))
            labels_of.append(self.decode(logits).labels[0])
        return together(found), stacked(labels_of)

    def predict(self, network: Network, image: Tensor, size: Tensor) -> MaskPrediction:
        """The classes of each image at its size."""
        if self.section.score_size == "input" and not self.section.window:
            size = torch.tensor(self.config.data.height_width).expand(len(image), 2)
        return stacked([self.decode(logits).labels[0] for logits in self._at_size(network, image, size)])

    def decode(self, logits: Tensor) -> MaskPrediction:
        """(B, C, H, W) logits to the highest class of each pixel; the lowest number among equals."""
        return by_argmax(logits)

    def _at_size(self, network: Network, image: Tensor, size: Tensor) -> Iterator[Tensor]:
        """(1, C, h, w) float32 logits of each image at its own size, one by one: together they may be large."""
        seen = with_mirror_image(network) if self.section.flip else network
        shapes = [(height, width) for height, width in size.tolist()]
        if self.section.window:
            for one, (height, width) in zip(image, shapes, strict=True):
                yield in_windows(seen, one[None, :, :height, :width], self.config.data.height_width)
        else:
            for logits, shape in zip(seen(image), shapes, strict=True):
                yield at_size(logits[None], shape)

    def metrics(self) -> Metric:
        """Pixel accuracy, IoU, dice."""
        return SegmentMetrics(self.classes)

    def measure(self, metrics: Metric, prediction: MaskPrediction, batch: Batch) -> None:
        """Predicted and true masks."""
        metrics.update(prediction.labels, batch.target)

    def nothing(self) -> MaskPrediction:
        """No masks."""
        return stacked([])

    @property
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled."""
        given = self.section.loss
        if ({given} if isinstance(given, str) else set(given)) <= {"cross_entropy", "focal"}:
            return SEGMENT_POOLING
        return {**SEGMENT_POOLING, "loss": "loss of each image, mean weighted by the images' valid pixels"}

    def facts(self, listing: Listing) -> Mapping[str, Any]:
        """What void pixels were, at which size and in how many views images were scored, and the classes' colours."""
        section = self.section
        return {
            "void": self.config.data.void,
            "score_size": "original" if section.window else section.score_size,
            "window": list(self.config.data.height_width) if section.window else None,
            "flip": section.flip,
            "colours": [list(rgb) for rgb in pixels.palette(self.config)[: len(self.classes)].tolist()],
        }

    def known(self, listing: Listing) -> pl.DataFrame:
        """Column ``target``: the path of each mask."""
        assert listing.masks is not None
        return pl.DataFrame([pl.Series("target", list(listing.masks.paths), dtype=pl.String)])

    def table(self, batch: Batch, prediction: MaskPrediction) -> pl.DataFrame:
        """Columns ``pixel_accuracy``, ``iou`` (C numbers, null where absent) and the mask as a PNG."""
        masks, pixel_accuracy, iou = batch.target.cpu(), [], []
        for i in range(len(masks)):
            said = prediction.of(i).cpu().numpy()
            mask = masks[i, : said.shape[0], : said.shape[1]].numpy()
            pixel_accuracy.append(image_accuracy(mask, said))
            iou.append(image_ious(mask, said, len(self.classes)))
        right = pl.Series("pixel_accuracy", pixel_accuracy, dtype=pl.Float32).fill_nan(None)
        return pl.DataFrame([right, _lists("iou", iou), self._pngs(prediction)])

    def answers(self, prediction: MaskPrediction) -> pl.DataFrame:
        """Columns ``found`` (names, largest area first), ``share`` (of all pixels, C numbers) and the mask as a PNG."""
        names, shares = [], []
        for i in range(len(prediction.labels)):
            said = prediction.of(i).cpu().numpy()
            share = np.bincount(said.ravel(), minlength=len(self.classes)) / said.size
            names.append([self.classes[c] for c in np.argsort(-share, kind="stable") if share[c] > 0])
            shares.append(share.astype(np.float32).tolist())
        return pl.DataFrame(
            [
                pl.Series("found", names, dtype=pl.List(pl.String)),
                pl.Series("share", shares, dtype=pl.List(pl.Float32)),
                self._pngs(prediction),
            ]
        )

    def _pngs(self, prediction: MaskPrediction) -> pl.Series:
        palette = pixels.palette(self.config)
        masks = [prediction.of(i).cpu().numpy() for i in range(len(prediction.labels))]
        return pl.Series(MASK_PNG, [palette_png(mask, palette) for mask in masks], dtype=pl.Binary)

    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Images under their masks, with the names of the classes in them."""
        pictures, palette = labels.pictures(self.config, batch.image), pixels.palette(self.config)
        masks = batch.target.cpu().numpy()
        shown = [blend(picture, mask, palette) for picture, mask in zip(pictures, masks, strict=True)]
        names = [", ".join(self.classes[c] for c in np.unique(mask) if c != VOID) for mask in masks]
        return shown, names


def together(losses: Iterable[ImageLoss]) -> ImageLoss:
    """The losses of several batches as that of one."""
    totals, weights = zip(*losses, strict=True)
    return ImageLoss(torch.cat(totals), torch.cat(weights))


def _lists(name: str, values: Sequence[NDArray[np.float64]]) -> pl.Series:
    """A list column of float32, null where a number is not defined."""
    rows = [[None if np.isnan(value) else float(value) for value in row] for row in values]
    return pl.Series(name, rows, dtype=pl.List(pl.Float32))
