"""What the spot task makes of what a network says: losses image by image, words in pixels of the file, readings."""

from __future__ import annotations

import locale
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import Tensor

from saccade.config.schema import Config
from saccade.data import scene_files
from saccade.data.alphabet import Alphabet
from saccade.data.paths import PathList
from saccade.data.spot_targets import CARE, GEOMETRY, SCORE
from saccade.data.spotting_results import read_results
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores
from saccade.metrics.stateful_spot import SpotMetrics
from saccade.nn.roi_rotate import turned
from saccade.nn.spot_network import Spotted
from saccade.overlap import iou_matrix
from saccade.quads import area, min_area_rectangle
from saccade.samples import Batch, SampleKey, SeenWords
from saccade.tasks import scene_text
from saccade.tasks.spot import Spot

SIZE = 128


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "data"
    scene_files.ensure(folder, train=6, val=4, size=SIZE, seed=0, layout="words")
    return folder


def settings(root: Path, *, data: dict[str, Any] | None = None, model: str = "fots", **task: Any) -> Config:
    return Config.model_validate(
        {
            "name": "x",
            "task": {"name": "spot", "min_side": 4, **task},
            "data": {"format": "icdar", "root": root, "image_size": 96, "longer_side": 160, **(data or {})},
            "model": {"name": model, "encoder": "small_spot", "hidden": 8},
        }
    )


def task_of(root: Path, **more: Any) -> Spot:
    """With the alphabet of the training split."""
    config = settings(root, **more)
    return Spot(
        config.model_copy(
            update={"task": config.task.model_copy(update=dict(Spot.resolve(config, Spot.read(config, "train"))))}
        )
    )


def batch_of(task: Spot, root: Path, indices: list[int], *, training: bool = False) -> Batch:
    dataset = task.dataset(Spot.read(task.config, "train"), training=training)
    return task.collate([dataset[SampleKey(0, i)] for i in indices])


def true_maps(batch: Batch) -> Spotted:
    """What a network would say that has learned the targets of its images by heart."""
    score = torch.where(batch.target[:, SCORE, None] > 0, 9.0, -9.0)
    return Spotted(torch.zeros(len(score), 32, *score.shape[2:]), score, batch.target[:, GEOMETRY].clone())


