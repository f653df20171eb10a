"""What the caption task learns, says and tells, on networks and captions small enough to be followed by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from saccade.config.schema import Config
from saccade.data import coco_captions, vocabulary
from saccade.data.captions import Captions
from saccade.data.feature_writer import FeatureWriter
from saccade.data.vocabulary import END, START, Vocabulary
from saccade.decode import captions as decoding
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.losses.caption import cross_entropy
from saccade.metrics.captions.cider import CiderD, ngram_weights
from saccade.nn.caption_network import CaptionNetwork
from saccade.samples import Batch, CaptionPrediction, SampleKey
from saccade.tasks import caption, rewards
from saccade.tasks.caption import Caption
from trees import caption_tree

WORDS = ("<pad>", "<start>", "<unk>", "<end>", "a", "cat", "dog", "runs", "red", "blue")
R, D = 3, 4


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return caption_tree(tmp_path / "coco", train=6, val=4)


def config(
    root: Path = Path("none"), *, data: dict[str, Any] | None = None, model: str = "lstm", **task: Any
) -> Config:
    features = {"path": "features", "shape": [R, D]}
    sizes = {"hidden": 16} if model == "transformer" else {"hidden": 16, "embedding": 6}
    return Config.model_validate(
        {
            "name": "x",
            "task": {"name": "caption", "vocabulary": list(WORDS), "max_length": 6, **task},
            "data": {"format": "coco", "root": root, "image_size": 32, "features": features, **(data or {})},
            "model": {"name": model, "encoder": "small_cnn", **sizes},
            "trainer": {"accelerator": "cpu"},
        }
    )


def task_and_network(**settings: Any) -> tuple[Caption, CaptionNetwork]:
    """In evaluation mode, so that dropout does not blur what is compared; in double precision."""
    task = Caption(config(**settings))
    torch.manual_seed(0)
    return task, task.model().double().eval()


def batch_of(*captions: list[int], references: tuple[tuple[str, ...], ...] = ()) -> Batch:
    target = torch.zeros(len(captions), max(map(len, captions)) + 2, dtype=torch.int64)
    for row, numbers in zip(target, captions, strict=True):
        row[: len(numbers) + 2] = torch.tensor([START, *numbers, END])
    image = torch.rand(len(captions), R, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.1
    return Batch(torch.arange(len(captions)), image, target, references=references)


BATCH = batch_of([4, 5, 7, 8, 9, 6], [6, 7])


def gradients(network: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    found = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    return {name: g for (name, _), g in zip(network.named_parameters(), found, strict=True) if g is not None}


# Learning


@pytest.mark.parametrize("model", ["rnn", "gru", "lstm", "attention", "updown", "transformer"])
def test_a_chunk_that_holds_the_captions_is_as_one_piece(model: str) -> None:
    task, network = task_and_network(model=model)
    logits, loss, _ = task.learn(network, BATCH, epoch=0)
    whole = network(BATCH.image, BATCH.target[:, :-1])
    target = BATCH.target[:, 1:]
    by_hand = cross_entropy(whole, target, target != 0)
    torch.testing.assert_close(logits, whole)
    torch.testing.assert_close(loss, by_hand)
    assert loss.weight.tolist() == [7, 3]  # words and the end
    expected = gradients(network, by_hand.mean())
    for name, found in gradients(network, loss.mean()).items():
        torch.testing.assert_close(found, expected[name], msg=name)


@pytest.mark.parametrize("model", ["gru", "lstm", "attention", "updown", "transformer"])
def test_truncation_cuts_the_gradient_and_not_the_loss(model: str) -> None:
    (task, network), (short, _) = task_and_network(model=model), task_and_network(model=model, chunk=3)
    whole_logits, whole, _ = task.learn(network, BATCH, epoch=0)
    logits, loss, _ = short.learn(network, BATCH, epoch=0)
    torch.testing.assert_close(logits, whole_logits)
    torch.testing.assert_close(loss, whole)
    # "cat" is read once, third of the first caption: what it is learned by ends with the chunk of three words
    table = next(module.weight for module in network.modules() if isinstance(module, nn.Embedding))
    cat = WORDS.index("cat")
    (of_chunk,) = torch.autograd.grad(
        cross_entropy(logits[:, :3], BATCH.target[:, 1:4], BATCH.target[:, 1:4] != 0).total.sum() / 10,
        table,
        retain_graph=True,
    )
    (truncated,) = torch.autograd.grad(loss.mean(), table)
    (untruncated,) = torch.autograd.grad(whole.mean(), table)
    torch.testing.assert_close(truncated[cat], of_chunk[cat])
    assert not torch.allclose(truncated[cat], untruncated[cat], rtol=1e-3)


def test_own_words_are_read_from_the_sixth_epoch_on(monkeypatch: pytest.MonkeyPatch) -> None:
    task, network = task_and_network(scheduled_sampling=0.12, chunk=3)
    really, asked = caption.read_own_words, []

    def reading(*args: Any, probability: float, **more: Any) -> Any:
        asked.append(round(probability, 6))
        return really(*args, probability=probability, **more)

    monkeypatch.setattr(caption, "read_own_words", reading)
    told = {}
    for epoch in (0, 4, 5, 9, 10, 15, 40):
        asked.clear()
        logits = task.learn(network, BATCH, epoch=epoch).logits
        assert logits.shape == (2, 7, len(WORDS))
        told[epoch] = list(asked)
    # epochs count from 0; three chunks of three words
    assert told == {0: [], 4: [], 5: [0.05] * 3, 9: [0.05] * 3, 10: [0.1] * 3, 15: [0.12] * 3, 40: [0.12] * 3}
    never, _ = task_and_network()
    asked.clear()
    never.learn(network, BATCH, epoch=40)
    assert asked == []


def test_concepts_are_the_words_of_all_captions_of_an_image() -> None:
    """Their mean binary cross-entropy, weighed by log(images / images with the word), is lowered beside it."""
    images = {"features": {"path": None, "shape": None}}
    (plain, _), (task, network) = task_and_network(data=images), task_and_network(data=images, concepts=0.5)
    image = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    batch = Batch(BATCH.index, image, BATCH.target, references=(("A cat runs.", "a zebra"), ("dog",)))
    task.before_training({"train": listing_with(TRAIN)})
    without = plain.learn(network, batch, epoch=0).loss
    learned = task.learn(network, batch, epoch=0)
    loss, beside = learned.loss, learned.beside
    assert beside is not None
    # of the four images a is in the captions of all, cat and dog of two, runs of three, red and blue of one
    weights = torch.tensor([4 / 4, 4 / 2, 4 / 2, 4 / 3, 4 / 1, 4 / 1]).log()
    weights = torch.cat([torch.zeros(4), weights]) * len(WORDS) / weights.sum()
    p = network(image).words().sigmoid()
    true = torch.zeros(2, len(WORDS))
    true[0, [4, 5, 7]] = 1  # a, cat, runs; the zebra is not known
    true[1, 6] = 1
    each = -(weights * (true * p.log() + (1 - true) * (1 - p).log())).mean(dim=1)
    torch.testing.assert_close(loss, without)  # what the curve shows is the loss that scoring computes
    torch.testing.assert_close(beside.total, 0.5 * each * without.weight, rtol=1e-6, atol=0)
    torch.testing.assert_close(learned.objective(), without.mean() + 0.5 * (each * without.weight).sum() / 10)
    assert task.score(network, batch)[0].total.tolist() == pytest.approx(without.total.tolist())


# Self-critical training

TRAIN = (("a cat runs", "a cat"), ("a dog runs", "the dog"), ("a red dog", "a dog"), ("blue", "a blue cat runs"))
REFERENCES = TRAIN[:2]
DRAWN = [[4, 5, 3, 0], [4, 5, 7, 3], [4, 5, 7, 4], [6, 3, 0, 0], [4, 6, 7, 3], [4, 6, 7, 3]]
"""Three captions of each of two images: a cat. a cat runs. a cat runs a (cut) / dog. a dog runs. a dog runs."""
GREEDY = [[4, 5, 3], [4, 6, 3]]


def said_of(tokens: list[list[int]], log_probs: Tensor) -> decoding.Decoded:
    numbers = torch.tensor(tokens)
    return decoding.Decoded(numbers, log_probs, None, (numbers != 0).sum(dim=1))


def ciders(tokens: list[list[int]], images: list[int]) -> list[float]:
    """CIDEr-D with the end as a word everywhere, weighed by the training captions."""
    ended = [[[*text.split(), "<end>"] for text in texts] for texts in TRAIN]
    spoken = [[WORDS[number] for number in row if number] for row in tokens]
    found: list[float] = CiderD(ended[:2], weights=ngram_weights(ended)).scores(spoken, images=images).tolist()
    return found


def learned_from_rewards(monkeypatch: pytest.MonkeyPatch, baseline: str) -> tuple[Any, Tensor, list[bool]]:
    settings = {"loss": "self_critical", "samples": 3, "baseline": baseline}
    asked = config(**{"loss": "cross_entropy"})
    section = asked.task.model_copy(update=settings)
    task = Caption(asked.model_copy(update={"task": section}))
    network = task.model().double().train()
    log_probs = torch.linspace(-3, -0.1, 24, dtype=torch.float64).view(6, 4).requires_grad_()
    masked = log_probs.masked_fill(torch.tensor(DRAWN) == 0, 0.0)
    modes = []

    def greedily(network: nn.Module, memory: decoding.Memory, rules: decoding.Rules) -> decoding.Decoded:
        modes.append(network.training)
        assert not torch.is_grad_enabled()
        return said_of(GREEDY, torch.zeros(2, 3))

    def draw(network: nn.Module, memory: decoding.Memory, rules: decoding.Rules) -> decoding.Decoded:
        modes.append(network.training)
        assert [len(part) for part in memory] == [6]
        assert torch.equal(memory[0][0], memory[0][2])  # three rows of the first image, then of the second
        assert not torch.equal(memory[0][2], memory[0][3])
        return said_of(DRAWN, masked)

    monkeypatch.setattr(rewards, "drawn", draw)
    monkeypatch.setattr(rewards, "greedy", greedily)
    task.before_training({"train": listing_with(TRAIN)})
    batch = batch_of([4, 5], [4, 6], references=REFERENCES)
    _, loss, _ = task.learn(network, batch, epoch=0)
    assert network.captioner.training
    return loss, log_probs, modes


def listing_with(captions: tuple[tuple[str, ...], ...]) -> Any:
    class Described:
        pass

    found: Any = Described()
    found.captions = Captions.gathered(list(range(len(captions))), captions)
    return found


@pytest.mark.parametrize("baseline", ["others", "greedy"])
def test_what_scores_above_its_baseline_becomes_likelier(monkeypatch: pytest.MonkeyPatch, baseline: str) -> None:
    loss, log_probs, modes = learned_from_rewards(monkeypatch, baseline)
    scores = np.array(ciders(DRAWN, [0, 0, 0, 1, 1, 1])).reshape(2, 3)
    if baseline == "others":
        reward = np.array([[row[k] - (row.sum() - row[k]) / 2 for k in range(3)] for row in scores])
    else:
        reward = scores - np.array(ciders(GREEDY, [0, 1]))[:, None]
    there = np.array(DRAWN) != 0  # words and the end
    by_hand = -(reward.reshape(6, 1) * log_probs.detach().numpy() * there).reshape(2, 12).sum(axis=1)
    assert loss.total.tolist() == pytest.approx(by_hand.tolist())
    assert loss.weight.tolist() == [11, 10]
    (gradient,) = torch.autograd.grad(loss.mean(), log_probs)
    assert gradient.numpy() == pytest.approx(-reward.reshape(6, 1) * there / 21)
    assert modes == ([True] if baseline == "others" else [True, False])
    # a whole caption is worth more than one that breaks off or goes on: the end is a word
    assert scores[0, 1] > scores[0, 0] > 0
    assert scores[0, 1] > scores[0, 2]
    assert scores[1, 1] == scores[1, 2]


def test_what_is_drawn_has_the_gradient_of_its_own_probabilities() -> None:
    task = Caption(config())
    network = task.model().double().eval()
    torch.manual_seed(0)
    seen = network(BATCH.image)
    rules = task.rules
    found = rewards.Rewards(
        listing_with(TRAIN).captions, vocabulary=task.vocabulary, rules=rules, samples=4, baseline="others"
    )
    log_probs, loss = found.loss(seen, REFERENCES)
    assert log_probs.shape[0] == 8
    assert loss.total.shape == (2,)
    assert {name for name, g in gradients(network, loss.mean()).items() if g.abs().sum() > 0} >= {
        "captioner.output.weight",
        "captioner.embedding.weight",
    }


# Saying


def taught(model: str) -> tuple[Caption, CaptionNetwork, Batch]:
    """A network that has learned a caption of its own for each of six images."""
    task, network = task_and_network(model=model)
    spoken = [[4, 5], [4, 5, 7], [6], [8, 6, 7], [9, 5], [4, 8, 6, 7]]
    references = tuple((" ".join(WORDS[number] for number in row),) for row in spoken)
    batch = batch_of(*spoken, references=references)
    batch.image[:] = 3 * torch.randn(6, R, D, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(60 if model == "transformer" else 120):
        optimizer.zero_grad()
        task.learn(network, batch, epoch=0).objective().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return task, network, batch


def rows_of(batch: Batch, rows: list[int]) -> Batch:
    references = tuple(batch.references[i] for i in rows)
    return Batch(batch.index[rows], batch.image[rows], batch.target[rows], references=references)


@pytest.mark.parametrize("model", ["lstm", "attention", "transformer"])
def test_what_is_said_does_not_depend_on_the_batch_and_a_beam_finds_what_is_sure(model: str) -> None:
    task, network, batch = taught(model)
    with torch.no_grad():
        loss, whole = task.score(network, batch)
        sure = [text == texts[0] for text, texts in zip(whole.captions, batch.references, strict=True)]
        assert len(set(whole.captions)) > 2
        assert all(sure) or model == "attention"
        for rows in ([0], [1, 2], [5, 3, 4, 0]):
            some, said = task.score(network, rows_of(batch, rows))
            assert said.captions == tuple(whole.captions[i] for i in rows)
            torch.testing.assert_close(some.per_image(), loss.per_image()[rows])
        beams = Caption(config(model=model, beam=3, length_penalty="avg")).score(network, batch)[1]
    if all(sure):
        assert beams.captions == whole.captions
    for prediction in (whole, beams):
        for text, weights in zip(prediction.captions, prediction.weights, strict=True):
            if model == "lstm":
                assert weights is None
                continue
            assert weights is not None
            assert weights.shape == (len(text.split(" ")) if text else 0, R)
            torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(weights)).double())


def test_a_beam_searches_where_greed_errs() -> None:
    """By the network's own count the caption of five beams is at least as likely as the greedy one."""
    task, network = task_and_network()
    wide = Caption(config(beam=5))
    batch = batch_of(*[[4]] * 8)
    with torch.no_grad():
        nn.init.normal_(network.captioner.output.weight, std=1.5)  # type: ignore[arg-type]
        seen = network(batch.image)

        def log_prob(i: int, text: str) -> float:
            numbers = [START, *(WORDS.index(word) for word in text.split()), *([END] if len(text.split()) < 6 else [])]
            logits = network(batch.image[i : i + 1], torch.tensor([numbers[:-1]]))
            return float(logits.log_softmax(dim=2)[0].gather(1, torch.tensor(numbers[1:])[:, None]).sum())

        pairs = zip(task.decode(seen).captions, wide.decode(seen).captions, strict=True)
        gains = [log_prob(i, searched) - log_prob(i, greedy) for i, (greedy, searched) in enumerate(pairs)]
    assert min(gains) > -1e-9
    assert max(gains) > 0


