"""The stateful metrics say what the pure functions say, however the split comes in."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from saccade.metrics.stateful import ClassifyMetrics, MultilabelMetrics
from saccade.metrics.summary import MULTILABEL_POOLING, classify_pooling, classify_scores, multilabel_scores

CLASSES = ["cat", "dog", "bus"]


def split(n=23):
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(n, 3, generator=g)
    return (
        logits,
        torch.randint(-1, 2, (n, 3), generator=g, dtype=torch.int8),
        torch.randint(0, 3, (n,), generator=g),
    )


@pytest.mark.parametrize("batch", [1, 7, 23])
def test_batches_make_no_difference(batch):
    logits, targets, target = split()
    multilabel, classify = MultilabelMetrics(CLASSES, threshold=0.4), ClassifyMetrics(CLASSES, top_k=2)
    for start in range(0, 23, batch):
        part = slice(start, start + batch)
        multilabel.update(logits[part].sigmoid(), targets[part])
        classify.update(logits[part].softmax(1), target[part])
    scores = logits.sigmoid().numpy()
    assert multilabel.compute() == multilabel_scores(scores, targets.numpy(), classes=CLASSES, threshold=0.4)
    scores = logits.softmax(1).numpy()
    assert classify.compute() == classify_scores(scores, target.numpy(), classes=CLASSES, top_k=2)


def test_reset_forgets():
    metric = ClassifyMetrics(CLASSES)
    metric.update(torch.eye(3), torch.tensor([1, 2, 0]))
    metric.reset()
    metric.update(torch.eye(3), torch.arange(3))
    assert metric.compute().metrics["accuracy"] == 1.0


def test_half_precision_scores_are_kept_as_the_float32_that_is_stored():
    scores = torch.tensor([[0.1, 0.2, 0.7]], dtype=torch.bfloat16, requires_grad=True)
    metric = MultilabelMetrics(CLASSES)
    metric.update(scores, torch.ones(1, 3, dtype=torch.int8))
    assert metric.scores[0].dtype == torch.float32
    assert not metric.scores[0].requires_grad
    assert metric.scores[0].tolist() == scores.float().tolist()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("metric", [MultilabelMetrics(CLASSES), ClassifyMetrics(CLASSES)])
def test_nothing_seen_is_undefined(metric):
    result = metric.compute()
    assert set(result.metrics.values()) == {None}
    assert list(result.per_class) == CLASSES


def test_pooling_names_what_compute_returns():
    assert MultilabelMetrics(CLASSES).pooling == MULTILABEL_POOLING
    assert ClassifyMetrics(CLASSES, top_k=2).pooling == classify_pooling(3, 2)


class Meeting:
    """Two threads that gather as two processes do: in step, tensors of one type and number of axes."""

    def __init__(self):
        self.barrier = threading.Barrier(2, timeout=10)
        self.brought = [None, None]

    def gather(self, rank):
        def dist_sync_fn(tensor, group=None):
            self.brought[rank] = tensor
            self.barrier.wait()
            both = list(self.brought)
            self.barrier.wait()
            assert both[0].ndim == both[1].ndim
            assert both[0].dtype == both[1].dtype
            return both

        return dist_sync_fn


@pytest.mark.parametrize(
    "parts", [[[(0, 7), (7, 16)], [(16, 23)]], [[(0, 10), (10, 23)], []]], ids=["both", "one empty"]
)
@pytest.mark.parametrize("kind", [MultilabelMetrics, ClassifyMetrics])
def test_two_ranks_agree_with_one_even_if_one_has_no_image(kind, parts):
    logits, targets, target = split()
    scores, labels = logits.softmax(1), targets if kind is MultilabelMetrics else target
    alone = kind(CLASSES)
    alone.update(scores, labels)
    meeting = Meeting()

    def work(rank):
        metric = kind(CLASSES, dist_sync_fn=meeting.gather(rank), distributed_available_fn=lambda: True)
        for a, b in parts[rank]:
            metric.update(scores[a:b], labels[a:b])
        return metric.compute()

    with ThreadPoolExecutor(2) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torchmetrics remarks on computing before the first update
        assert list(pool.map(work, range(2))) == [alone.compute()] * 2


# Rank 0 gets every image and rank 1 none ("all"), or each gets some, in batches of unequal size ("some").
TWO_PROCESSES = """
import json, sys
import torch, torch.distributed as dist
from saccade.metrics.stateful import ClassifyMetrics, MultilabelMetrics
rank, meeting, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
logits, targets, target = torch.load(out + "/split.pt", weights_only=True)
results = {}
for how, parts in {"some": [[(0, 7), (7, 16)], [(16, 23)]], "all": [[(0, 10), (10, 23)], []]}.items():
    multilabel, classify = MultilabelMetrics(["cat", "dog", "bus"]), ClassifyMetrics(["cat", "dog", "bus"])
    for a, b in parts[rank]:
        multilabel.update(logits[a:b].sigmoid(), targets[a:b])
        classify.update(logits[a:b].softmax(1), target[a:b])
    results[how] = [multilabel.compute(), classify.compute()]
open(f"{out}/{rank}.json", "w").write(json.dumps(results))
dist.destroy_process_group()
"""


@pytest.mark.slow  # two processes that import torch
def test_the_same_with_two_processes(tmp_path):
    logits, targets, target = split()
    torch.save((logits, targets, target), tmp_path / "split.pt")
    arguments = [(tmp_path / "meet").as_uri(), str(tmp_path)]
    ranks = [subprocess.Popen([sys.executable, "-c", TWO_PROCESSES, str(r), *arguments]) for r in range(2)]
    try:
        assert [p.wait(timeout=120) for p in ranks] == [0, 0]
    finally:
        for p in ranks:
            p.kill()
    alone = [
        multilabel_scores(logits.sigmoid().numpy(), targets.numpy(), classes=CLASSES),
        classify_scores(logits.softmax(1).numpy(), target.numpy(), classes=CLASSES),
    ]
    expected = json.loads(json.dumps({"some": alone, "all": alone}))
    for r in range(2):
        assert json.loads((tmp_path / f"{r}.json").read_text()) == expected


def test_pure_functions_need_numpy_alone():
    code = (
        "import sys, saccade.metrics.summary, saccade.metrics.tail;"
        "print(sorted({'torch', 'torchmetrics', 'sklearn', 'polars'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_scores_of_any_layout_and_origin_give_the_same():
    logits, targets, _ = split()
    turned = np.asfortranarray(logits.sigmoid().numpy())
    assert multilabel_scores(turned, targets.numpy(), classes=CLASSES) == multilabel_scores(
        logits.sigmoid().numpy(), np.asfortranarray(targets.numpy()), classes=CLASSES
    )
