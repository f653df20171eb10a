"""Regions are those that torchvision's own detector finds, and their features are C5's mean over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn

from detectors import Planted
from saccade.errors import CheckpointError, ConfigError
from saccade.nn import detector_features
from saccade.nn.detector_features import DETECTORS, PUBLISHED, DetectorFeatures, best_boxes, build_detector

A, B, C, D = [0.0, 0, 20, 20], [30.0, 30, 60, 60], [0.0, 40, 20, 64], [40.0, 0, 64, 20]
NEARLY_A = [0.0, 0, 20, 18]


@pytest.fixture(scope="module")
def random_detector() -> FasterRCNN:
    """Random weights, for one class, whose scores and boxes are all unlike each other."""
    torch.manual_seed(0)
    return fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=2, min_size=64, max_size=106, box_score_thresh=0.01
    ).eval()


@pytest.fixture(scope="module")
def images() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.rand(3, 50, 70), torch.rand(3, 90, 40)]


def mean_over(c5: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """RoIAlign (He et al. 2017) as its paper writes it: 7 x 7 cells, 2 x 2 samples of each, half a pixel of shift."""
    x0, y0, x1, y1 = box / 32 - 0.5
    _, height, width = c5.shape
    total = np.zeros(len(c5))
    for sample_y in y0 + (np.arange(14) + 0.5) * (y1 - y0) / 14:
        for sample_x in x0 + (np.arange(14) + 0.5) * (x1 - x0) / 14:
            if not (-1 <= sample_y <= height and -1 <= sample_x <= width):
                continue
            y, x = min(max(sample_y, 0), height - 1), min(max(sample_x, 0), width - 1)
            top, left = int(y), int(x)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            dy, dx = y - top, x - left
            upper = c5[:, top, left] * (1 - dx) + c5[:, top, right] * dx
            lower = c5[:, below, left] * (1 - dx) + c5[:, below, right] * dx
            total += upper * (1 - dy) + lower * dy
    return total / 14**2


def test_regions_are_those_of_torchvisions_own_answer(random_detector: FasterRCNN, images: list[Tensor]) -> None:
    """For a single class, suppression within a class and over all classes is the same."""
    c5: list[Tensor] = []
    handle = random_detector.backbone.body.layer4.register_forward_hook(lambda *found: c5.append(found[2]))
    features, boxes = DetectorFeatures(random_detector, regions=6)(images)
    assert features.shape == (2, 6, 2048)
    assert boxes.shape == (2, 6, 4)
    for i, image in enumerate(images):
        with torch.no_grad():
            answer = random_detector([image])[0]
        assert len(answer["boxes"]) >= 6
        height, width = image.shape[1:]
        expected = answer["boxes"][:6] / torch.tensor([width, height, width, height])
        assert torch.allclose(boxes[i], expected, atol=1e-5)
        resized_height, resized_width = random_detector.transform([image])[0].image_sizes[0]
        assert min(resized_height, resized_width) == (64 if i == 0 else 47)  # 90 becomes 106, and 40 no more than 47
        scale = np.array([resized_width, resized_height] * 2)
        for r in range(6):
            by_hand = mean_over(c5[i][0].double().numpy(), boxes[i, r].double().numpy() * scale)
            assert features[i, r].numpy() == pytest.approx(by_hand, rel=1e-3, abs=1e-4)
    handle.remove()


def test_what_else_is_in_the_batch_does_not_matter(random_detector: FasterRCNN, images: list[Tensor]) -> None:
    network = DetectorFeatures(random_detector, regions=4)
    features, boxes = network(images)
    for i in (1, 0):
        alone = network([images[i]])
        assert torch.equal(alone[0][0], features[i])
        assert torch.equal(alone[1][0], boxes[i])


def test_it_never_trains(random_detector: FasterRCNN) -> None:
    network = DetectorFeatures(random_detector).train()
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def planted(proposals: list[list[float]], scores: list[list[float]], regions: int) -> Tensor:
    """Boxes (R, 4) in pixels of a resized image of 64 x 64."""
    network = DetectorFeatures(Planted(proposals, scores), regions=regions)  # type: ignore[arg-type]
    features, boxes = network([torch.rand(3, 32, 32)])
    assert features.shape == (1, regions, 3)
    return boxes[0] * 64


@pytest.mark.parametrize(
    ("proposals", "scores", "expected"),
    [
        # the second class of B is surer than the first of A
        ([A, B, C], [[0.6, 0.1], [0.0, 0.9], [0.3, 0.2]], [B, A, C]),
        # nearly the same box again, of another class: it comes when there is nothing else
        ([NEARLY_A, A, B], [[0.5, 0], [0, 0.7], [0.2, 0]], [A, B, NEARLY_A]),
        # below 0.01 the objectness counts, by which proposals come sorted
        ([C, D, A], [[0.009, 0], [0, 0.009], [0.02, 0]], [A, C, D]),
        # what is found again among the proposals is not taken twice while there is another
        ([A, D], [[0.5, 0], [0.001, 0]], [A, D, A]),
        # the whole image fills up
        ([A], [[0.001, 0]], [A, [0, 0, 64, 64], [0, 0, 64, 64]]),
        ([], [], [[0, 0, 64, 64]] * 3),
    ],
)
def test_which_boxes_are_best(proposals: list[list[float]], scores: list[list[float]], expected: object) -> None:
    assert planted(proposals, scores, 3).tolist() == expected


def test_boxes_of_the_class_are_moved_and_cut_at_the_edges() -> None:
    """Offsets in shares of the width and height: class 2 moves by half a box to the right, out of the image."""
    detector = Planted([B], [[0.1, 0.8]])
    detector.offsets[0, 8:12] = torch.tensor([0.5, 0, 0, 0])
    boxes = DetectorFeatures(detector, regions=1)([torch.rand(3, 32, 32)])[1]  # type: ignore[arg-type]
    assert (boxes[0, 0] * 64).tolist() == [45, 30, 64, 60]


def test_shares_are_of_width_and_height() -> None:
    network = DetectorFeatures(Planted([[0, 0, 32, 40]], [[0.9, 0]]), regions=1)  # type: ignore[arg-type]
    assert network([torch.rand(3, 50, 100)])[1].flatten().tolist() == pytest.approx([0, 0, 32 / 106, 40 / 53])


def test_more_boxes_than_are_asked_for() -> None:
    many = torch.tensor([A, B, C, D])
    assert best_boxes(many[:2], many, (64, 64), 1).tolist() == [A]
    assert best_boxes(many[:0], many, (64, 64), 4).tolist() == [A, B, C, D]


@pytest.fixture(scope="module")
def file_of_v1(tmp_path_factory: pytest.TempPathFactory, random_detector: FasterRCNN) -> Path:
    """Weights as torchvision's reference scripts save them, without counts of batches, as published ones are."""
    path = tmp_path_factory.mktemp("weights") / "v1.pth"
    state = {key: value for key, value in random_detector.state_dict().items() if "num_batches" not in key}
    torch.save({"model": {key: value.half() for key, value in state.items()}}, path)
    return path