def test_an_empty_caption_has_no_rows_of_attention() -> None:
    task, network = task_and_network(model="attention")
    with torch.no_grad():
        network.captioner.output.bias[END] = 100.0  # type: ignore[index, operator]
        prediction = task.decode(network(BATCH.image))
    assert prediction.captions == ("", "")
    assert [weights.shape for weights in prediction.weights if weights is not None] == [(0, R)] * 2
    assert task.answers(prediction)["attention"].to_list() == [[], []]
    assert task.answers(task.nothing()).schema == task.answers(prediction).schema


# Telling


def stored(root: Path, **writer: Any) -> Path:
    folder = root.parent / "features"
    settings = {"made": {"source": "x"}, **writer}
    shape = settings.pop("shape", (R, D))
    for split, n in (("train", 6), ("val", 4)):
        names = [f"{split}/{split}_{i:03d}.jpg" for i in range(n)]
        rng = np.random.default_rng(n)
        boxes = rng.random((n, shape[0], 4), dtype=np.float32) if settings.get("boxes") else None
        with FeatureWriter(folder / f"{split}.npy", names, shape, **settings) as open_writer:
            open_writer.write(rng.random((n, *shape), dtype=np.float32), boxes)
    return folder


def test_what_the_data_set_says_of_each_image(root: Path) -> None:
    folder = stored(root, boxes=True)
    task = Caption(config(root, data={"features": {"path": folder, "shape": [R, D]}}))
    listing = coco_captions.read(root, "val").take(np.array([2, 0]))
    known = task.known(listing)
    assert known.columns == ["references", "boxes"]
    assert known["references"].to_list() == [
        ["a red square.", "there is a square that is red"],
        ["a blue square.", "there is a square that is blue"],
    ]
    boxes = np.load(folder / "val.boxes.npy")
    assert np.array(known["boxes"].to_list()) == pytest.approx(boxes[[2, 0]])
    table = pl.DataFrame({"caption": ['a "red" \U0001f600', ""]})
    files = task.files(listing, table)
    assert list(files) == ["captions.json"]
    assert json.loads(files["captions.json"]) == [
        {"image_id": 2, "caption": 'a "red" \U0001f600'},
        {"image_id": 0, "caption": ""},
    ]
    prediction = CaptionPrediction(("a cat", ""), (torch.tensor([[0.25, 0.75], [1, 0]]), None))
    rows = task.table(BATCH, prediction)
    assert rows.schema == {"caption": pl.String, "attention": pl.List(pl.List(pl.Float32))}
    assert rows["attention"].to_list() == [[[0.25, 0.75], [1.0, 0.0]], None]
    without = Caption(config(root, data={"features": {"path": None}}))
    assert without.known(listing).columns == ["references"]


