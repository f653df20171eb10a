"""Made-up runs whose numbers can be counted by hand, a server for them, and a real browser.

`multilabel_run`: 100 images, image k has the score (k + 0.5) / 100 for "cat". A cat is on 10, 20 and 60 to 99; 55 and
95 are ignored. So 98 are ranked and 41 positive, and above 0.5 lie 48: 39 hits and 9 false alarms. Nobody shows "dog",
with score 0.1 everywhere. The third class has a hostile name; every image shows it, with score 0.9. Image k has the
loss k / 100, image 0 has none.

`classify_run`: see `CLASSIFY`. `segment_run`: see `SEGMENT`. `caption_run`: caption_run.py. `spot_run`: spot_run.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import uvicorn
from fastapi.testclient import TestClient
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from saccade.browse import create_app
from saccade.browse.serve import listen
from saccade.data.masks import palette_png
from saccade.draw.overlay import palette
from saccade.runs import Run

from .caption_run import CAPTIONS, write_captions
from .spot_run import write_signs, write_spots

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "<script>document.title='owned'</script>&\"'"
CLASSIFY = [  # label, scores of a, b, c
    ("a", (0.7, 0.2, 0.1)),
    ("a", (0.6, 0.3, 0.1)),
    ("a", (0.2, 0.7, 0.1)),
    ("b", (0.3, 0.4, 0.3)),
    ("b", (0.55, 0.4, 0.05)),
    ("c", (0.1, 0.1, 0.8)),
]

COLOURS = [[0, 0, 0], [200, 30, 40], [10, 150, 60]]
SEGMENT = [  # 8 x 4 pixels: columns of the target and of the prediction (. background, c cat, d dog, v void); see below
    ("cccc....", "cccc...."),  # all right
    ("cc......", "........"),  # background 24 of 32, cat missed
    ("v.......", "dd......"),  # background 24 of 28, dog invented: 4 pixels, as void does not count
    ("cccc....", "c..."),  # predicted at half the size, as 4 x 2 pixels: cat 8 of 16, background 16 of 24
    ("vvvvvvvv", "........"),  # nothing is scored
]
SEGMENT_IOU = [(1, 1, None), (0.75, 0, None), (24 / 28, None, 0), (16 / 24, 0.5, None), (None, None, None)]
SEGMENT_ACCURACY = [1, 0.75, 24 / 28, 0.75, None]


def write_images(folder: Path, names: list[str], size: tuple[int, int] = (16, 12)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        Image.new("RGB", size, (40 + k, 90, 200 - k)).save(folder / name, "JPEG")


def new_run(folder: Path) -> Run:
    run = Run.create(folder, "made-up")
    run.config_file.write_text("name: made-up\n")
    return run


def write_multilabel(run: Run, name: str, root: Path, images: list[str], **changes: Any) -> None:
    n = len(images)
    k = np.arange(n)
    scores = np.stack([(k + 0.5) / 100, np.full(n, 0.1), np.full(n, 0.9)], axis=1).astype(np.float32)
    cat = np.where((k >= 60) | (k == 10) | (k == 20), 1, 0)
    cat[(k == 55) | (k == 95)] = -1
    targets = np.stack([cat, np.zeros(n), np.ones(n)], axis=1).astype(np.int8)
    losses = [None, *(k[1:] / 100)][:n]
    classes = ["cat", "dog", HOSTILE]
    per_class = {
        "cat": {"ap": 0.75, "n_positive": 41, "n_ignored": 2},
        "dog": {"ap": None, "n_positive": 0, "n_ignored": 0},
        HOSTILE: {"ap": 0.875, "n_positive": 100, "n_ignored": 0},
    }
    metrics = {
        "split": name,
        "n": n,
        "classes": classes,
        "metrics": {"loss": 0.5, "map": 0.8125},
        "per_class": per_class,
    }
    table = pl.DataFrame(
        {
            "image": images,
            "targets": pl.Series(targets).cast(pl.List(pl.Int8)),
            "scores": pl.Series(scores).cast(pl.List(pl.Float32)),
            "loss": pl.Series(losses, dtype=pl.Float32),
        }
    )
    about = {"task": "multilabel", "data_root": str(root), "threshold": 0.5} | changes
    run.evaluation(name).write(metrics, table, about)


def write_classify(run: Run, root: Path, images: list[str]) -> None:
    labels, scores = [label for label, _ in CLASSIFY], np.array([s for _, s in CLASSIFY], np.float32)
    table = pl.DataFrame(
        {
            "image": images,
            "target": labels,
            "prediction": ["abc"[k] for k in scores.argmax(axis=1)],
            "scores": pl.Series(scores).cast(pl.List(pl.Float32)),
            "loss": pl.Series([0.4, 0.5, 1.6, 0.9, 0.95, 0.2], dtype=pl.Float32),
        }
    )
    per_class = {name: {"n_positive": labels.count(name), "ap": 0.5} for name in "abc"}
    metrics = {
        "split": "val",
        "n": 6,
        "classes": list("abc"),
        "metrics": {"accuracy": 0.5},
        "per_class": per_class,
    }
    run.evaluation("val").write(metrics, table, {"task": "classify", "data_root": str(root)})


def mask_of(columns: str, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.array([[{".": 0, "c": 1, "d": 2, "v": 255}[c] for c in columns]] * height, np.uint8)


def write_segment(run: Run, root: Path, **changes: Any) -> None:
    """``SEGMENT`` with images and true masks below ``root``; losses fall with the mean IoU."""
    table = pl.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(5)],
            "target": [f"masks/{k}.png" for k in range(5)],
            "mask": [f"masks/{k}.png" for k in range(5)],
            "pixel_accuracy": pl.Series(SEGMENT_ACCURACY, dtype=pl.Float32),
            "iou": pl.Series([list(row) for row in SEGMENT_IOU], dtype=pl.List(pl.Float32)),
            "loss": pl.Series([0.1, 0.6, 0.5, 0.3, None], dtype=pl.Float32),
        }
    )
    confusion = [[80, 0, 4], [16, 24, 0], [0, 0, 0]]  # of cat: 16 right in the first, 8 missed in two, 8 right in one
    ious = {"background": 80 / 100, "cat": 24 / 40, "dog": 0.0}
    metrics = {
        "split": "val",
        "n": 5,
        "classes": list(ious),
        "metrics": {"loss": 0.4, "pixel_accuracy": 104 / 124, "miou": 1.4 / 3},
        "per_class": {
            name: {"iou": iou, "n_pixels": sum(row)} for (name, iou), row in zip(ious.items(), confusion, strict=True)
        },
        "confusion": confusion,
    }
    coding = {"ids": [0, 1, 2], "void_id": 255, "colours": None, "void_colour": None, "void_is_background": False}
    about = {"task": "segment", "data_root": str(root), "void": "ignore", "colours": COLOURS, "coding": coding}
    write_images(root, table["image"].to_list(), (8, 4))
    (root / "masks").mkdir()
    masks = {}
    for k, (target, prediction) in enumerate(SEGMENT):
        (root / f"masks/{k}.png").write_bytes(palette_png(mask_of(target, 4), palette(256)))
        masks[f"masks/{k}.png"] = palette_png(mask_of(prediction, len(prediction) // 2), palette(256))
    run.evaluation("val").write(metrics, table, about | changes, masks)


@pytest.fixture(scope="package")
def segment_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("segment")
    run = new_run(folder)
    write_segment(run, folder / "data")
    return run


@pytest.fixture(scope="package")
def segment_url(segment_run: Run) -> Iterator[str]:
    yield from served(segment_run)


@pytest.fixture(scope="package")
def caption_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("caption")
    run = new_run(folder)
    write_images(folder / "data", [f"{k}.jpg" for k in range(len(CAPTIONS))])
    write_captions(run, folder / "data")
    return run


@pytest.fixture(scope="package")
def caption_url(caption_run: Run) -> Iterator[str]:
    yield from served(caption_run)


@pytest.fixture(scope="package")
def spot_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("spot")
    return write_spots(new_run(folder), write_signs(folder / "data"))


@pytest.fixture(scope="package")
def spot_url(spot_run: Run) -> Iterator[str]:
    yield from served(spot_run)


@pytest.fixture(scope="package")
def multilabel_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("multilabel")
    images = [f"{k:03d}.jpg" for k in range(100)]
    write_images(folder / "data", images)
    run = new_run(folder)
    write_multilabel(run, "val", folder / "data", images, checkpoint="best.ckpt", epoch=7, optimistic=True)
    write_multilabel(run, "test", folder / "data", images[:30])
    return run


@pytest.fixture(scope="package")
def classify_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("classify")
    images = [f"{k}.jpg" for k in range(len(CLASSIFY))]
    write_images(folder / "data", images)
    run = new_run(folder)
    write_classify(run, folder / "data", images)
    return run


def client_of(run: Run, **options: Any) -> TestClient:
    return TestClient(create_app(run, **options), base_url="http://127.0.0.1")


@pytest.fixture(scope="package")
def multilabel(multilabel_run: Run) -> TestClient:
    return client_of(multilabel_run)


@pytest.fixture(scope="package")
def classify(classify_run: Run) -> TestClient:
    return client_of(classify_run)


def served(run: Run) -> Iterator[str]:
    """The address of a server of ``run`` in a thread."""
    listener = listen(0)
    server = uvicorn.Server(uvicorn.Config(create_app(run), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="package")
def multilabel_url(multilabel_run: Run) -> Iterator[str]:
    yield from served(multilabel_run)


@pytest.fixture(scope="package")
def classify_url(classify_run: Run) -> Iterator[str]:
    yield from served(classify_run)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: on Debian, `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """``show(address, **context)`` opens a page and waits until it is drawn.

    At the end of the test there must have been no message on the console but ``allowed`` ones, no error, and
    no request to another host.
    """
    complaints: list[str] = []
    contexts = []

    def open_page(address: str, allowed: str | None = None, **options: Any) -> Page:
        context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: (allowed and allowed in said.text) or complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        host = address.split("/")[2]
        page.on("request", lambda r: r.url.split("/")[2] != host and complaints.append(f"asked for {r.url}"))
        page.goto(address)
        settled(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def settled(page: Page) -> None:
    """Wait until the page shows what its address says."""
    page.wait_for_selector("body[data-ready=true]")
