"""Presets, files, and the chain of ``extends``."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.config.nodes import Problem, find, plain
from saccade.config.sources import find_source, preset_names, preset_summary, preset_text, read_source
from saccade.errors import ConfigError

PRESETS = [
    "camvid-own",
    "camvid-unet",
    "cats-dogs",
    "cats-dogs-weighted",
    "cifar10-resnet20",
    "coco-caption-attention",
    "coco-caption-gru",
    "coco-caption-lstm",
    "coco-caption-rnn",
    "coco-caption-transformer",
    "coco-caption-updown",
    "dogs-cnn",
    "dogs-transfer",
    "folder-classify",
    "icdar-east",
    "icdar-fots",
    "icdar-fots-rt",
    "imagenet-modern",
    "imagenet-resnet101",
    "imagenet-resnet152",
    "imagenet-resnet18",
    "imagenet-resnet34",
    "imagenet-resnet50",
    "imagewoof-resnet18",
    "scenes-caption",
    "scenes-classify",
    "scenes-multilabel",
    "scenes-segment",
    "scenes-spot",
    "small-classify",
    "small-multilabel",
    "sroie-fots",
    "table-classify",
    "table-multilabel",
    "voc-multilabel",
    "voc-multilabel-ws",
    "voc2007-fcn",
    "voc2007-fcn-augment",
    "voc2007-fcn-cosine",
    "voc2007-fcn-weighted",
    "voc2007-own",
    "voc2007-resnet34",
    "voc2007-unet",
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(name: str) -> object:
    problems: list[Problem] = []
    tree = plain(read_source(find_source(name, Path.cwd()), problems))
    assert problems == []
    return tree


def message_of(name: str | Path) -> str:
    with pytest.raises(ConfigError) as error:
        read_source(find_source(name, Path.cwd()), [])
    return str(error.value)


def test_presets_are_these():
    assert preset_names() == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_preset_text_has_its_comments_and_a_summary(name: str):
    text = preset_text(name)
    assert text.startswith(f"# {preset_summary(name)}\n")
    assert f"#   saccade train {name}" in text
    assert 20 < len(preset_summary(name)) < 120
    assert f"\nname: {name}\n" in text


def test_an_unknown_preset_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"^there is no preset 'voc-multilable'; did you mean voc-multilabel or "):
        preset_text("voc-multilable")
    with pytest.raises(ConfigError, match=rf"^there is no preset 'zzz'; the presets are {PRESETS[0]}, {PRESETS[1]}, "):
        preset_summary("zzz")


def test_a_name_is_a_preset_and_a_path_is_a_file():
    Path("voc-multilabel").write_text("name: mine\n")
    Path("mine").write_text("name: mine\n")
    assert find_source("voc-multilabel", Path.cwd()).place.source == "preset voc-multilabel"
    assert find_source("./voc-multilabel", Path.cwd()).place.source == "voc-multilabel"
    assert find_source(Path("voc-multilabel"), Path.cwd()).place.source == "voc-multilabel"
    assert find_source("mine", Path.cwd()).place.source == "mine"


def test_extends_is_relative_to_the_file_that_says_it():
    Path("base").mkdir()
    Path("mine").mkdir()
    Path("base/root.yaml").write_text("seed: 1\ndata: {a: 1, b: 1}\n")
    Path("base/middle.toml").write_text('extends = "root.yaml"\n[data]\nb = 2\n')
    Path("mine/top.json").write_text('{"extends": "../base/middle.toml", "data": {"c": 3}}')
    assert read("mine/top.json") == {"seed": 1, "data": {"a": 1, "b": 2, "c": 3}}
    tree = read_source(find_source("mine/top.json", Path.cwd()), [])
    places = [str(find(tree, ("data", key)).place) for key in "abc"]  # type: ignore[union-attr]
    assert places == ["base/root.yaml, line 2", "base/middle.toml, line 3", "mine/top.json, line 1"]


def test_a_preset_can_be_extended_and_a_section_without_keys_changes_nothing():
    Path("my.yaml").write_text("extends: scenes-classify\ndata:\nlog:\noptim:\n  # lr: 1\n")
    assert read("my.yaml") == read("scenes-classify")


def test_a_byte_order_mark_and_windows_lines_are_read():
    Path("my.yaml").write_bytes(b"\xef\xbb\xbfname: x\r\nseed: 3\r\n")
    assert read("my.yaml") == {"name": "x", "seed": 3}


def test_a_circle_is_told_with_its_way():
    Path("a.yaml").write_text("seed: 1\nextends: b.yaml\n")
    Path("b.yaml").write_text("extends: c.json\n")
    Path("c.json").write_text('{"extends": "a.yaml"}')
    assert message_of("a.yaml") == "extends (c.json, line 1): goes in a circle: a.yaml -> b.yaml -> c.json -> a.yaml"
    Path("self.yaml").write_text("extends: ./self.yaml\n")
    assert message_of("self.yaml") == "extends (self.yaml, line 1): goes in a circle: self.yaml -> self.yaml"


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("scenes-multilable", "there is no preset 'scenes-multilable', nor a file of that name; "
         "did you mean scenes-multilabel or voc-multilabel?"),
        ("other.yaml", "there is no file other.yaml"),
        ("", "found nothing; it takes the name of one preset, or a path"),
        ("12", "found 12; it takes the name of one preset, or a path"),
        ("[a, b]", "found a list or section; it takes the name of one preset, or a path"),
    ],
)  # fmt: skip
def test_extends_of_nothing_there_is(extends: str, message: str):
    Path("my.yaml").write_text(f"seed: 1\nextends: {extends}\n")
    assert message_of("my.yaml") == f"extends (my.yaml, line 2): {message}"


def test_files_that_are_no_config():
    Path("list.yaml").write_text("- a\n")
    Path("word.yaml").write_text("hello\n")
    Path("image.yaml").write_bytes(b"name: x\n\xff\xd8\xff")
    lines = "a config is made of lines such as `seed: 1`"
    assert message_of("list.yaml") == f"list.yaml: the file holds a list; {lines}"
    assert message_of("word.yaml") == f"word.yaml: the file holds a single value; {lines}"
    assert message_of("image.yaml") == "image.yaml, line 2: not a text in UTF-8; save the file in that encoding"


def test_files_that_are_not_there():
    Path("configs").mkdir()
    Path("configs/flowers.yaml").write_text("")
    Path("runs/mine/001").mkdir(parents=True)
    Path("runs/mine/001/config.yaml").write_text("")
    assert message_of("configs/flower.yaml") == (
        "there is no file configs/flower.yaml; did you mean configs/flowers.yaml?"
    )
    assert message_of("configs/x.yaml") == "there is no file configs/x.yaml"
    assert message_of("cfg/x.yaml") == "there is no file cfg/x.yaml; the folder cfg does not exist"
    assert message_of("configs/") == "configs/ is a folder; a config is a YAML, JSON or TOML file"
    assert message_of("runs/mine/001") == "runs/mine/001 is a folder; did you mean runs/mine/001/config.yaml?"
    assert message_of("coco") == (
        "there is no preset 'coco', nor a file of that name; the presets are " + ", ".join(PRESETS)
    )


def test_mistakes_of_all_files_of_a_chain_are_gathered():
    Path("a.yaml").write_text("extends: b.yaml\nseed: 1\nseed: 2\n")
    Path("b.yaml").write_text("name: x\nname: y\n")
    problems: list[Problem] = []
    read_source(find_source("a.yaml", Path.cwd()), problems)
    assert [str(p.place) for p in problems] == ["a.yaml, line 3", "b.yaml, line 2"]