def test_stored_features_are_what_is_seen(root: Path) -> None:
    folder = stored(root)
    task = Caption(config(root, data={"features": {"path": folder, "shape": [R, D]}}))
    listing = coco_captions.read(root, "train")
    dataset = task.dataset(listing, training=True)
    samples = [dataset[SampleKey(epoch, 1)] for epoch in range(8)]
    array = np.load(folder / "train.npy")
    assert all(np.array_equal(sample.image.numpy(), array[1].astype(np.float32)) for sample in samples)
    # of the two captions of the image another one is drawn from epoch to epoch; the words are not of this vocabulary
    assert {len(sample.target) for sample in samples} == {5, 9}
    scored = task.dataset(listing, training=False)
    assert len({len(scored[SampleKey(epoch, 1)].target) for epoch in range(8)}) == 1
    other = Caption(config(root, data={"features": {"path": folder, "shape": [10, D]}}))
    with pytest.raises(DataError, match=r"train\.npy: has 3 x 4 features of an image, and the network takes 10 x 4"):
        other.dataset(listing, training=True)


GRID = {"grid": [2, 3], "resize": "crop", "resize_crop": 0.5}


@pytest.mark.parametrize(
    ("writer", "told"),
    [
        ({"boxes": True}, {"kind": "boxes"}),
        ({"boxes": True, "shape": (1, D)}, {"kind": "boxes"}),
        ({"shape": (D,)}, {"kind": "pooled"}),
        ({"shape": (1, D)}, {"kind": "pooled"}),
        ({}, {"kind": "boxes"}),  # features of others, of which nobody knows where they are
        (
            {"shape": (6, D), "made": GRID},
            {"kind": "grid", "height": 2, "width": 3, "resize": "crop", "resize_crop": 0.5},
        ),
        ({"shape": (D,), "made": {**GRID, "pool": "max"}}, {"kind": "pooled"}),
    ],
)
def test_what_the_regions_of_stored_features_are(root: Path, writer: dict[str, Any], told: dict[str, Any]) -> None:
    folder = stored(root, **writer)
    task = Caption(config(root, data={"features": {"path": folder}}))
    assert task.facts(coco_captions.read(root, "val"))["regions"] == told


