"""The JSON Schema of a config file, judged by the jsonschema package, and the words made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from saccade.config import dump, load, preset_names, preset_text, schema
from saccade.config.nodes import Place, dotted, plain
from saccade.config.shape import all_keys, allowed, shape_at
from saccade.config.yaml_reader import read_yaml

VALIDATOR = jsonschema.Draft202012Validator(schema())


def errors_of(text: str) -> list[str]:
    value = plain(read_yaml(text, Place("x", Path()), []))
    return sorted(error.json_path for error in VALIDATOR.iter_errors(value))


def test_it_is_a_json_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_and_its_dump_fit(name: str):
    assert errors_of(preset_text(name)) == []
    assert errors_of(dump(load(name))) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("extends: voc-multilabel", []),
        ("{extends: a.yaml, task: {loss: focal}, data: {normalize: {std: [1, 1, 1]}}}", []),
        ("{name: x, task: {name: classify}, data: {format: voc, root: y}}", []),
        ("{name: x}", ["$", "$"]),
        ("{name: x, task: {}, data: {format: voc}}", ["$.data", "$.task"]),
        ("{extends: a, sed: 1}", ["$"]),
        ("{extends: a, optim: {lr: fast}}", ["$.optim.lr"]),
        ("{extends: a, optim: {lr: 0}}", ["$.optim.lr"]),
        ("{extends: a, task: {name: classify, focal_alpha: 0.5}}", ["$.task"]),
        ("{extends: a, data: {classes: [a, true]}}", ["$.data.classes"]),
        ("{extends: [a]}", ["$.extends"]),
    ],
)
def test_it_refuses_what_load_refuses(text: str, where: list[str]):
    assert errors_of(text) == where


def test_every_key_has_a_description():
    bare = [dotted(key) for key in all_keys() if not _description(shape_at(key))]
    assert bare == []


def _description(shape: Any) -> str:
    return str(shape.get("description") or [inner.get("description") for inner in shape.get("anyOf", [])])


def test_the_keys_that_everything_leans_on_are_there():
    kept = (
        "name seed task.name task.loss data.format data.root data.train data.val data.image_size data.holdout "
        "data.on_error loader.batch_size loader.workers model.name model.pretrained model.weights model.freeze "
        "optim.name optim.lr optim.weight_decay optim.schedule trainer.max_epochs "
        "trainer.precision trainer.devices log"
    )
    assert set(kept.split()) <= {dotted(key) for key in all_keys()}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("seed", "a whole number >= 0 and < 4294967296"),
        ("data.format", "voc, folder, table, masks, coco, karpathy, icdar, sroie, mmocr, or scenes"),
        ("data.root", "a path"),
        ("data.val", "a text or null"),
        ("data.classes", "a list of texts or null"),
        ("data.resize_crop", "a number > 0 and <= 1"),
        ("data.normalize", "imagenet, measured, or a section with mean, std"),
        ("data.normalize.mean", "a list of 3 numbers"),
        ("data.augment", "a section with crop, flip, vertical_flip, ..."),
        ("data.augment.crop", "a list of 2 numbers from 0 to 1 or null"),
        ("data.augment.randaugment_magnitude", "a whole number from 0 to 30"),
        ("loader.workers", "a whole number >= 0 or auto"),
        ("model.freeze", "none, backbone, or a whole number >= 1"),
        ("model.pretrained", "true or false"),
        ("task", "a section with name, loss, class_weights, ..."),
        ("task.class_weights", "none, balanced, or a mapping of names to numbers > 0"),
        ("data.features.made", "a mapping or null"),
        ("trainer.precision", "32, 16-mixed, or bf16-mixed"),
        ("optim.step_epochs", "a list of whole numbers >= 1"),
    ],
)
def test_what_is_allowed_in_words(key: str, words: str):
    shape = shape_at(tuple(key.split(".")), "multilabel")
    assert shape is not None
    assert allowed(shape) == words


def test_shape_at_knows_the_keys_of_each_task():
    assert shape_at(("task", "top_k"), "classify") is not None
    assert shape_at(("task", "top_k"), "multilabel") is None
    assert shape_at(("task", "top_k")) is not None
    assert shape_at(("no", "such", "key")) is None
    assert shape_at(("data", "classes", 3)) == {"minLength": 1, "type": "string"}
