"""README and docs hold: their commands run, their Python runs, their links lead somewhere, the key reference is fresh.

Every page is worked through from top to bottom in a folder of its own, with tiny data under the names that the pages
use. ``.venv/bin/python tests/test_docs.py`` renews the reference of keys in docs/config.md.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from saccade.config import preset_names
from saccade.config.load import load
from saccade.config.reference import reference_markdown
from saccade.data.scene_files import write_masks
from tars import imagenet_tars
from trees import caption_tree, class_tree, mask_tree, picture, voc_tree, word_tree

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SLOW = ("caption", "cross-validation", "data", "imbalance", "segment", "spot")
"""Pages that take longest: in `make test-slow` alone."""
RENEW = ".venv/bin/python tests/test_docs.py"

SMALL = [
    "model.name=small_cnn",
    "model.zero_init_last=false",
    "model.pretrained=false",
    "data.image_size=32",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.max_epochs=1",
    "trainer.max_time=null",
]
"""What every training gets, over what the page says: seconds instead of hours, and no download."""
SMALL_MASKS = ["model.name=unet", "model.depth=2", "model.width=8", "data.augment.size=null", "data.image_size=32"]
"""Instead of a network for whole images."""
SMALL_CAPTIONS = ["data.train=train", "data.val=val", "data.features.path=null", "model.encoder=small_cnn"]
"""For COCO's captions: the tiny tree's splits, from images, as features would take weights that are downloaded."""
SMALL_WORDS = [
    "model.encoder=small_spot",
    "data.image_size=96",
    "data.longer_side=null",
    "data.augment.longer_side=null",
    "trainer.check_val_every_n_epoch=1",
]
"""For text: its network keeps its name."""
SMALL_SCENES = ["data.scenes.train=24", "data.scenes.val=8", "data.scenes.size=32"]

SMALL_FEATURES = [
    "data.features.network=test_resnet",
    "data.features.pretrained=false",
    "data.features.weights=weights/backbone.pth",
    "data.image_size=32",
    "data.train=train",
    "data.val=val",
    "loader.workers=0",
    "trainer.accelerator=cpu",
]
"""Instead of features by weights that would be downloaded."""

NOT_RUN = {"browse": "serves until Ctrl+C", "data fetch": "downloads"}
"""Commands whose words are parsed and no more, with the reason."""

NAMES = {"blue": "beagle", "green": "dingo", "red": "husky"}
VOC_NAMES = {"blue": "cat", "green": "dog", "red": "person"}

_TAIL = (np.linspace(0.05, 0.95, 10), np.array([0, 0, 1, 0, 1, 0, 1, 1, 1, 1]))
_PAIR = np.stack([1 - _TAIL[0], _TAIL[0]], axis=1)
GIVEN: dict[str, dict[str, Any]] = {
    "tail_curve(": {"scores": _TAIL[0], "targets": _TAIL[1]},
    "multilabel_scores(": {"scores": _PAIR, "targets": np.stack([1 - _TAIL[1], _TAIL[1]], axis=1), "target": _TAIL[1]},
}
"""Names that a Python block takes for granted, by a call in it."""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block shows, where its first line is a comment that names one."""
        named = re.match(r"# ([\w./-]+\.\w+)\n", self.text)
        return named[1] if named and self.language in ("python", "yaml") else None

    @property
    def body(self) -> str:
        """The block without the line that names its file."""
        return self.text.partition("\n")[2] if self.file else self.text

    def commands(self) -> Iterator[str]:
        """The lines of a shell block; of a block without a language those that call saccade."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if self.language == "sh" or (not self.language and line.startswith("saccade ")):
                yield line


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in found]


def command_lines() -> list[str]:
    return [line for page in PAGES for block in blocks(page) for line in block.commands()]


def ids(page: Path) -> str:
    return page.stem


# --- the folder in which a page is worked through


def prepare(folder: Path) -> None:
    """The data sets and files that the pages name."""
    photos = class_tree(folder / "photos", test=2)
    shutil.copytree(photos / "val", folder / "other-photos" / "test")
    shutil.copytree(photos / "val", folder / "strangers")
    for colour, name in NAMES.items():
        for old in [*folder.glob(f"*/*/{colour}"), *folder.glob(f"*/{colour}")]:
            old.rename(old.with_name(name))
    class_tree(folder / "cats_dogs", train=6)
    for colour, name in {"blue": "cat", "red": "dog", "green": None}.items():
        for old in (folder / "cats_dogs").glob(f"*/{colour}"):
            old.rename(old.with_name(name)) if name else shutil.rmtree(old)
    paths = [p.relative_to(photos) for p in sorted(photos.rglob("*.png"))]
    table = {"image": list(map(str, paths)), "label": [p.parts[1] for p in paths], "split": [p.parts[0] for p in paths]}
    pl.DataFrame({**table, "labels": [p.parts[1] + "|any" for p in paths]}).write_csv(photos / "labels.csv")
    voc = voc_tree(folder / "VOCdevkit" / "VOC2012")
    for xml in (voc / "Annotations").iterdir():
        xml.write_text(re.sub(r"<name>(\w+)", lambda found: f"<name>{VOC_NAMES[found[1]]}", xml.read_text()))
    imagenet_tars(folder / "downloads")
    captions = [
        {"id": i, "image_id": i % 2, "caption": text} for i, text in enumerate(("a cat", "a dog", "cats", "it"))
    ]
    (folder / "captions_val.json").write_text(json.dumps({"annotations": captions}))
    results = [{"image_id": i, "caption": text} for i, text in enumerate(("one cat", "a dog"))]
    (folder / "results.json").write_text(json.dumps(results))
    for name in ("holiday/001.jpg", "holiday/002.jpg", "more/003.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        picture(["red"], seed=7).save(folder / name)


def prepare_masks(page: Path, folder: Path) -> None:
    """The data sets with masks that the page names."""
    text = page.read_text(encoding="utf-8")
    if "VOC2007" in text:
        mask_tree(folder / "VOCdevkit" / "VOC2007")
    if "camvid_voc" in text:
        write_masks(folder / "camvid_voc", train=24, val=8, size=32, seed=0)
    if "root=scans" in text:
        scans(folder / "scans")


def scans(root: Path) -> None:
    """Images with masks in colour: white paper with a red stamp."""
    for split, n in (("train", 6), ("val", 3)):
        for i in range(n):
            mask = np.full((40, 36, 3), 255, dtype=np.uint8)
            mask[5 + i : 15 + i, 8:20] = (200, 0, 0)
            mask[0] = 0
            for kind in ("images", "masks"):
                path = root / kind / split / f"a{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(path)


def prepare_features(folder: Path) -> None:
    """A data set with captions, features of others for it, and weights."""
    import timm
    import torch

    caption_tree(folder / "coco", train=6)
    (folder / "coco" / "bottomup").mkdir()
    for split, n in (("train", 6), ("val", 2)):
        lines = [tsv_line(i, np.full((30 + i, 2048), float(i))) for i in range(n)]
        (folder / "coco" / "bottomup" / f"{split}.tsv").write_bytes(b"".join(lines))
    (folder / "weights").mkdir()
    torch.save(timm.create_model("test_resnet").state_dict(), folder / "weights" / "backbone.pth")


def tsv_line(image_id: int, features: np.ndarray[Any, Any]) -> bytes:
    """A line of bottom-up attention's files, its boxes the whole image of 40 x 30 pixels."""
    boxes = np.array([[0, 0, 40, 30]] * len(features))
    coded = [base64.b64encode(part.astype("<f4").tobytes()) for part in (boxes, features)]
    return b"\t".join([*(b"%d" % n for n in (image_id, 40, 30, len(features))), *coded]) + b"\n"


