"""What the spot task makes of what a network says: losses image by image, words in pixels of the file, readings."""

from __future__ import annotations

import locale
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from saccade.data.alphabet import Alphabet
from saccade.data.paths import PathList
from saccade.data.spotting_results import read_results
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores
from saccade.nn.roi_rotate import turned
from saccade.nn.spot_network import Spotted
from saccade.overlap import iou_matrix
from saccade.quads import area
from saccade.tasks import scene_text
from saccade.tasks.spot import Spot
from spot_tasks import Asked, Heart, batch_of, settings, task_of, true_maps


def test_true_maps_give_back_the_words_in_pixels_of_the_file(scenes: Path) -> None:
    """From 128 pixels to 160, to maps of 40, and back: every word that is large enough."""
    task = task_of(scenes, model="east")
    batch = batch_of(task, scenes, [0, 1, 2])
    assert [*batch.image.shape[2:]] == [160, 160]
    loss, found = task.score(Heart(batch), batch)
    assert loss.per_image().max() < 0.01
    listing = Spot.read(task.config, "train")
    assert listing.words is not None
    for i in range(3):
        words = listing.words.of(i)
        large = [quad for quad, cared in zip(words.quads, words.cared, strict=True) if cared]
        assert len(large) > 0
        # perspective leaves no rectangle, and corners are rounded to whole pixels
        assert (iou_matrix(np.stack(large), found.quads[i].numpy()).max(axis=1) > 0.75).all()
        assert torch.equal(found.quads[i], found.quads[i].round())
        assert found.texts[i] == ("",) * len(found.quads[i])


