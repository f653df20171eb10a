"""How quick `saccade browse` is with 50,000 images and 1,000 classes: `python bench/browse.py`.

Makes a run with made-up scores in a temporary folder, serves it from a process of its own, and measures over
HTTP (the page and what it asks for, without thumbnails), in Chromium where there is one (from the click until
the page is drawn), and the largest memory of the server. Exit code 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from saccade.runs import Run

SERVER = """
import sys
from saccade.browse import create_app, serve
from saccade.runs import Run
app = create_app(Run.open(sys.argv[1]))
serve(app, port=0, open_browser=False, announce=lambda url: print(url, flush=True))
"""
LIMIT_MS, LIMIT_MB = 150.0, 1000.0
CHROMIUM = Path("/usr/bin/chromium")
FILES = 480  # real images on disk; the rows take turns


def make_run(folder: Path, n: int, n_classes: int) -> Run:
    """A multilabel run with made-up scores: 2 % of the labels are positive, 1 % ignored."""
    random = np.random.default_rng(0)
    (folder / "data").mkdir(parents=True)
    for k in range(FILES):
        pixels = random.integers(0, 256, (12, 16, 3), np.uint8)
        picture = Image.fromarray(pixels).resize((500, 375), Image.Resampling.BICUBIC)
        picture.save(folder / f"data/{k:03d}.jpg", quality=90)
    classes = [f"class {k:04d}" for k in range(n_classes)]
    blocks = []
    for start in range(0, n, 5000):
        size = min(5000, n - start)
        draw = random.random((size, n_classes), np.float32)
        targets = np.where(draw < 0.02, 1, np.where(draw < 0.03, -1, 0)).astype(np.int8)
        logits = random.normal(-3, 1.5, (size, n_classes)).astype(np.float32) + 3 * (targets == 1)
        blocks.append(
            pl.DataFrame(
                {
                    "image": [f"{k % FILES:03d}.jpg" for k in range(start, start + size)],
                    "targets": pl.Series(targets).cast(pl.List(pl.Int8)),
                    "scores": pl.Series((1 / (1 + np.exp(-logits))).astype(np.float32)).cast(pl.List(pl.Float32)),
                    "loss": random.random(size, np.float32),
                }
            )
        )
    columns = ["ap", "n_positive", "n_negative", "n_ignored", "accuracy", "precision", "recall", "f1"]
    per_class = {name: dict(zip(columns, random.random(8).round(6).tolist(), strict=True)) for name in classes}
    metrics = {"split": "val", "n": n, "classes": classes, "metrics": {"map": 0.5}, "per_class": per_class}
    about = {"task": "multilabel", "data_root": str(folder / "data"), "threshold": 0.5}
    run = Run.create(folder, "made-up")
    run.config_file.write_text("name: made-up\n")
    run.evaluation("val").write(metrics, pl.concat(blocks), about)
    return run


def median_ms(action: Callable[[int], object], times: int) -> float:
    """The median time of ``action(k)`` for k = 0, 1, ..."""
    taken = []
    for k in range(times):
        start = time.perf_counter()
        action(k)
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def over_http(port: int, n_classes: int) -> dict[str, float]:
    """Median milliseconds of the requests behind the first page, another class, another threshold."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def get(path: str) -> bytes:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status)
        return body

    def first_page(_: int) -> None:
        for path in ("/", "/static/browse.css", "/static/browse.js", "/api/val/summary", "/api/val/images"):
            get(path)

    def other_class(k: int) -> None:
        get(f"/api/val/images?class=class%20{k * 37 % n_classes:04d}")

    def thumbnails(k: int) -> None:
        tiles = json.loads(get(f"/api/val/images?page={k + 1}"))["tiles"]
        for tile in tiles[:18]:
            get(f"/image/val/{tile['row']}")

    return {
        "first page, requests": median_ms(first_page, 20),
        "change of class, request": median_ms(other_class, 100),
        "move of the threshold, request": median_ms(
            lambda k: get(f"/api/val/images?class=class%200007&t={k / 100}"), 100
        ),
        "(18 new thumbnails one by one)": median_ms(thumbnails, 8),
    }


DRAWN = """async (name) => {
  const start = name === null ? 0 : performance.now();
  const ready = () => document.body?.dataset.ready === "true";
  if (name !== null) {
    document.body.dataset.ready = "false";
    document.querySelector(`[data-class="${name}"]`).click();
  }
  while (!ready()) await new Promise((done) => setTimeout(done, 1));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def in_chromium(url: str, n_classes: int) -> dict[str, float]:
    """Median milliseconds until the page is drawn: from asking for it, and from a click on another class.

    The images themselves follow when they have been made small.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        first = []
        for _ in range(11):
            page.goto(url, wait_until="commit")
            first.append(page.evaluate(DRAWN, None))
            page.wait_for_load_state("networkidle")  # its thumbnails are not to burden the next
        other = [page.evaluate(DRAWN, f"class {k * 37 % n_classes:04d}") for k in range(1, 31)]
        browser.close()
    return {
        "first page, in Chromium": statistics.median(first[1:]),  # the first of all starts Chromium's parts
        "change of class, in Chromium": statistics.median(other),
    }


def main() -> int:
    """Measure and print; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--classes", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(Path(folder), arguments.images, arguments.classes)
        start = time.perf_counter()
        server = subprocess.Popen([sys.executable, "-c", SERVER, str(run.path)], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            print(f"{'ready to serve':34} {time.perf_counter() - start:8.2f} s")
            times = over_http(int(url.rstrip("/").rsplit(":", 1)[1]), arguments.classes)
            if CHROMIUM.exists():
                times |= in_chromium(url, arguments.classes)
            status = Path(f"/proc/{server.pid}/status").read_text()
            memory = int(status.split("VmHWM:")[1].split()[0]) / 1000
        finally:
            server.terminate()
            server.wait()
    missed = memory > LIMIT_MB
    for name, milliseconds in times.items():
        print(f"{name:34} {milliseconds:8.1f} ms   {milliseconds / LIMIT_MS:5.2f} of the limit")
        missed |= milliseconds > LIMIT_MS and not name.startswith("(")
    print(f"{'largest memory of the server':34} {memory:8.0f} MB   {memory / LIMIT_MB:5.2f} of the limit")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