@pytest.mark.parametrize(("size", "side"), [(32, 4), (60, 7)])  # small_cnn halves three times and rounds down
def test_the_regions_of_an_image_are_the_positions_of_its_map(root: Path, size: int, side: int) -> None:
    data = {"features": {"path": None}, "image_size": size, "resize": "squash"}
    task = Caption(config(root, model="attention", data=data))
    facts = task.facts(coco_captions.read(root, "val"))
    assert facts["regions"] == {"kind": "grid", "height": side, "width": side, "resize": "squash", "resize_crop": 0.875}
    _, prediction = task.score(task.model().eval(), Batch(BATCH.index, torch.rand(2, 3, size, size), BATCH.target))
    assert prediction.weights[0] is not None
    assert prediction.weights[0].shape[1] == side**2


def test_meteor_has_a_pooling_where_it_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Callable[..., Any] | None] = [None, lambda *_: (0.5, [0.5])]
    for function in found:
        monkeypatch.setattr(caption, "if_installed", lambda *_, function=function: function)
        task = Caption(config())
        metric = task.metrics()
        task.measure(metric, CaptionPrediction(("a cat",), (None,)), batch_of([4], references=(("a cat",),)))
        scored = metric.compute().metrics
        assert ("meteor" in scored) == (function is not None)
        assert set(task.pooling) == {"loss", *scored}