def test_an_image_is_scored_the_same_beside_any_other(scenes: Path, tmp_path: Path) -> None:
    """Images of unlike sizes are padded in a batch, and nothing of it is seen; each draws its own examples."""
    for name in ("a", "b", "c"):
        (tmp_path / "train").mkdir(exist_ok=True)
        size = {"a": (128, 128), "b": (128, 96), "c": (70, 128)}[name]
        source = Image.open(scenes / "train_images" / "img_1.jpg").crop((0, 0, *size))
        source.save(tmp_path / "train" / f"{name}.png")
        words = (scenes / "train_gts" / "gt_img_1.txt").read_bytes()
        (tmp_path / "train" / f"gt_{name}.txt").write_bytes(words)
    task = task_of(tmp_path)
    torch.manual_seed(0)
    network = task.model().eval()
    with torch.no_grad():
        network.score.bias.fill_(2.0)  # type: ignore[union-attr]  # so that there is something to read
        together = task.score(network, batch_of(task, tmp_path, [0, 1, 2]))
        for i in range(3):
            loss, found = task.score(network, batch_of(task, tmp_path, [i]))
            torch.testing.assert_close(loss.total[0], together[0].total[i], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(found.maps[0], together[1].maps[i], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(found.quads[0], together[1].quads[i])
            assert found.texts[0] == together[1].texts[i]


def test_words_that_cannot_be_read_are_counted_with_their_characters(
    scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_of(scenes)
    few = task_of(scenes, alphabet=tuple(c for c in task.alphabet.characters if c not in "AE"))
    listings = {split: Spot.read(task.config, split) for split in ("train", "val")}
    task.before_training({"train": listings["train"]})
    assert capsys.readouterr().err == ""
    few.before_training(listings)
    said = capsys.readouterr().err
    for split, listing in listings.items():
        assert listing.words is not None
        texts = [text for text, cared in zip(listing.words.texts, listing.words.cared, strict=True) if cared]
        others = set("".join(texts)) - set(few.alphabet.characters)
        lacking = [text for text in texts if set(text) & others]
        found = few.facts(listing)["outside_alphabet"]
        assert found == {"words": len(lacking), "times": {c: "".join(texts).count(c) for c in others}}
        assert {"A", "E"} <= others
        assert f"{split}: {len(lacking)} word" in said
    assert task.facts(listings["train"])["outside_alphabet"] == {}


def test_words_are_read_where_they_lie_in_the_input_and_not_in_the_file(scenes: Path) -> None:
    """Of 128 pixels the network sees 160: corners of the file would be a fifth too far to the left and above."""
    task = task_of(scenes)
    batch = batch_of(task, scenes, [0])
    assert batch.words[0].scale == (1.25, 1.25)
    seen = Asked.of(batch, len(task.alphabet))
    found = task.finder(seen, batch.words[0].scale)
    assert len(found.quads[0]) > 1
    np.testing.assert_allclose(seen.quads[0] / 1.25, found.quads[0], atol=0.51)
    assert (iou_matrix(batch.words[0].quads.numpy(), seen.quads[0].numpy()).max(axis=0) > 0.7).all()


def test_the_ends_of_a_word_taller_than_wide_are_above_and_below(scenes: Path) -> None:
    """Made wider instead, it would no longer be laid on its side: 6 columns for 32."""
    tall = torch.tensor([[[100.0, 40], [120, 40], [120, 120], [100, 120]]])
    read = task_of(scenes, margin=0.25).finder.to_read(tall)
    assert read[0].tolist() == [[120, 35], [120, 125], [100, 125], [100, 35]]
    assert torch.equal(turned(read), read)


def test_words_are_as_wide_as_the_config_lets_them_be_in_learning_and_in_reading(scenes: Path) -> None:
    task = task_of(scenes)
    narrow = Spot(task.config.model_copy(update={"model": task.config.model.model_copy(update={"max_width": 7})}))
    batch = batch_of(narrow, scenes, [0])
    learned, read = (Asked.of(batch, len(narrow.alphabet)) for _ in range(2))
    narrow.losses.reading(learned, batch.words)
    narrow.finder.read(read, batch.words[0].quads)
    assert learned.max_width == read.max_width == 7


def test_a_word_that_rounding_leaves_without_area_is_left_out(scenes: Path) -> None:
    """In ICDAR's archive a quad must go clockwise."""
    task = task_of(scenes, model="east")
    batch = batch_of(task, scenes, [0, 1, 2])
    found = [task.finder(Spotted(*(part[i : i + 1] for part in true_maps(batch)[:3])), (60.0, 60.0)) for i in range(3)]
    assert [len(of.quads[0]) for of in found] == [3, 1, 2]  # of 4, 3 and 4
    assert all((area(of.quads[0].numpy()) > 0).all() for of in found)
    assert all(len(of.quads[0]) == len(of.scores[0]) == len(of.texts[0]) for of in found)


def test_each_axis_has_a_ratio_of_its_own(scenes: Path) -> None:
    task = task_of(scenes, model="east")
    seen = true_maps(batch_of(task, scenes, [0]))
    whole, scaled = (task.finder(seen, scale).quads[0] for scale in ((1.0, 1.0), (0.5, 4.0)))
    off = (scaled * torch.tensor([0.5, 4.0]) - whole).abs().amax(dim=(0, 1))  # both are rounded
    assert bool((off <= torch.tensor([0.75, 2.5])).all())


def test_a_lexicon_gives_one_of_its_words(scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("KILO\nMETRE\n\nétrange\nKILO\n", encoding="utf-8")
    task = task_of(scenes, lexicon=tmp_path / "words.txt")
    batch = batch_of(task, scenes, [0])
    network = task.model().eval()
    with torch.no_grad():
        read = task.finder.read(network(batch.image), batch.words[0].quads)
    assert len(read) == len(batch.words[0].texts)
    assert set(read) <= {"KILO", "METRE"}
    said = " ".join(capsys.readouterr().err.split())
    assert "with characters that the alphabet lacks" in said
    assert "never read" in said


def test_a_lexicon_in_another_case_than_the_alphabet(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Hotel\nHOTEL\nMotél\nhot\n", encoding="utf-8")
    words, tree = scene_text.lexicon_of(tmp_path / "words.txt", Alphabet(tuple("EHLOT")))
    assert words == ["Hotel", "HOTEL", "hot"]
    assert tree.end.tolist()[0] == tree.end.tolist()[1]
    assert tree.label[tree.end].tolist() == [3, 3, 5]


def test_nothing_is_read_where_no_word_of_the_lexicon_fits(scenes: Path, tmp_path: Path) -> None:
    """A crop of 6 columns has no room for nine letters; one of 40 columns does not."""
    (tmp_path / "words.txt").write_text("METRETREM\n", encoding="utf-8")
    task = task_of(scenes, lexicon=tmp_path / "words.txt")
    narrow = torch.tensor([[[8.0, 8], [24, 8], [24, 30], [8, 30]], [[8.0, 8], [88, 8], [88, 24], [8, 24]]])
    with torch.no_grad():
        assert task.finder.read(task.model().eval()(torch.zeros(1, 3, 96, 96)), narrow) == ("", "METRETREM")


def test_a_lexicon_that_cannot_be_used(tmp_path: Path) -> None:
    characters = Alphabet(tuple("ABC"))
    with pytest.raises(DataError, match=r"task\.lexicon: .*none\.txt cannot be read as text"):
        scene_text.lexicon_of(tmp_path / "none.txt", characters)
    (tmp_path / "words.txt").write_text("xyz\n")
    with pytest.raises(DataError, match=r"task\.lexicon: no word of .*words\.txt is made of the 3 characters"):
        scene_text.lexicon_of(tmp_path / "words.txt", characters)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_a_lexicon_is_utf8_whatever_the_platform_thinks(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "words.txt").write_bytes(mark + "ÉTÉ\r\nTWO WORDS\r\n".encode())
    own = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C")
        words, _ = scene_text.lexicon_of(tmp_path / "words.txt", Alphabet(tuple(" DEORSTWÉ")))
    finally:
        locale.setlocale(locale.LC_CTYPE, own)
    assert words == ["ÉTÉ", "TWO WORDS"]


@pytest.mark.parametrize(
    ("named", "files", "message"),
    [
        ("icdar", ["train/img/1.jpg", "train/box/1.csv"], "reads it, with the splits 'train'; set data.format=sroie$"),
        ("icdar", ["img/1.jpg", "box/1.csv"], "in one folder; set data.format=sroie data.train=. data.val=null$"),
        ("sroie", ["train_images/1.jpg", "train_gts/gt_1.txt"], "the splits 'train'; set data.format=icdar$"),
        ("icdar", ["textspotting_val.json"], "the splits 'val'; set data.format=mmocr$"),
        ("sroie", ["img/1.jpg", "box/1.csv"], "set data.train=. and data.val=null, which holds images of it out$"),
        ("icdar", ["1/2/3.txt"], "it has the folders '1'; set data.root to the folder above them$"),
        ("icdar", [], "it has no folders; set data.root to where they are$"),
        ("icdar", ["package.json"], "it has no folders; set data.root to where they are$"),
    ],
)
def test_a_layout_that_is_not_that_of_the_format(tmp_path: Path, named: str, files: list[str], message: str) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(DataError, match=message.replace(".", r"\.")):
        Spot.read(settings(tmp_path, data={"format": named}), "train")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "fotz"}, r"model\.name: no network that spots text is called 'fotz'; choose fots"),
        ({"model": "east", "lexicon": "x.txt"}, r"task\.lexicon: is set, and model\.name is east"),
        (
            {"alphabet": Path("/nowhere/abc")},
            r"task\.alphabet: there is no file /nowhere/abc; set the alphabet\.json of a run",
        ),
        ({"alphabet": ("A", "BC")}, r"task\.alphabet: found 'BC' in the list; it takes single characters"),
        ({"alphabet": ("A", "A")}, r"task\.alphabet: found a character that stands in the list twice"),
    ],
)
def test_settings_that_do_not_go_together(scenes: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Spot.check(settings(scenes, **changes))


def test_weights_of_a_network_that_reads_other_characters(scenes: Path, tmp_path: Path) -> None:
    one = task_of(scenes, alphabet=tuple("AB"))
    torch.save(one.model().state_dict(), tmp_path / "a.pth")
    config = settings(scenes, alphabet=tuple("ABC"))
    model = config.model.model_copy(update={"weights": tmp_path / "a.pth", "head": "keep"})
    with pytest.raises(CheckpointError, match=r"a\.pth"):
        Spot(config.model_copy(update={"model": model})).model()


def test_numbers_are_those_of_the_archive(scenes: Path, tmp_path: Path) -> None:
    """Metrics of the task, and of what it writes for ICDAR's evaluation, read back."""
    task = task_of(scenes, model="east")
    batch = batch_of(task, scenes, [0, 1, 2, 3])
    _, found = task.score(Heart(batch), batch)
    metrics = task.metrics()
    task.measure(metrics, found, batch)
    scores = metrics.compute()
    listing = Spot.read(task.config, "train").take(np.arange(4))
    (tmp_path / "results.zip").write_bytes(task.files(listing, task.answers(found))["results.zip"])
    names = [Path(image).stem for image in listing.images]
    read = read_results(tmp_path / "results.zip", names)
    assert listing.words is not None
    truths = [Truth(of.quads.astype(np.float64), of.texts, of.cared) for of in map(listing.words.of, range(4))]
    again = spotting_scores(truths, [Detections(read[name].quads, read[name].texts) for name in names])
    assert scores.by_protocol == again.metrics
    assert scores.metrics["detection_hmean"] == again.metrics["detection"]["hmean"] > 0.9
    assert set(scores.metrics) == {"detection_precision", "detection_recall", "detection_hmean"}


def test_what_was_read_is_scored_alike_from_the_task_the_archive_and_the_table(scenes: Path, tmp_path: Path) -> None:
    """Every third word is misread, and the others are read in small letters."""
    task = task_of(scenes)
    listing = Spot.read(task.config, "train").take(np.arange(4))
    assert listing.words is not None
    words = [listing.words.of(i) for i in range(4)]
    batch = batch_of(task, scenes, [0, 1, 2, 3])
    _, found = task_of(scenes, model="east").score(Heart(batch), batch)
    texts, n_read = [], 0
    for quads, of in zip(found.quads, words, strict=True):
        nearest = iou_matrix(quads.numpy(), of.quads).argmax(axis=1).tolist()
        texts.append(tuple("WRONG" if (n_read + k) % 3 == 0 else of.texts[j].lower() for k, j in enumerate(nearest)))
        n_read += len(nearest)
    found = replace(found, texts=tuple(texts))
    metrics = task.metrics()
    task.measure(metrics, found, batch)
    scores = metrics.compute()
    table = task.answers(found)
    (tmp_path / "results.zip").write_bytes(task.files(listing, table)["results.zip"])
    names = [Path(image).stem for image in listing.images]
    read = read_results(tmp_path / "results.zip", names)
    truths = [Truth(of.quads.astype(np.float64), of.texts, of.cared) for of in words]
    of_archive = spotting_scores(truths, [Detections(read[name].quads, read[name].texts) for name in names])
    rows = zip(table["quads_xy"].to_list(), table["texts"].to_list(), strict=True)
    of_table = spotting_scores(truths, [Detections(np.array(q).reshape(-1, 4, 2), tuple(t)) for q, t in rows])
    assert scores.by_protocol == of_archive.metrics == of_table.metrics
    assert 0.5 < scores.metrics["end_to_end_hmean"] < 0.8
    assert scores.metrics["detection_hmean"] > 0.9
    assert scores.metrics["word_accuracy"] < scores.metrics["end_to_end_recall"]  # case counts there


def test_images_of_the_same_name_have_no_archive_and_it_is_said(
    scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_of(scenes, model="east")
    listing = Spot.read(task.config, "train").take(np.arange(2))
    table = task.answers(task.score(Heart(batch := batch_of(task, scenes, [0, 1])), batch)[1])
    twice = replace(listing, images=PathList(["a/img_1.jpg", "b/img_1.jpg"]))
    assert task.files(twice, table) == {}
    assert "no results.zip: two images have the same name" in capsys.readouterr().err
    assert set(task.files(listing, table)) == {"results.zip"}


def test_columns(scenes: Path) -> None:
    task = task_of(scenes)
    listing = Spot.read(task.config, "val")
    known = task.known(listing)
    assert known.columns == ["target_quads_xy", "target_texts", "target_cared"]
    assert listing.words is not None
    words = listing.words.of(1)
    assert known["target_texts"][1].to_list() == list(words.texts)
    np.testing.assert_allclose(np.array(known["target_quads_xy"][1].to_list()).reshape(-1, 4, 2), words.quads)
    nothing = task.answers(task.nothing())
    assert nothing.schema == {
        "quads_xy": pl.List(pl.List(pl.Float32)),
        "texts": pl.List(pl.String),
        "scores": pl.List(pl.Float32),
    }