def test_weights_of_a_file(
    file_of_v1: Path, random_detector: FasterRCNN, images: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of classes is that of the file. float16, in which the file is, holds the weights to 1e-3."""
    made = build_detector("fasterrcnn_resnet50_fpn", size=64, weights=file_of_v1)
    assert made.roi_heads.box_predictor.cls_score.weight.shape == (2, 1024)
    assert made.transform.min_size == (64,)
    assert made.transform.max_size == 106
    own = random_detector.state_dict()
    assert all(torch.equal(value, own[key].half().float()) for key, value in made.state_dict().items() if value.ndim)
    assert {module.eps for module in made.modules() if isinstance(module, nn.BatchNorm2d)} == {1e-5}
    monkeypatch.setattr(detector_features, "_WITHOUT_EPSILON", "")  # as if it was the published file
    made = build_detector("fasterrcnn_resnet50_fpn", size=64, weights=file_of_v1)
    assert {module.eps for module in made.modules() if isinstance(module, nn.BatchNorm2d)} == {0.0}


def test_weights_that_do_not_fit(file_of_v1: Path) -> None:
    with pytest.raises(CheckpointError, match=r"v1\.pth does not fit the network(.|\n)*missing in the file"):
        build_detector("fasterrcnn_resnet50_fpn_v2", weights=file_of_v1)


def test_an_unknown_detector() -> None:
    with pytest.raises(ConfigError, match=r"'fasterrcnn_resnet50'; did you mean fasterrcnn_resnet50_fpn"):
        build_detector("fasterrcnn_resnet50")


def test_published_weights_that_cannot_be_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**_: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setitem(DETECTORS, "fasterrcnn_resnet50_fpn_v2", offline)  # type: ignore[misc]
    with pytest.raises(CheckpointError, match=r"no route to host.*fasterrcnn_resnet50_fpn_v2_coco-dd69338a\.pth"):
        build_detector("fasterrcnn_resnet50_fpn_v2", pretrained=True)
    assert PUBLISHED.keys() == DETECTORS.keys()
