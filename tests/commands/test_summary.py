"""``saccade summary``: the table of the docs, the words of the table, and what people get wrong."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

import saccade as package
from saccade.commands.layers import LayersTable
from saccade.commands.summary import summary
from saccade.config import preset_names
from saccade.config.load import load
from saccade.nn.anatomy import Anatomy, times
from saccade.nn.backbones import build

Saccade = Callable[..., Any]
PAGE = Path(__file__).parents[2] / "docs" / "summary.md"


def lines(found: Anatomy, width: int = 120, **options: Any) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(LayersTable(found, **options))
    return [line.rstrip() for line in console.export_text().splitlines()]


def row(found: Anatomy, start: str, **options: Any) -> list[str]:
    """The cells of the only line that begins so."""
    matching = [line.strip() for line in lines(found, **options) if line.strip().startswith(start)]
    assert len(matching) == 1, matching
    return re.split(r"\s{2,}", matching[0])


def test_the_table_of_the_docs_holds() -> None:
    found = summary("dogs-cnn", classes=5)
    counted = PAGE.read_text(encoding="utf-8").partition("## Counting")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", counted, re.M)]
    *layers, total = rows[2:]
    parts = [layer for layer in found.layers if layer.parameters]
    assert [cells[0] for cells in layers] == [layer.name for layer in parts]
    assert [cells[2] for cells in layers] == [times(layer.output or ()) for layer in parts]
    assert [cells[3] for cells in layers] == [layer.formula for layer in parts]
    assert [cells[4] for cells in layers] == [f"{layer.parameters:,}" for layer in parts]
    assert total[-1] == f"{found.parameters:,}" == "303,397"
    assert total[1:3] == [times(found.image), times(found.output or ())]
    for cells in layers:  # and the formulas say what they count to
        value = sum(eval(term.replace("·", "*")) for term in cells[3].split(" + "))
        assert cells[4] == f"{value:,}", cells
    fed = [cells[1] for cells in layers]
    assert fed[0] == "3×32×32"
    assert fed[1:4] == [cells[2] for cells in layers[:3]]
    assert fed[4:] == ["512", "64"]


def test_the_output_of_the_docs_is_that_of_the_command(saccade: Saccade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    said = saccade("summary", "dogs-cnn", "--classes", "5")
    assert said.code == 0, said.err
    assert [line.rstrip() for line in said.out.splitlines()] == shown.splitlines()


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_without_its_data(preset: str, saccade: Saccade) -> None:
    config = load(preset)
    counted = preset.startswith("scenes") and config.task.name != "caption"
    words = [] if counted else ["--classes", "20"]
    said = saccade("summary", preset, "data.root=nowhere", *words, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"] > 0
    assert found["layers"][0]["units"] == prod(found["output"])
    if config.task.name == "segment":  # every pixel is answered, and shapes have a ground besides
        assert found["output"] == [9 if preset.startswith("scenes") else 20, *config.data.height_width]
        return
    if config.task.name == "caption":  # what follows one word
        assert found["output"] == [1, 20]
        return
    if config.task.name == "spot":  # of every fourth pixel, what words are read from
        assert found["output"] == [32, config.data.side // 4, config.data.side // 4]
        return
    assert found["output"] == [8 if preset.startswith("scenes") else 20]
    assert found["receptive_field_lost_at"] is None
    assert found["layers"][0]["receptive_field"] == ["whole image", "whole image"]


def test_classes_come_from_the_training_split(classes_on_disk: Path, voc_on_disk: Path) -> None:
    assert summary("folder-classify", f"data.root={classes_on_disk}", "model.name=small_cnn").output == (3,)
    assert summary("voc-multilabel", f"data.root={voc_on_disk}", "model.name=small_cnn").output == (3,)
    named = summary("folder-classify", "data.classes=[a, b]", "model.name=small_cnn")
    assert named.output == (2,)


def test_settings_that_need_data_or_weights_do_not_stand_in_the_way(tmp_path: Path) -> None:
    settings = [
        "model.name=small_cnn",
        "model.pretrained=false",
        "task.class_weights=balanced",
        "data.normalize=measured",
    ]
    assert summary("folder-classify", *settings, f"model.weights={tmp_path / 'none.pth'}", classes=4).output == (4,)
    given = ["model.name=small_cnn", "model.freeze=backbone", "task.class_weights={cat: 2.0}", "data.folds=3"]
    frozen = summary("folder-classify", *given, classes=4)
    assert (frozen.parameters, frozen.trainable) == (144_468, 128 * 4 + 4)


def test_a_network_that_cannot_be_built_without_memory_is_built_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def computing(*arguments: Any, **options: Any) -> Any:
        torch.linspace(0, 1, 3).tolist()  # as some networks of older timm do, which the meta device refuses
        return build(*arguments, **options)

    monkeypatch.setattr("saccade.tasks.labels.build", computing)
    assert summary("dogs-cnn", classes=5).parameters == 303_397


def test_nothing_is_downloaded_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert summary("voc-multilabel", "model.pretrained=true", classes=20).name == "resnet18"
    assert summary("scenes-multilabel").output == (8,)
    assert list(tmp_path.iterdir()) == []


def test_repeated_blocks_are_told_once_and_sums_agree() -> None:
    found = summary("imagenet-resnet152", classes=1000)
    folded = lines(found)
    assert len(folded) < 100 < len(lines(found, every=True))
    assert row(found, "2-35 like 1")[1:] == [
        "1024×14×14",
        "200,704",
        "37,984,256",
        "7.42 G",
        "1291",
    ]  # 34 times 1,117,184
    whole = [row(found, name, depth=1) for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")]
    counts = [next(cell for cell in cells[3:] if re.fullmatch(r"[\d,]+", cell)) for cells in whole]
    assert sum(int(count.replace(",", "")) for count in counts) == found.parameters == 60_192_808


def test_depth_folds_and_idle_layers_are_left_out() -> None:
    found = summary("folder-classify", "model.name=vit_tiny_patch16_224", classes=10)
    text = "\n".join(lines(found))
    assert "Dropout" not in text
    assert "Identity" not in text
    assert "Identity" in "\n".join(lines(found, every=True))
    assert row(found, "(itself)")[1:] == ["1·1·192 + 1·197·192", "38,016"]
    assert row(found, "blocks", depth=1)[1:] == ["197×192", "37,824", "5,338,368", "1.22 G", "whole image"]
    assert row(found, "attn")[1:] == ["14.9 M"]


def test_a_field_that_is_not_known_is_a_question_mark_with_a_note(saccade: Saccade) -> None:
    words = ["folder-classify", "model.name=swin_tiny_patch4_window7_224", "--classes", "3", "--depth", "2"]
    said = saccade("summary", *words)
    assert said.code == 0, said.err
    assert "lost first in layers.0.blocks.0.attn" in said.out.replace("\n", " ")
    found = summary("folder-classify", "model.name=swin_tiny_patch4_window7_224", classes=3)
    assert row(found, "0 SwinTransformerStage", depth=2)[-1] == "?"
    assert row(found, "proj Conv2d", depth=2)[-1] == "4"


def test_a_part_that_no_whole_image_goes_through_is_not_counted_and_named(saccade: Saccade) -> None:
    said = saccade("summary", "scenes-spot")
    assert said.code == 0, said.err
    assert "not counted: 'reader', which a whole image does not go through" in " ".join(said.out.split())
    assert summary("dogs-cnn", classes=5).asleep == []


def test_units_have_a_column_where_there_is_room(saccade: Saccade) -> None:
    found = summary("dogs-cnn", classes=5)
    units = {layer.name: f"{layer.units:,}" for layer in found.layers}
    assert units["conv1"] == "4,096"  # 16×16×16
    for line in lines(found, width=82)[4:]:
        name, _, shape, number = line.split()[:4]
        assert number == units[name], (name, shape)
    assert "units" in lines(found, width=82)[2]
    narrow = lines(found, width=81)
    assert "units" not in narrow[2]
    assert "conv1 Conv2d    16×16×16  16·3·5·5 + 16       1,216      307 K            5" in narrow
    assert "16×16×16  4,096  " in saccade("summary", "dogs-cnn", "--classes", "5").out


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.slow
def test_the_table_fits(width: int) -> None:
    for name in ("resnet50", "vit_tiny_patch16_224", "convnext_tiny"):
        table = lines(summary("folder-classify", f"model.name={name}", classes=1000), width=width)
        assert max(map(len, table)) <= width
        assert len(table) == len(lines(summary("folder-classify", f"model.name={name}", classes=1000), width=200))
        assert not any("…" in line[24:] for line in table)  # numbers stay whole; only names give way


def test_what_people_get_wrong(saccade: Saccade, classes_on_disk: Path, tmp_path: Path) -> None:
    def refused(*words: str) -> str:
        said = saccade("summary", *words)
        assert said.code == 2, said.out + said.err
        assert said.out == ""
        assert "Traceback" not in said.err
        return str(said.err)

    assert "--classes NUMBER" in refused("folder-classify", f"data.root={tmp_path / 'none'}")
    assert "--classes NUMBER" in refused("folder-classify", f"data.root={tmp_path}")
    assert "resnet18" in refused("folder-classify", "model.name=resnet81", "--classes", "3")
    assert "--classes: is 3" in refused("scenes-classify", "--classes", "3")
    assert "name a preset" in refused("model.name=resnet18")
    assert "dogs-cnn" in refused("dogs-cn", "--classes", "3")
    assert "data.image_size" in refused("dogs-cnn", "data.image_size=64", "--classes", "3")
    assert "optim.rl" in refused("dogs-cnn", "optim.rl=1", "--classes", "3")
    assert "data.format" in refused("voc-multilabel", "data.format=folder", f"data.root={classes_on_disk}")


def test_in_python() -> None:
    found = package.summary("dogs-cnn", classes=5)
    assert found.parameters == 303_397
    assert found.multiply_adds == 256 * 1200 + 64 * 12800 + 16 * 51200 + 4 * 204800 + 512 * 64 + 64 * 5