# Words


def test_words_of_a_list_a_file_or_the_training_captions(root: Path, tmp_path: Path) -> None:
    train = coco_captions.read(root, "train")
    assert Caption.resolve(config(root), train) == {"vocabulary": WORDS}
    path = tmp_path / "words.json"
    vocabulary.save(path, Vocabulary((*WORDS, "green")))
    assert Caption.resolve(config(root, vocabulary=path), train) == {"vocabulary": (*WORDS, "green")}
    learned = Caption.resolve(config(root, vocabulary=None, min_count=3), train)["vocabulary"]
    # six images with "a c square." and "there is a square that is c": 12 times a, is, square, 6 times that, there, and
    # 4 times each of three colours
    assert learned == (*WORDS[:4], "a", "is", "square", "that", "there", "blue", "green", "red")
    assert Caption.resolve(config(root, vocabulary=None, min_count=7), train)["vocabulary"][4:] == ("a", "is", "square")
    with pytest.raises(DataError, match=r"task\.min_count: no word occurs 13 times in 12 captions .*lower task\.min_c"):
        Caption.resolve(config(root, vocabulary=None, min_count=13), train)


def test_a_run_keeps_its_words_in_a_file(tmp_path: Path) -> None:
    task = Caption(config())
    kept = task.config_in(tmp_path)
    assert kept.task.vocabulary == tmp_path / "vocabulary.json"  # type: ignore[union-attr]
    assert Caption(kept).outputs == task.outputs == WORDS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "cat"], "found a list of 2 words; it begins with <pad>, <start>, <unk>, <end>"),
        ([*WORDS, "cat"], "no word stands there twice"),
        ([*WORDS, "a cat"], "'a cat' in the list; a word has no blanks"),
    ],
)
def test_lists_of_words_that_do_not_hold(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=rf"^task\.vocabulary: .*{said}"):
        Caption.check(config(vocabulary=words))


