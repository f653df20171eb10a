"""Scenes: the same every time, true to what they say of themselves, and neither trivial nor unbalanced."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from saccade.data.scenes import CLASSES, DIFFICULT_BELOW, TILT, Scene, SceneObject, draw_scene
from saccade.data.textures import COLOURS, FILLS

SCENES = [draw_scene(0, i, size=64)[1] for i in range(800)]


def described(scene: Scene) -> list[list[object]]:
    """The objects in plain values, rounded so that the last bit of a sine does not matter."""
    return [
        [o.shape, o.colour, o.fill, [round(v, 2) for v in (*o.rgb, *o.centre_xy, o.radius, o.angle)]]
        for o in scene.objects
    ]


def test_the_parameters_of_the_first_scenes_are_the_recorded_ones() -> None:
    """Recorded from version 1 of the drawing; a deliberate change raises VERSION and records anew."""
    text = json.dumps([described(draw_scene(7, i, size=64, split="val")[1]) for i in range(20)])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "643316041f3519ff"


def test_the_same_arguments_give_the_same_pixels() -> None:
    first, scene = draw_scene(3, 11, size=48)
    second, again = draw_scene(3, 11, size=48)
    assert first.dtype == np.uint8
    assert first.shape == (48, 48, 3)
    assert np.array_equal(first, second)
    assert np.array_equal(scene.owner, again.owner)
    assert scene.objects == again.objects


def test_seed_split_and_index_each_give_another_scene() -> None:
    base = draw_scene(0, 8, size=48)[0]
    others = [
        draw_scene(1, 8, size=48)[0],
        draw_scene(0, 16, size=48)[0],
        draw_scene(0, 8, size=48, split="val")[0],
        draw_scene(0, 8, size=48, split="test")[0],
    ]
    assert all(np.abs(base.astype(int) - other).mean() > 5 for other in others)


def test_a_larger_picture_shows_the_same_objects_in_the_same_places() -> None:
    for index in range(10):
        small, large = (draw_scene(0, index, size=size)[1] for size in (64, 192))
        for a, b in zip(small.objects, large.objects, strict=True):
            assert (a.shape, a.colour, a.fill, a.angle) == (b.shape, b.colour, b.fill, b.angle)
            assert b.centre_xy == pytest.approx(tuple(3 * v for v in a.centre_xy))
            assert b.radius == pytest.approx(3 * a.radius)


def test_front_shapes_go_round_the_classes_and_are_well_seen() -> None:
    for index, scene in enumerate(SCENES):
        front = len(scene.objects) - 1
        assert scene.objects[front].shape == CLASSES[index % len(CLASSES)]
        assert scene.visible(front) >= 0.5
        assert not scene.occluded(front)


def test_classes_are_plain_sorted_words() -> None:
    assert list(CLASSES) == sorted(CLASSES)
    assert all(name.isalpha() and name.islower() for name in CLASSES)


def test_every_class_is_in_about_a_quarter_of_the_scenes() -> None:
    share = [np.mean([any(o.shape == name for o in s.objects) for s in SCENES]) for name in CLASSES]
    assert min(share) > 0.18
    assert max(share) < 0.32


def test_colour_and_fill_do_not_give_the_class_away() -> None:
    """Pearson's chi-squared of independence, scaled to its mean (the degrees of freedom), stays near 1."""
    objects = [o for s in SCENES for o in s.objects]
    for values, attribute in ((list(COLOURS), "colour"), (list(FILLS), "fill")):
        table = np.zeros((len(CLASSES), len(values)))
        for o in objects:
            table[CLASSES.index(o.shape), values.index(getattr(o, attribute))] += 1
        expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
        statistic = ((table - expected) ** 2 / expected).sum()
        assert statistic / ((len(CLASSES) - 1) * (len(values) - 1)) < 1.5


def test_objects_of_a_scene_differ_in_colour_and_tilt_little() -> None:
    for scene in SCENES:
        colours = [o.colour for o in scene.objects]
        assert len(set(colours)) == len(colours)
        assert all(abs(o.angle) <= TILT for o in scene.objects)


def test_scenes_are_not_trivial() -> None:
    pairs = [(s, i) for s in SCENES for i in range(len(s.objects))]
    assert 0.1 < np.mean([s.occluded(i) for s, i in pairs]) < 0.5
    assert 0.05 < np.mean([s.truncated(i) for s, i in pairs]) < 0.4
    assert 0.01 < np.mean([s.difficult(i) for s, i in pairs]) < 0.1
    sizes = np.array([s.objects[i].radius / s.size for s, i in pairs])
    assert np.quantile(sizes, 0.95) / np.quantile(sizes, 0.05) > 1.5


def test_what_is_said_of_a_covered_object() -> None:
    """A made-up scene: object 0 is a row of four pixels and one outside; object 1 hides three of it."""
    thing = SceneObject("square", "red", (1.0, 0.0, 0.0), "plain", (2.0, 1.5), 2.0, 0.0)
    owner = np.zeros((4, 4), np.uint8)
    owner[1] = [1, 2, 2, 2]
    scene = Scene(4, "gradient", (thing, thing, thing), owner, (5, 3, 2), (4, 3, 2))
    assert [scene.visible(i) for i in range(3)] == [0.2, 1.0, 0.0]
    assert [scene.difficult(i) for i in range(3)] == [True, False, True]
    assert [scene.truncated(i) for i in range(3)] == [True, False, False]
    assert [scene.occluded(i) for i in range(3)] == [True, False, True]
    assert scene.box_xyxy(0) == (0, 1, 1, 2)
    assert scene.box_xyxy(1) == (1, 1, 4, 2)
    with pytest.raises(AssertionError):
        scene.box_xyxy(2)


def test_difficult_means_less_than_three_tenths_are_seen() -> None:
    thing = SceneObject("square", "red", (1.0, 0.0, 0.0), "plain", (5.0, 0.5), 5.0, 0.0)
    for seen, difficult in ((2, True), (3, False)):
        owner = np.zeros((1, 10), np.uint8)
        owner[0, :seen] = 1
        assert Scene(10, "noise", (thing,), owner, (10,), (10,)).difficult(0) is difficult
    assert DIFFICULT_BELOW == 0.3


def test_a_lone_object_has_its_own_colour_in_its_mask_and_its_outline_area() -> None:
    for index in (0, 5, 8, 13):  # circles and squares
        image, scene = draw_scene(2, index, size=128, max_objects=1)
        (thing,) = scene.objects
        expected = {"circle": np.pi * 0.92**2, "square": 2 * 1.2**2}[thing.shape] * thing.radius**2
        assert scene.areas[0] == pytest.approx(expected, rel=0.03)
        inside, outside = image[scene.mask(0)].mean(axis=0), image[~scene.mask(0)].mean(axis=0)
        assert np.linalg.norm(inside - outside) > 20
