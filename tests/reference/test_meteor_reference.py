"""METEOR with its real tables against numbers of METEOR 1.5's jar, and where there is Java against the jar itself."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from saccade.metrics.captions.meteor import Meteor, Statistics, corpus_score, score

pytest.importorskip("pycocoevalcap")


@pytest.fixture(scope="module")
def meteor() -> Meteor:
    """With its index in the tests' own cache, where other tests find it too."""
    return Meteor.load(Path(os.environ["SACCADE_CACHE"]))


@pytest.mark.parametrize(
    ("hypothesis", "references", "statistics", "expected"),
    [
        (
            "a man riding a wave on top of a surfboard",
            ["a surfer rides a large wave in the ocean", "a man is surfing on a big wave"],
            (10, 8, 5, 4, 2, 2, 3, 3, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 6, 6),
            0.2894532092,
        ),
        (
            "two dogs are running through the grass",
            ["two dogs run through grass", "a pair of dogs running in a field"],
            (7, 5, 3, 1, 3, 3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 2, 6, 5),
            0.4561262243,
        ),
        ("a kid is climbing stairs", ["a child climbs the staircase"], None, 0.1476433501),
        ("a bicycle near a bus", ["a bike next to a bus"], None, 0.8195618580),
        ("the the the the", ["the cat is on the mat"], None, 0.0879120879),
        ("a child in a t-shirt", ["a child in a t shirt"], None, 1.0),
        ("zebra", ["giraffe"], None, 0.0),
    ],
)
def test_the_jars_counts_and_scores(
    meteor: Meteor, hypothesis: str, references: list[str], statistics: Statistics | None, expected: float
) -> None:
    ours = meteor.statistics(hypothesis, references)
    assert statistics in (None, ours)
    assert score(ours) == pytest.approx(expected, abs=1e-10)


def test_the_jars_corpus_score(meteor: Meteor) -> None:
    corpus, each = meteor(
        ["a cat is on the mat", "two dogs run on grass", "a man on a wave"],
        [
            ["a cat sits on the mat", "there is a cat on the mat"],
            ["two dogs run in the grass", "dogs running on grass"],
            ["a man rides a wave", "a surfer on a big wave in the sea"],
        ],
    )
    assert each == pytest.approx([0.908517, 0.472759, 0.357136], abs=1e-6)
    assert corpus == pytest.approx(0.471107, abs=1e-6)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(shutil.which("java") is None, reason="the jar needs Java")
def test_every_count_of_real_captions_equals_the_jars(meteor: Meteor, real_data: Path) -> None:
    """900 images of Flickr8k, each first caption against the four others: all 23 counts, and the score of all."""
    hypotheses, references = flickr_captions(real_data)
    *counts, corpus = jar_says(
        [" ||| ".join(("SCORE", *others, caption)) for caption, others in zip(hypotheses, references, strict=True)]
    )
    expected = [tuple(int(float(number)) for number in line.split()) for line in counts]
    ours = [meteor.statistics(*captions) for captions in zip(hypotheses, references, strict=True)]
    assert ours == expected
    assert corpus_score(ours) == pytest.approx(float(corpus), abs=1e-12)


def flickr_captions(real_data: Path) -> tuple[list[str], list[list[str]]]:
    """The first caption of each image, and the others."""
    captions: dict[str, list[str]] = {}
    for split in ("train", "val"):
        content = json.loads((real_data / "flickr1k" / "captions" / f"captions_{split}.json").read_text("utf-8"))
        for row in content["annotations"]:
            words = row["caption"].replace("|||", " ").split()  # the jar reads lines, in which ||| parts captions
            captions.setdefault(f"{split} {row['image_id']}", []).append(" ".join(words))
    return [first for first, *_ in captions.values()], [others for _, *others in captions.values()]


def jar_says(lines: list[str]) -> list[str]:
    """The jar's answer to each line, and then the corpus score of all those answers."""
    spec = importlib.util.find_spec("pycocoevalcap.meteor")
    assert spec is not None
    [folder] = spec.submodule_search_locations or ()
    # a locale with a decimal comma or Turkish letters would change the jar's numbers
    command = ["java", "-Xmx2G", "-Duser.language=en", "-Duser.country=US", "-Dfile.encoding=UTF-8"]
    command += ["-jar", "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as jar:
        assert jar.stdin is not None
        assert jar.stdout is not None

        def ask(line: str, answers: int = 1) -> list[str]:
            jar.stdin.write(f"{line}\n")
            jar.stdin.flush()
            return [jar.stdout.readline().strip() for _ in range(answers)]

        counts = [ask(line)[0] for line in lines]
        corpus = ask(" ||| ".join(("EVAL", *counts)), answers=len(counts) + 1)[-1]
        jar.stdin.close()
    return [*counts, corpus]