IMAGES: dict[str, Any] = {"features": {"path": None, "shape": None}}


@pytest.mark.parametrize(
    ("made", "data", "model", "said"),
    [
        ({}, {}, {"hidden": 32}, r"cells\.0\.bias_f \(1, 16\) in the file, \(1, 32\) in the network"),
        ({}, {}, {"embedding": 8}, r"captioner\.embedding\.weight \(10, 6\) in the file, \(10, 8\) in the network"),
        ({}, {"path": "features", "shape": (R, 5)}, {}, r"1 of another shape: captioner\.image\.linear\.weight"),
        ({"model": "transformer"}, {}, {"hidden": 8}, r"\(10, 16\) in the file, \(10, 8\) in the network"),
        ({"data": IMAGES, "model": "updown"}, {}, {"encoder": "cifar_resnet20"}, r"missing in the file: encoder\."),
    ],
)
def test_weights_of_a_network_of_another_size(
    tmp_path: Path, made: dict[str, Any], data: dict[str, Any], model: dict[str, Any], said: str
) -> None:
    """All settings that the size hangs on are named, and not a head, which cannot be replaced alone."""
    path, given = tmp_path / "weights.pth", config(**made)
    torch.save(Caption(given).model().state_dict(), path)
    kept = {"weights": path, "head": "keep"}
    Caption(given.model_copy(update={"model": given.model.model_copy(update=kept)})).model()
    features = given.data.features.model_copy(update=data)
    changed = {
        "data": given.data.model_copy(update={"features": features}),
        "model": given.model.model_copy(update={**kept, **model}),
    }
    with pytest.raises(CheckpointError, match=said) as refused:
        Caption(given.model_copy(update=changed)).model()
    where = "model.hidden, model.encoder and data.image_size" if "data" in made else "model.hidden and data.features"
    assert str(refused.value).startswith(
        f"model.weights: {path} does not fit the network; choose the model.name, model.layers, model.embedding, "
        f"{where} that it was saved from\n"
    )


def test_pictures_and_examples(root: Path) -> None:
    task = Caption(config(root, data={"features": {"path": None}}))
    listing = coco_captions.read(root, "train")
    dataset = task.dataset(listing, training=False)
    batch = task.collate([dataset[SampleKey(0, i)] for i in range(3)])
    pictures, words = task.draw(batch)
    assert [picture.shape for picture in pictures] == [(32, 32, 3)] * 3
    first = [
        ["a blue <unk>", "<unk> <unk> a <unk> <unk> <unk> blue"],
        ["a <unk> <unk>", "<unk> <unk> a" + 4 * " <unk>"],
    ]
    assert words[0] in first[0]
    assert words[1] in first[1]  # green is not known
    image, word = task.example_inputs()
    assert image.shape == (1, 3, 32, 32)
    assert word.tolist() == [[START]]
    features, _ = Caption(config()).example_inputs()
    assert features.shape == (1, R, D)
