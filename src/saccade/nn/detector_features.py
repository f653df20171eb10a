"""Features of the regions in which a detector sees something: torchvision's Faster R-CNN on a ResNet-50 with a pyramid.

Letters: B images, R regions of each, P proposals, K classes and the background.

What the detector itself says of a box has 1024 numbers of its pyramid's maps. The features here are those of bottom-up
attention (Anderson et al. 2018): 2048 numbers, the mean over the box of the backbone's last map, C5, by RoIAlign.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.detection import (
    FasterRCNN,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
    fasterrcnn_resnet50_fpn,
    fasterrcnn_resnet50_fpn_v2,
)
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import clip_boxes_to_image, nms, remove_small_boxes, roi_align

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.weights import load_weights, read_state_dict

DETECTORS: dict[str, Callable[..., FasterRCNN]] = {
    "fasterrcnn_resnet50_fpn": fasterrcnn_resnet50_fpn,
    "fasterrcnn_resnet50_fpn_v2": fasterrcnn_resnet50_fpn_v2,
}
PUBLISHED = {
    "fasterrcnn_resnet50_fpn": FasterRCNN_ResNet50_FPN_Weights.COCO_V1,
    "fasterrcnn_resnet50_fpn_v2": FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1,
}
"""The weights that torchvision publishes of each, trained on the 80 classes of COCO."""

LEAST_SCORE = 0.01
"""Probability of its class below which a box is less of a find than what the proposals' objectness says."""
OVERLAP = 0.5
"""Intersection over union above which the lower-ranked of two boxes shows the same thing."""
LONGEST = 5 / 3
"""Longest side of an image that the detector sees, as a multiple of the shorter side that is asked for."""

_STRIDE = 32
_CLASS_SCORES = "roi_heads.box_predictor.cls_score.weight"
_WITHOUT_EPSILON = "258fb6c6"
"""What the SHA-256 of the published weights begins with whose BatchNorm has an epsilon of 0."""