class Heart:
    """A network that knows its images by heart, whichever of them it is shown."""

    def __init__(self, batch: Batch) -> None:
        assert batch.size is not None
        self.batch, self.maps = batch, true_maps(batch)

    def __call__(self, image: Tensor) -> Spotted:
        height, width = (-(-side // 4) for side in image.shape[2:])
        rows = [
            next(
                i
                for i, known in enumerate(self.batch.image)
                if torch.equal(known[:, : one.shape[1], : one.shape[2]], one)
            )
            for one in image
        ]
        return Spotted(*(part[rows][..., :height, :width] for part in self.maps[:3]))


def test_true_maps_give_back_the_words_in_pixels_of_the_file(root: Path) -> None:
    """From 128 pixels to 160, to maps of 40, and back: every word that is large enough."""
    task = task_of(root, model="east")
    batch = batch_of(task, root, [0, 1, 2])
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


def test_an_image_is_scored_the_same_beside_any_other(root: Path, tmp_path: Path) -> None:
    """Images of unlike sizes are padded in a batch, and nothing of it is seen; each draws its own examples."""
    for name in ("a", "b", "c"):
        (tmp_path / "train").mkdir(exist_ok=True)
        size = {"a": (128, 128), "b": (128, 96), "c": (70, 128)}[name]
        source = Image.open(root / "train_images" / "img_1.jpg").crop((0, 0, *size))
        source.save(tmp_path / "train" / f"{name}.png")
        words = (root / "train_gts" / "gt_img_1.txt").read_bytes()
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


def test_the_loss_is_the_sum_of_its_weighed_parts(root: Path) -> None:
    batch = batch_of(task_of(root), root, [0, 1], training=True)

    def loss(**weights: float) -> Tensor:
        task = task_of(root, **weights)
        torch.manual_seed(1)
        network = task.model().eval()
        torch.manual_seed(2)  # of the examples
        return task.learn(network, batch, epoch=0).loss.total

    score = loss(geometry=0, reading=0)
    boxes, reading = loss(reading=0) - score, loss(geometry=0) - score
    torch.testing.assert_close(loss(geometry=0.5, reading=3), score + 0.5 * boxes + 3 * reading)
    assert (reading > 0).all()
    assert (boxes > 0).all()


def test_texts_with_unknown_characters_are_found_and_not_read(root: Path) -> None:
    """No loss of reading comes from them; the others are read as they would be alone."""
    task = task_of(root, alphabet=tuple("ABCDEFGH"))
    batch = batch_of(task, root, [0, 1, 2, 3])
    network = task.model().eval()
    seen = network(batch.image)
    found = task.losses.reading(seen, batch.words)
    known = [
        sum(
            bool(flag) and bool(text) and set(text) <= set("ABCDEFGH")
            for text, flag in zip(of.texts, of.cared, strict=True)
        )
        for of in batch.words
    ]
    assert [int(n) for n in found.weight] == known


def test_words_that_cannot_be_read_are_counted_with_their_characters(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_of(root)
    few = task_of(root, alphabet=tuple(c for c in task.alphabet.characters if c not in "AE"))
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


class Asked(Spotted):
    """True maps, and a note of where it is asked to read; every word is a single blank."""

    @classmethod
    def of(cls, batch: Batch, characters: int) -> Asked:
        found = cls(*true_maps(batch)[:3])
        found.characters, found.quads = characters, ()
        return found

    characters: int
    quads: Sequence[Tensor]
    max_width: int

    def read(self, quads: Sequence[Tensor], *, max_width: int = 0) -> tuple[Tensor, Tensor]:
        self.quads, self.max_width = quads, max_width
        n = sum(map(len, quads))
        return torch.zeros(n, 9, self.characters + 1).log_softmax(dim=2), torch.arange(n) % 3 + 7


def test_words_are_read_where_they_lie_in_the_input_and_not_in_the_file(root: Path) -> None:
    """Of 128 pixels the network sees 160: corners of the file would be a fifth too far to the left and above."""
    task = task_of(root)
    batch = batch_of(task, root, [0])
    assert batch.words[0].scale == (1.25, 1.25)
    seen = Asked.of(batch, len(task.alphabet))
    found = task.finder(seen, batch.words[0].scale)
    assert len(found.quads[0]) > 1
    np.testing.assert_allclose(seen.quads[0] / 1.25, found.quads[0], atol=0.51)
    assert (iou_matrix(batch.words[0].quads.numpy(), seen.quads[0].numpy()).max(axis=0) > 0.7).all()


@pytest.mark.parametrize("training", [True, False])
def test_words_are_learned_where_they_lie_in_the_input(root: Path, training: bool) -> None:
    task = task_of(root)
    batch = batch_of(task, root, [0, 1, 2], training=training)
    seen = Asked.of(batch, len(task.alphabet))
    task.losses.reading(seen, batch.words)
    assert sum(map(len, seen.quads)) > 2
    for quads, of in zip(seen.quads, batch.words, strict=True):
        torch.testing.assert_close(quads, rectangles(of.quads[of.cared]))


def test_what_is_learned_lies_about_the_word_as_what_is_found_does(root: Path) -> None:
    """With the margin in scoring; in training by none to twice as much, and less at first."""
    task = task_of(root, margin=0.6)
    batch = batch_of(task, root, [0, 1, 2])
    true = torch.cat([rectangles(of.quads[of.cared]) for of in batch.words])
    shares = {}
    for trained in (None, 0.0, 0.25, 0.5, 1.0):
        seen = Asked.of(batch, len(task.alphabet))
        task.losses.reading(seen, batch.words, trained=trained)
        shares[trained] = moved(torch.cat(seen.quads), true)
    wanted = torch.tensor([0.6, 0.6, 0, 0]).expand(len(true), 4)
    torch.testing.assert_close(shares[None], wanted, atol=1e-4, rtol=0)
    assert shares[0.0].abs().max() < 1e-4
    for trained, most in ((0.25, 0.6), (0.5, 1.2), (1.0, 1.2)):
        ends, sides = shares[trained][:, :2], shares[trained][:, 2:]
        assert -1e-4 <= ends.min() < 0.3 * most < 0.7 * most < ends.max() <= most + 1e-4
        assert -most / 6 - 1e-4 <= sides.min() < -0.05 * most < 0.05 * most < sides.max() <= most / 6 + 1e-4
        assert len(shares[trained].unique()) == shares[trained].numel()
    found = Asked.of(batch, len(task.alphabet))
    task.finder.read(found, batch.words[0].quads)
    torch.testing.assert_close(found.quads[0], task.finder.to_read(batch.words[0].quads))


def rectangles(quads: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(min_area_rectangle(quads.numpy())).float()


def moved(quads: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """(K, 4) how far the left and right ends, top and bottom of rectangles are outside of others, in heights."""
    along, down = true[:, 1] - true[:, 0], true[:, 3] - true[:, 0]
    height = down.norm(dim=1, keepdim=True)
    along, down = along / along.norm(dim=1, keepdim=True), down / height
    first, last = ((quads[:, k] - true[:, k]) / height for k in (0, 2))
    return torch.stack(
        [-(first * along).sum(1), (last * along).sum(1), -(first * down).sum(1), (last * down).sum(1)], dim=1
    )


def test_the_ends_of_a_word_taller_than_wide_are_above_and_below(root: Path) -> None:
    """Made wider instead, it would no longer be laid on its side: 6 columns for 32."""
    tall = torch.tensor([[[100.0, 40], [120, 40], [120, 120], [100, 120]]])
    read = task_of(root, margin=0.25).finder.to_read(tall)
    assert read[0].tolist() == [[120, 35], [120, 125], [100, 125], [100, 35]]
    assert torch.equal(turned(read), read)


def test_a_text_is_learned_as_a_whole_with_its_blanks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(root, alphabet=tuple(" AB,"))
    batch = batch_of(task, root, [0, 1])
    quads = torch.tensor([[[8.0, 8], [88, 8], [88, 28], [8, 28]]]).expand(4, 4, 2)
    texts = SeenWords(quads, ("B, A", "", "AxB", "A"), torch.tensor([True, True, True, True]), (1.0, 1.0))
    none = SeenWords(quads[:0], (), torch.zeros(0, dtype=torch.bool), (1.0, 1.0))
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr("saccade.tasks.spot_losses.losses.ctc", lambda *arguments: given.append(arguments))
    task.losses.reading(Asked.of(batch, 4), (texts, none))
    assert given[0][1].tolist() == [7, 8]
    assert [part.tolist() for part in given[0][2:]] == [[3, 4, 1, 2, 2], [4, 1], [2, 0]]


@pytest.mark.parametrize(("trained", "weight"), [(0.0, 8.0), (0.5, 4.0), (1.0, 2.0)])
def test_weights_that_change_while_it_learns(root: Path, trained: float, weight: float) -> None:
    """Two numbers are a weight at the beginning and one at the end, their geometric mean in the middle."""
    parts = [learned(root, trained, geometry=boxes, reading=read) for boxes, read in ((1.0, 0.0), (0.0, 1.0))]
    score = learned(root, trained, geometry=0.0, reading=0.0)
    boxes, read = (part - score for part in parts)
    for weights, part in (
        ({"geometry": (8.0, 2.0), "reading": 0.0}, boxes),
        ({"geometry": 0.0, "reading": (8.0, 2.0)}, read),
    ):
        assert learned(root, trained, **weights) == pytest.approx(score + weight * part, rel=1e-4)
        assert learned(root, trained, told=True, **weights) == pytest.approx(score + 2 * part, rel=1e-4), (
            "as in scoring"
        )


def learned(root: Path, trained: float, *, told: bool = False, **weights: Any) -> float:
    """What is lowered for a batch when a share of the training is over, or the loss that is told of it."""
    torch.manual_seed(0)
    task = task_of(root, **weights)
    network = task.model().train()
    torch.manual_seed(1)
    given = task.learn(network, batch_of(task, root, [0, 1]), epoch=0, trained=trained)
    return float((given.loss.mean() if told else given.objective()).detach())


def test_a_batch_without_a_word_to_read_still_teaches_where_words_are(root: Path) -> None:
    """No words, words that nobody cares for, and words of unknown characters; all weights get a gradient."""
    task = task_of(root, alphabet=("é",))
    batch = batch_of(task, root, [0, 1], training=True)
    none = SeenWords(torch.zeros(0, 4, 2), (), torch.zeros(0, dtype=torch.bool), (1.0, 1.0))
    unread = replace(batch.words[0], cared=torch.zeros_like(batch.words[0].cared))
    for words in ((none, none), (none, unread), batch.words):
        torch.manual_seed(0)
        network = task.model().train()
        task.learn(network, replace(batch, words=words), epoch=0).loss.mean().backward()
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())
        assert network.reader is not None
        assert not any(p.grad.any() for p in network.reader.parameters() if p.grad is not None)
        assert network.score.weight.grad is not None
        assert bool(network.score.weight.grad.any())


@pytest.mark.parametrize("score_loss", ["ohem", "dice", "balanced"])
def test_words_pull_the_score_up_the_ground_down_and_what_nobody_cares_for_neither(root: Path, score_loss: str) -> None:
    """Score and care exchanged, or positives masked out, would still give the true maps a loss of 0."""
    task = task_of(root, model="east", score_loss=score_loss)
    batch = batch_of(task, root, [0, 1, 2], training=True)
    score = torch.zeros_like(batch.target[:, :1]).requires_grad_()
    found = task.losses.finding(score, batch.target[:, GEOMETRY], batch.target, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(found[0][1].total.sum(), score)
    word, care = batch.target[:, SCORE, None] > 0, batch.target[:, CARE, None] > 0
    assert bool(word.any())
    assert bool((gradient[word] < 0).all())
    assert bool((gradient[care & ~word] >= 0).all())
    assert bool((gradient[care & ~word] > 0).any())
    assert not gradient[~care].any()


def test_words_are_as_wide_as_the_config_lets_them_be_in_learning_and_in_reading(root: Path) -> None:
    task = task_of(root)
    narrow = Spot(task.config.model_copy(update={"model": task.config.model.model_copy(update={"max_width": 7})}))
    batch = batch_of(narrow, root, [0])
    learned, read = (Asked.of(batch, len(narrow.alphabet)) for _ in range(2))
    narrow.losses.reading(learned, batch.words)
    narrow.finder.read(read, batch.words[0].quads)
    assert learned.max_width == read.max_width == 7


def test_a_word_that_rounding_leaves_without_area_is_left_out(root: Path) -> None:
    """In ICDAR's archive a quad must go clockwise."""
    task = task_of(root, model="east")
    batch = batch_of(task, root, [0, 1, 2])
    found = [task.finder(Spotted(*(part[i : i + 1] for part in true_maps(batch)[:3])), (60.0, 60.0)) for i in range(3)]
    assert [len(of.quads[0]) for of in found] == [3, 1, 2]  # of 4, 3 and 4
    assert all((area(of.quads[0].numpy()) > 0).all() for of in found)
    assert all(len(of.quads[0]) == len(of.scores[0]) == len(of.texts[0]) for of in found)


def test_each_axis_has_a_ratio_of_its_own(root: Path) -> None:
    task = task_of(root, model="east")
    seen = true_maps(batch_of(task, root, [0]))
    whole, scaled = (task.finder(seen, scale).quads[0] for scale in ((1.0, 1.0), (0.5, 4.0)))
    off = (scaled * torch.tensor([0.5, 4.0]) - whole).abs().amax(dim=(0, 1))  # both are rounded
    assert bool((off <= torch.tensor([0.75, 2.5])).all())


def test_a_lexicon_gives_one_of_its_words(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("KILO\nMETRE\n\nétrange\nKILO\n", encoding="utf-8")
    task = task_of(root, lexicon=tmp_path / "words.txt")
    batch = batch_of(task, root, [0])
    network = task.model().eval()
    with torch.no_grad():
        read = task.finder.read(network(batch.image), batch.words[0].quads)
    assert len(read) == len(batch.words[0].texts)
    assert set(read) <= {"KILO", "METRE"}
    said = " ".join(capsys.readouterr().err.split())
    assert "with characters that the alphabet lacks" in said
    assert "never read" in said


def test_nothing_is_read_where_no_word_of_the_lexicon_fits(root: Path, tmp_path: Path) -> None:
    """A crop of 6 columns has no room for nine letters; one of 40 columns does not."""
    (tmp_path / "words.txt").write_text("METRETREM\n", encoding="utf-8")
    task = task_of(root, lexicon=tmp_path / "words.txt")
    narrow = torch.tensor([[[8.0, 8], [24, 8], [24, 30], [8, 30]], [[8.0, 8], [88, 8], [88, 24], [8, 24]]])
    with torch.no_grad():
        assert task.finder.read(task.model().eval()(torch.zeros(1, 3, 96, 96)), narrow) == ("", "METRETREM")


def test_a_lexicon_that_cannot_be_used(tmp_path: Path) -> None:
    characters = Alphabet(tuple("ABC"))
    with pytest.raises(DataError, match=r"task\.lexicon: .*none\.txt cannot be read as text"):
        scene_text.words_of(tmp_path / "none.txt", characters)
    (tmp_path / "words.txt").write_text("xyz\n")
    with pytest.raises(DataError, match=r"task\.lexicon: no word of .*words\.txt is made of the 3 characters"):
        scene_text.words_of(tmp_path / "words.txt", characters)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_a_lexicon_is_utf8_whatever_the_platform_thinks(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "words.txt").write_bytes(mark + "ÉTÉ\r\nTWO WORDS\r\n".encode())
    own = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C")
        words, _ = scene_text.words_of(tmp_path / "words.txt", Alphabet(tuple(" DEORSTWÉ")))
    finally:
        locale.setlocale(locale.LC_CTYPE, own)
    assert words == ["ÉTÉ", "TWO WORDS"]


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
def test_settings_that_do_not_go_together(root: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Spot.check(settings(root, **changes))


def test_weights_of_a_network_that_reads_other_characters(root: Path, tmp_path: Path) -> None:
    one = task_of(root, alphabet=tuple("AB"))
    torch.save(one.model().state_dict(), tmp_path / "a.pth")
    config = settings(root, alphabet=tuple("ABC"))
    model = config.model.model_copy(update={"weights": tmp_path / "a.pth", "head": "keep"})
    with pytest.raises(CheckpointError, match=r"a\.pth"):
        Spot(config.model_copy(update={"model": model})).model()


def test_numbers_are_those_of_the_archive(root: Path, tmp_path: Path) -> None:
    """Metrics of the task, and of what it writes for ICDAR's evaluation, read back."""
    task = task_of(root, model="east")
    batch = batch_of(task, root, [0, 1, 2, 3])
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


def test_what_was_read_is_scored_alike_from_the_task_the_archive_and_the_table(root: Path, tmp_path: Path) -> None:
    """Every third word is misread, and the others are read in small letters."""
    task = task_of(root)
    listing = Spot.read(task.config, "train").take(np.arange(4))
    assert listing.words is not None
    words = [listing.words.of(i) for i in range(4)]
    batch = batch_of(task, root, [0, 1, 2, 3])
    _, found = task_of(root, model="east").score(Heart(batch), batch)
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


def test_images_of_the_same_name_have_no_archive_and_it_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = task_of(root, model="east")
    listing = Spot.read(task.config, "train").take(np.arange(2))
    table = task.answers(task.score(Heart(batch := batch_of(task, root, [0, 1])), batch)[1])
    twice = replace(listing, images=PathList(["a/img_1.jpg", "b/img_1.jpg"]))
    assert task.files(twice, table) == {}
    assert "no results.zip: two images have the same name" in capsys.readouterr().err
    assert set(task.files(listing, table)) == {"results.zip"}


def test_metrics_of_nothing_and_in_any_order() -> None:
    empty = SpotMetrics().compute()
    assert set(empty.metrics.values()) == {None}
    square = np.array([[[0, 0], [9, 0], [9, 9], [0, 9]]], dtype=np.float64)
    truth, none = Truth(square, ("A",), np.array([True])), Detections(np.zeros((0, 4, 2)), ())
    one, other = SpotMetrics(), SpotMetrics()
    one.update(torch.tensor([0, 1]), [truth, truth], [Detections(square, ("a",)), none])
    other.update(torch.tensor([1]), [truth], [none])
    other.update(torch.tensor([0]), [truth], [Detections(square, ("a",))])
    found = one.compute()
    assert found == other.compute()
    assert found.metrics["end_to_end_recall"] == 0.5  # case does not matter there
    assert found.metrics["word_accuracy"] == 0.0  # and does here
    assert found.per_image is not None
    assert found.per_image["detection_hmean"] == [1.0, 0.0]


def test_columns(root: Path) -> None:
    task = task_of(root)
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