def prepare_weights(path: Path) -> None:
    from safetensors.torch import save_file

    from saccade.nn.small import SmallCNN

    path.parent.mkdir()
    save_file(SmallCNN(3).state_dict(), path)


def runs_needed(page: Path) -> list[str]:
    """Presets of which a page takes a run for granted that no line of it makes."""
    text = "\n".join(block.text for block in blocks(page))
    named = sorted(set(re.findall(r"runs/([\w-]+)/001", text)) & set(preset_names()))
    return [name for name in named if f"saccade train {name}" not in text and f'train("{name}"' not in text]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_figures: None) -> Path:
    """The current folder, prepared; nothing in it serves for ever or opens a browser; ``saccade.train`` is small."""
    import uvicorn

    import saccade

    really = saccade.train

    def small_train(*words: Any, **options: Any) -> Any:
        return really(*words, *([] if "resume" in options else [*SMALL, "data.holdout=0.25"]), **options)

    monkeypatch.setattr(saccade, "train", small_train)
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    return tmp_path


# --- running it


def run_line(line: str, saccade: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one line of a shell block, or say why it cannot be."""
    words = shlex.split(line, comments=True)
    with monkeypatch.context() as patch:
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            patch.setenv(*words.pop(0).split("=", 1))
        if not words:
            return
        if words[0] == "make":
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert set(words[1:]) <= set(targets), line
            return
        assert words[0] in ("saccade", ".venv/bin/saccade"), f"{line}: only saccade and make stand in shell blocks"
        into = Path(words[-1]) if ">" in words else None
        run_saccade(words[1 : words.index(">") if into else None], line, into, saccade)


def run_saccade(words: list[str], line: str, into: Path | None, saccade: Callable[..., Any]) -> None:
    if words[0] in NOT_RUN or " ".join(words[:2]) in NOT_RUN:
        parse(words)
        return
    if words[:2] == ["data", "features"] and "--verify" not in words:
        words = [*words, *([] if "features.source=" in line else SMALL_FEATURES)]
    if words[0] in ("train", "find-lr") and "--resume" not in words:
        task, scenes = load(words[1]).task.name, SMALL_SCENES if "scenes-" in line else []
        named = task in ("caption", "spot")
        small = [setting for setting in SMALL if not named or not setting.startswith("model.name=")]
        if task == "spot":
            small = [*small, *SMALL_WORDS, *(["data.scenes.size=112"] if scenes else [])]
            scenes = SMALL_SCENES[:2] if scenes else []
        captions = SMALL_CAPTIONS if "coco-caption-" in line else []
        words = [*words, *small, *scenes, *captions, *(SMALL_MASKS if task == "segment" else [])]
        words += [] if "data.holdout=" in line else ["data.holdout=0.25"]
        if "trainer.max_epochs=0" in line:
            words.remove("trainer.max_epochs=1")
    done = saccade(*words)
    assert done.code == 0, f"{line}\n{done.out}{done.err}"
    if into is not None:
        into.write_text(done.out)


def parse(words: list[str]) -> None:
    """Take the words of a command line apart without running it."""
    import typer

    from saccade.cli import app

    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    command.make_context(name, list(words))


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow) if page.stem in SLOW else page for page in PAGES], ids=ids
)
def test_page(page: Path, workplace: Path, saccade: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if any("weights/model.safetensors" in block.text for block in blocks(page)):
        prepare_weights(workplace / "weights" / "model.safetensors")
    prepare_masks(page, workplace)
    if any("sroie" in block.text for block in blocks(page)):
        word_tree(workplace / "sroie", train=12)
    if any("saccade data features" in block.text for block in blocks(page)):
        prepare_features(workplace)
    for name in runs_needed(page):
        data = {"voc": "VOCdevkit/VOC2012", "voc2007": "VOCdevkit/VOC2007", "camvid": "camvid_voc"}
        data = data.get(name.partition("-")[0], "photos")
        run_line(f"saccade train {name} data.root={data}", saccade, monkeypatch)
    names: dict[str, Any] = {}
    for block in blocks(page):
        for line in block.commands():
            run_line(line, saccade, monkeypatch)
        if block.file and not block.file.startswith("src/"):
            (workplace / block.file).write_text(block.body)
        elif block.language == "python" and not block.file:
            for call, given in GIVEN.items():
                names |= given if call in block.text else {}
            exec(compile(block.text, f"{page.name}, line {block.line}", "exec"), names)


# --- the task of docs/add-a-task.md


def apply_diff(block: Block, folder: Path) -> None:
    """Apply a diff without line numbers: what it takes away, with its context, stands in the file exactly once."""
    head, *lines = block.text.splitlines()
    file = folder / head.removeprefix("--- ")
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"docs/add-a-task.md, line {block.line}: does not fit {file.name}"
    file.write_text(text.replace(old, new), encoding="utf-8")


BINARY = f"""
import sys, saccade, saccade.api
from matplotlib.figure import Figure
from saccade.browse import create_app
import saccade.report.write  # like browse the name of a command too

sys.path.append({str(Path(__file__).parent)!r})
from blank import savefig

Figure.savefig = savefig
assert all(callable(found) for found in (saccade.train, saccade.browse, saccade.report))
run = saccade.train("folder-binary", "data.root=two", *sys.argv[1:])
create_app(run)
print(run.predict(["holiday"]).table.columns)
try:
    saccade.train("folder-binary", "data.root=photos", *sys.argv[1:])
except saccade.SaccadeError as error:
    print(error)
"""


@pytest.mark.slow
def test_added_task_runs(tmp_path: Path) -> None:
    from sklearn.metrics import roc_auc_score

    from saccade.runs import Run

    shutil.copytree(ROOT / "src/saccade", tmp_path / "src/saccade")  # with the bytecode of what stays as it is
    for block in blocks(DOCS / "add-a-task.md"):
        if block.language == "diff":
            apply_diff(block, tmp_path)
        elif block.file and block.file.startswith("src/"):
            (tmp_path / block.file).write_text(block.body, encoding="utf-8")
    prepare(tmp_path)
    shutil.copytree(tmp_path / "photos", tmp_path / "two", ignore=shutil.ignore_patterns("husky"))
    done = subprocess.run(
        [sys.executable, "-c", BINARY, *SMALL, "data.holdout=0.25"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "['image', 'prediction', 'scores']"
    assert "task binary takes two classes, and there are 3: beagle, dingo, husky" in done.stdout
    run = Run.open(tmp_path / "runs/folder-binary/001")
    scored = run.evaluation("val")
    rows = scored.predictions()
    expected = roc_auc_score(rows["target"] == "dingo", [scores[1] for scores in rows["scores"]])
    assert scored.metrics()["metrics"]["auroc"] == pytest.approx(expected, abs=1e-6)
    assert scored.about()["task"] == "binary"
    assert run.report_file.is_file()


# --- what the pages say of each other and of the program


def prose(page: Path) -> str:
    """A page without code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda code: code[0].replace("](", "] ("), text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for link in links:
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_index_names_every_page() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)", (DOCS / "index.md").read_text(encoding="utf-8")))
    assert named == {page.name for page in DOCS.glob("*.md")} - {"index.md"}


