"""The stateful numbers of masks say what the pure functions say, however the split comes in."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from saccade.metrics.segmentation import SEGMENT_POOLING, VOID, pixel_confusion, segment_scores
from saccade.metrics.stateful_segment import SegmentMetrics, batch_confusion

CLASSES = ["sky", "road", "car", "absent"]


def split(n=9, void=0.2):
    g = torch.Generator().manual_seed(0)
    mask = torch.randint(0, 3, (n, 6, 7), generator=g, dtype=torch.uint8)
    mask[torch.rand(n, 6, 7, generator=g) < void] = VOID
    return torch.randint(0, 3, (n, 6, 7), generator=g, dtype=torch.uint8), mask


def expected(predicted, mask):
    return segment_scores(pixel_confusion(mask.numpy(), predicted.numpy(), 4), classes=CLASSES)


@pytest.mark.parametrize("batch", [1, 4, 9])
@pytest.mark.parametrize("void", [0.0, 0.2, 1.0])
def test_batches_make_no_difference(batch, void):
    predicted, mask = split(void=void)
    metric = SegmentMetrics(CLASSES)
    for start in range(0, 9, batch):
        metric.update(predicted[start : start + batch], mask[start : start + batch])
    assert metric.compute() == expected(predicted, mask)


def test_images_of_unlike_sizes_pool_by_pixels():
    predicted, mask = split(2)
    metric = SegmentMetrics(CLASSES)
    metric.update(predicted[:1], mask[:1])
    metric.update(predicted[1:, :2, :3], mask[1:, :2, :3])
    both = [torch.cat([x[0].flatten(), x[1, :2, :3].flatten()]) for x in (predicted, mask)]
    assert metric.compute() == expected(*both)


def test_the_matrix_counts_targets_in_rows_and_reset_forgets():
    metric = SegmentMetrics(CLASSES)
    metric.update(torch.tensor([[[1, 1, 0]]], dtype=torch.uint8), torch.tensor([[[0, 1, VOID]]], dtype=torch.uint8))
    assert metric.confusion.dtype == torch.int64
    assert metric.confusion[:2].tolist() == [[0, 1, 0, 0], [0, 1, 0, 0]]
    metric.reset()
    assert metric.confusion.sum().item() == 0


def test_a_mask_that_is_not_contiguous_counts_the_same():
    predicted, mask = split()
    turned = batch_confusion(predicted.transpose(1, 2), mask.transpose(1, 2), 4)
    assert torch.equal(turned, batch_confusion(predicted, mask, 4))


def test_what_is_given_stays_as_it_is():
    predicted, mask = split()
    before = predicted.clone(), mask.clone()
    batch_confusion(predicted, mask, 4)
    assert torch.equal(predicted, before[0])
    assert torch.equal(mask, before[1])


@pytest.mark.parametrize("classes", [1, 2, 21, 150, 255])
def test_any_number_of_classes(classes):
    rng = np.random.default_rng(0)
    predicted, mask = (rng.integers(0, classes, (2, 40, 50), dtype=np.uint8) for _ in range(2))
    mask[:, :5] = VOID
    found = batch_confusion(torch.from_numpy(predicted), torch.from_numpy(mask), classes)
    direct = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(direct, (mask[mask != VOID], predicted[mask != VOID]), 1)
    np.testing.assert_array_equal(found, direct)


@pytest.mark.parametrize(("predicted", "mask"), [([0, 0], [0, 4]), ([0, 0], [0, 254]), ([0, 4], [0, 0]), ([VOID], [0])])
def test_a_class_beyond_the_last_is_a_bug_and_not_a_number(predicted, mask):
    with pytest.raises(AssertionError):
        batch_confusion(torch.tensor(predicted, dtype=torch.uint8), torch.tensor(mask, dtype=torch.uint8), 4)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_seen_is_undefined():
    result = SegmentMetrics(CLASSES).compute()
    assert set(result.metrics.values()) == {None}
    assert list(result.per_class) == CLASSES


def test_no_image_and_nothing_but_void_are_undefined():
    metric = SegmentMetrics(CLASSES)
    metric.update(*(torch.zeros(0, 6, 7, dtype=torch.uint8) for _ in range(2)))
    metric.update(torch.zeros(2, 6, 7, dtype=torch.uint8), torch.full((2, 6, 7), VOID, dtype=torch.uint8))
    assert set(metric.compute().metrics.values()) == {None}


def test_pooling_names_what_compute_returns():
    metric = SegmentMetrics(CLASSES)
    metric.update(*split())
    assert metric.pooling == SEGMENT_POOLING
    assert set(metric.pooling) == {"loss", *metric.compute().metrics}


class Meeting:
    """Two threads that gather as two processes do."""

    def __init__(self):
        self.barrier = threading.Barrier(2, timeout=10)
        self.brought = [None, None]

    def gather(self, rank):
        def dist_sync_fn(tensor, group=None):
            self.brought[rank] = tensor
            self.barrier.wait()
            both = list(self.brought)
            self.barrier.wait()
            return both

        return dist_sync_fn


@pytest.mark.parametrize("parts", [[[(0, 3), (3, 7)], [(7, 9)]], [[(0, 9)], []]], ids=["both", "one empty"])
def test_two_ranks_agree_with_one_even_if_one_has_no_image(parts):
    predicted, mask = split()
    meeting = Meeting()

    def work(rank):
        metric = SegmentMetrics(CLASSES, dist_sync_fn=meeting.gather(rank), distributed_available_fn=lambda: True)
        for a, b in parts[rank]:
            metric.update(predicted[a:b], mask[a:b])
        return metric.compute()

    with ThreadPoolExecutor(2) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torchmetrics remarks on computing before the first update
        assert list(pool.map(work, range(2))) == [expected(predicted, mask)] * 2


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_counting_is_among_the_deterministic_operations(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    predicted, mask = split()
    torch.use_deterministic_algorithms(True)
    try:
        found = batch_confusion(predicted.to(device), mask.to(device), 4)
    finally:
        torch.use_deterministic_algorithms(False)
    assert found.device.type == device
    assert torch.equal(found.cpu(), batch_confusion(predicted, mask, 4))
