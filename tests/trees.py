"""Tiny data sets on disk for tests that train on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from saccade.data.scene_text_files import write_words
from saccade.data.scenes import SceneSplit

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


def mask_tree(root: Path, *, train: int = 12, val: int = 6) -> Path:
    """Images of unlike, odd sizes with masks of VOC's 21 classes and void, in the layout of VOC 2007 segmentation.

    A patch of 1 to 3 colours stands for as many classes; around each lies a border of void.
    """
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    palette = np.arange(256, dtype=np.uint8).repeat(3)  # ids are never read as the colours of the palette
    palette[:3] = 200
    for split, n in (("train", train), ("val", val)):
        names = [f"{split}_{i:03d}" for i in range(n)]
        (root / "ImageSets/Segmentation" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for i, name in enumerate(names):
            rng = np.random.default_rng(100 * len(split) + i)
            height, width = 37 + 3 * (i % 4), 45 + 5 * (i % 3)
            pixels = rng.integers(90, 140, (height, width, 3), dtype=np.uint8)
            mask = np.zeros((height, width), dtype=np.uint8)
            for c, colour in enumerate(list(COLOURS.values())[: 1 + i % 3]):
                y, x = rng.integers(0, height - 16), rng.integers(0, width - 16)
                mask[y : y + 16, x : x + 16] = 255
                mask[y + 1 : y + 15, x + 1 : x + 15] = (8, 15, 20)[c]
                pixels[y : y + 16, x : x + 16] = colour
            Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.jpg", quality=95)
            image = Image.fromarray(mask)
            image.putpalette(palette.tobytes())
            image.save(root / "SegmentationClass" / f"{name}.png")
    return root


def caption_tree(root: Path, *, train: int = 12, val: int = 2) -> Path:
    """Images of unlike, odd sizes with two captions each, in COCO's layout; ids count from 0 in each split."""
    (root / "captions").mkdir(parents=True)
    colours = list(COLOURS)
    for split, n in (("train", train), ("val", val)):
        images, annotations = [], []
        for i in range(n):
            colour, name = colours[i % 3], f"{split}_{i:03d}.jpg"
            shown = picture([colour], seed=i + 1000 * len(split), size=48).crop(
                (0, 0, 33 + 3 * (i % 4), 47 - 5 * (i % 3))
            )
            (root / split).mkdir(exist_ok=True)
            shown.save(root / split / name, quality=95)
            images.append({"id": i, "file_name": name})
            for j, caption in enumerate((f"a {colour} square.", f"there is a square that is {colour}")):
                annotations.append({"id": 2 * i + j, "image_id": i, "caption": caption})
        text = json.dumps({"images": images, "annotations": annotations})
        (root / "captions" / f"captions_{split}.json").write_text(text)
    return root


def word_tree(root: Path, *, train: int = 8, val: int = 3) -> Path:
    """Scenes of 112 pixels with words, in ICDAR's layout."""
    which: list[tuple[SceneSplit, int]] = [("train", i) for i in range(train)]
    write_words(root, [*which, *(("val", i) for i in range(val))], size=112, seed=0, characters="upper")
    return root