def test_every_preset_is_named() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    assert [name for name in preset_names() if f"`{name}`" not in text] == []


def test_every_command_is_shown() -> None:
    import typer

    from saccade.cli import app

    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = [f"{name} {each}" for each in getattr(command, "commands", ())]
        for full in inner or [name]:
            assert any(re.match(rf"saccade {full}\b", line) for line in command_lines()), full
    assert all((DOCS / f"{name}.md").is_file() for name in ("train", "evaluate", "predict", "browse", "report"))


# --- the reference of keys


def renewed(text: str) -> str:
    """The page with its reference made anew: the tables of the schema, one level deeper than their page has them."""
    begin, end = "<!-- Made from", "<!-- end of what is made -->"
    above, _, rest = text.partition(begin)
    first_line = rest.partition("\n")[0]
    tables = reference_markdown().partition("\n## ")[2]
    made = re.sub(r"^## ", "### ", f"## {tables}", flags=re.MULTILINE).strip()
    return f"{above}{begin}{first_line}\n\n{made}\n\n{end}{rest.partition(end)[2]}"


def test_reference_of_keys_is_fresh() -> None:
    text = (DOCS / "config.md").read_text(encoding="utf-8")
    assert text == renewed(text), f"docs/config.md lags behind config/schema.py; renew it with: {RENEW}"
    assert text.count("\n| `") > 60


if __name__ == "__main__":
    page = DOCS / "config.md"
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
