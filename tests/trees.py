"""Tiny data sets on disk for tests that train on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SMALL = (
    "model.name=small_cnn",
    "model.pretrained=false",
    "data.image_size=32",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
)
"""Settings with which any preset of whole images trains in seconds."""
COLOURS = {"blue": (40, 60, 220), "green": (40, 200, 60), "red": (220, 50, 40)}


def picture(colours: list[str], seed: int, size: int = 32) -> Image.Image:
    """Noise with a patch of each colour."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(90, 140, (size, size, 3), dtype=np.uint8)
    for name in colours:
        y, x = rng.integers(0, size - 12, 2)
        pixels[y : y + 12, x : x + 12] = COLOURS[name]
    return Image.fromarray(pixels)


def class_tree(root: Path, *, train: int = 4, val: int = 2, test: int = 0) -> Path:
    """``train``, ``val`` and ``test`` images of each of three colours in one folder a class; no two are the same."""
    for s, (split, n) in enumerate((("train", train), ("val", val), ("test", test))):
        for c, colour in enumerate(COLOURS):
            for i in range(n):
                path = root / split / colour / f"{colour}{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture([colour], seed=1000 * s + 100 * c + i).save(path)
    return root


def voc_tree(root: Path, *, train: int = 12, val: int = 6) -> Path:
    """Images with one or two of three colours, in the VOC layout; the third of every six is difficult in red."""
    (root / "JPEGImages").mkdir(parents=True)
    (root / "Annotations").mkdir()
    (root / "ImageSets" / "Main").mkdir(parents=True)
    names = list(COLOURS)
    for split, n in (("train", train), ("val", val)):
        ids = [f"{split}_{i:03d}" for i in range(n)]
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{i}\n" for i in ids))
        for i, image in enumerate(ids):
            shown = sorted({names[i % 3], names[(i // 3) % 3]})
            picture(shown, seed=i + (0 if split == "train" else 5000)).save(root / "JPEGImages" / f"{image}.jpg")
            objects = "".join(
                f"<object><name>{name}</name><difficult>{int(name == 'red' and i % 6 == 2)}</difficult></object>"
                for name in shown
            )
            xml = f"<annotation><filename>{image}.jpg</filename>{objects}</annotation>"
            (root / "Annotations" / f"{image}.xml").write_text(xml)
    return root