class DetectorFeatures(nn.Module):
    """The R best boxes of images, and the mean of C5 over each. Always evaluates: nothing here is trained."""

    channels = 2048

    def __init__(self, detector: FasterRCNN, *, regions: int = 10) -> None:
        """``detector``: with ``backbone.body`` of which map ``3`` is C5; ``regions``: R."""
        super().__init__()
        self.detector = detector.requires_grad_(False)
        self.regions = regions
        self.train(False)

    def train(self, mode: bool = True) -> DetectorFeatures:
        """A detector in training mode asks for targets, so it stays in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Features (B, R, 2048) and boxes (B, R, 4) x0, y0, x1, y1 as shares of an image's width and height.

        ``images``: B times (3, H, W) RGB in [0, 1] of any sizes. Each goes through by itself, for torchvision pads a
        batch to its largest image, and what lies in the padding leaks into the maps. Boxes come best first: those of
        the detector by their score, where they are too few proposals by objectness, then what overlaps a better one.
        """
        found = [self._regions(image) for image in images]
        features, boxes = zip(*found, strict=True)
        return torch.stack(features), torch.stack(boxes)

    def _regions(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(R, 2048) and (R, 4) of one image."""
        batch, _ = self.detector.transform([image])
        maps = self.detector.backbone.body(batch.tensors)
        pyramid = self.detector.backbone.fpn(maps)
        proposals = self.detector.rpn(batch, pyramid)[0][0]  # by objectness, the highest first
        boxes = best_boxes(self._detections(pyramid, proposals, batch), proposals, batch.image_sizes[0], self.regions)
        windows = roi_align(
            maps["3"], [boxes], output_size=7, spatial_scale=1 / _STRIDE, sampling_ratio=2, aligned=True
        )
        height, width = batch.image_sizes[0]
        return windows.mean(dim=(2, 3)), boxes / boxes.new_tensor([width, height, width, height])

    def _detections(self, pyramid: dict[str, Tensor], proposals: Tensor, batch: ImageList) -> Tensor:
        """Boxes of what is found, the surest first: of each proposal that of its likeliest class."""
        if not len(proposals):
            return proposals
        heads, sizes = self.detector.roi_heads, batch.image_sizes
        logits, offsets = heads.box_predictor(heads.box_head(heads.box_roi_pool(pyramid, [proposals], sizes)))
        scores, likeliest = logits.softmax(dim=1)[:, 1:].max(dim=1)  # (P,); class 0 is the background
        every = heads.box_coder.decode(offsets, [proposals])  # (P, K, 4)
        boxes = every[torch.arange(len(every), device=every.device), likeliest + 1]
        order = scores.argsort(descending=True, stable=True)
        found: Tensor = clip_boxes_to_image(boxes[order[scores[order] >= LEAST_SCORE]], sizes[0])
        return found[remove_small_boxes(found, min_size=1e-2)]


def best_boxes(detections: Tensor, proposals: Tensor, size: tuple[int, int], count: int) -> Tensor:
    """(count, 4) boxes of (D, 4) ``detections``, then (P, 4) ``proposals``, each of them best first.

    Boxes that overlap a better one come after all that do not; where there are still too few, the whole image, of
    height and width ``size``, fills up.
    """
    ranked = torch.cat([detections, proposals])
    kept = nms(ranked, torch.arange(len(ranked), 0, -1, dtype=ranked.dtype, device=ranked.device), OVERLAP)
    again = torch.ones(len(ranked), dtype=torch.bool, device=ranked.device)
    again[kept] = False
    whole = ranked.new_tensor([[0, 0, size[1], size[0]]]).expand(count, 4)
    return torch.cat([ranked[kept], ranked[again], whole])[:count]


def build_detector(name: str, *, size: int = 800, pretrained: bool = False, weights: Path | None = None) -> FasterRCNN:
    """torchvision's detector ``name`` with random, published, or given weights.

    Args:
        name: one of ``DETECTORS``.
        size: pixels that the shorter side of an image is resized to, the longer one not beyond 5/3 of it.
        pretrained: take the published weights.
        weights: take those of this file, of a detector for any number of classes.

    Raises:
        ConfigError: no such detector.
        CheckpointError: the weights could not be downloaded or read, or do not fit.
    """
    if name not in DETECTORS:
        nearest = difflib.get_close_matches(name, DETECTORS, n=2)
        raise ConfigError(f"model.name: no detector is called {name!r}; did you mean {' or '.join(nearest)}?")
    sizes = {"min_size": size, "max_size": int(size * LONGEST)}
    if pretrained:
        return _published(name, sizes)
    state = {} if weights is None else read_state_dict(weights)
    classes = len(state[_CLASS_SCORES]) if _CLASS_SCORES in state else 91
    detector = DETECTORS[name](weights=None, weights_backbone=None, num_classes=classes, **sizes)
    if weights is not None:
        detector.head_names = ()  # all of it is loaded
        load_weights(detector, state, source=str(weights), keep_head=True)
        _drop_epsilon(detector, weights)
    return detector


def _drop_epsilon(detector: FasterRCNN, weights: Path) -> None:
    """As torchvision does it itself where it downloads that file."""
    with weights.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    if checksum.startswith(_WITHOUT_EPSILON):
        for module in detector.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0


def _published(name: str, sizes: dict[str, int]) -> FasterRCNN:
    try:
        return DETECTORS[name](weights=PUBLISHED[name], progress=False, **sizes)
    except Exception as error:  # a download fails in many ways, and all end the same
        url = PUBLISHED[name].url
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise CheckpointError(
            f"model.pretrained: the weights of {name} could not be downloaded ({reason}). Without a network: fetch "
            f"{url} elsewhere and set model.pretrained=false model.weights=PATH_OF_THE_FILE"
        ) from error
