"""What spotting is taught by: losses, their weights, and where words are read while it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from saccade.data.spot_targets import CARE, GEOMETRY, SCORE
from saccade.quads import min_area_rectangle
from saccade.samples import SeenWords
from spot_tasks import Asked, batch_of, task_of


def test_the_loss_is_the_sum_of_its_weighed_parts(scenes: Path) -> None:
    batch = batch_of(task_of(scenes), scenes, [0, 1], training=True)

    def loss(**weights: float) -> Tensor:
        task = task_of(scenes, **weights)
        torch.manual_seed(1)
        network = task.model().eval()
        torch.manual_seed(2)  # of the examples
        return task.learn(network, batch, epoch=0).loss.total

    score = loss(geometry=0, reading=0)
    boxes, reading = loss(reading=0) - score, loss(geometry=0) - score
    torch.testing.assert_close(loss(geometry=0.5, reading=3), score + 0.5 * boxes + 3 * reading)
    assert (reading > 0).all()
    assert (boxes > 0).all()


def test_texts_with_unknown_characters_are_found_and_not_read(scenes: Path) -> None:
    """No loss of reading comes from them; the others are read as they would be alone."""
    task = task_of(scenes, alphabet=tuple("ABCDEFGH"))
    batch = batch_of(task, scenes, [0, 1, 2, 3])
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


def test_words_too_small_to_be_found_are_not_learned_to_be_read(scenes: Path) -> None:
    task = task_of(scenes, min_side=10, alphabet=("A",))
    batch = batch_of(task, scenes, [0])
    high = torch.tensor([9.0, 10.0, 11.0])
    quads = torch.tensor([[8.0, 8], [88, 8], [88, 8], [8, 8]]).repeat(3, 1, 1)
    quads[:, 2:, 1] += high[:, None]
    words = SeenWords(quads, ("A", "A", "A"), torch.tensor([True, True, True]), (1.0, 1.0))
    seen = Asked.of(batch, 1)
    assert task.losses.reading(seen, (words,)).weight.tolist() == [2]
    assert torch.equal(seen.quads[0], quads[1:])


@pytest.mark.parametrize("training", [True, False])
def test_words_are_learned_where_they_lie_in_the_input(scenes: Path, training: bool) -> None:
    task = task_of(scenes)
    batch = batch_of(task, scenes, [0, 1, 2], training=training)
    seen = Asked.of(batch, len(task.alphabet))
    task.losses.reading(seen, batch.words)
    assert sum(map(len, seen.quads)) > 2
    for quads, of in zip(seen.quads, batch.words, strict=True):
        torch.testing.assert_close(quads, rectangles(of.quads[of.cared]))


def test_what_is_learned_lies_about_the_word_as_what_is_found_does(scenes: Path) -> None:
    """With the margin in scoring; in training by none to twice as much, and less at first."""
    task = task_of(scenes, margin=0.6)
    batch = batch_of(task, scenes, [0, 1, 2])
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


def test_a_text_is_learned_as_a_whole_with_its_blanks(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(scenes, alphabet=tuple(" AB,"))
    batch = batch_of(task, scenes, [0, 1])
    quads = torch.tensor([[[8.0, 8], [88, 8], [88, 28], [8, 28]]]).expand(4, 4, 2)
    texts = SeenWords(quads, ("B, A", "", "AxB", "A"), torch.tensor([True, True, True, True]), (1.0, 1.0))
    none = SeenWords(quads[:0], (), torch.zeros(0, dtype=torch.bool), (1.0, 1.0))
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr("saccade.tasks.spot_losses.losses.ctc", lambda *arguments: given.append(arguments))
    task.losses.reading(Asked.of(batch, 4), (texts, none))
    assert given[0][1].tolist() == [7, 8]
    assert [part.tolist() for part in given[0][2:]] == [[3, 4, 1, 2, 2], [4, 1], [2, 0]]


@pytest.mark.parametrize(("trained", "weight"), [(0.0, 8.0), (0.5, 4.0), (1.0, 2.0)])
def test_weights_that_change_while_it_learns(scenes: Path, trained: float, weight: float) -> None:
    """Two numbers are a weight at the beginning and one at the end, their geometric mean in the middle."""
    parts = [learned(scenes, trained, geometry=boxes, reading=read) for boxes, read in ((1.0, 0.0), (0.0, 1.0))]
    score = learned(scenes, trained, geometry=0.0, reading=0.0)
    boxes, read = (part - score for part in parts)
    for weights, part in (
        ({"geometry": (8.0, 2.0), "reading": 0.0}, boxes),
        ({"geometry": 0.0, "reading": (8.0, 2.0)}, read),
    ):
        assert learned(scenes, trained, **weights) == pytest.approx(score + weight * part, rel=1e-4)
        assert learned(scenes, trained, told=True, **weights) == pytest.approx(score + 2 * part, rel=1e-4), (
            "as in scoring"
        )


def learned(scenes: Path, trained: float, *, told: bool = False, **weights: Any) -> float:
    """What is lowered for a batch when a share of the training is over, or the loss that is told of it."""
    torch.manual_seed(0)
    task = task_of(scenes, **weights)
    network = task.model().train()
    torch.manual_seed(1)
    given = task.learn(network, batch_of(task, scenes, [0, 1]), epoch=0, trained=trained)
    return float((given.loss.mean() if told else given.objective()).detach())


def test_a_batch_without_a_word_to_read_still_teaches_where_words_are(scenes: Path) -> None:
    """No words, words that nobody cares for, and words of unknown characters; all weights get a gradient."""
    task = task_of(scenes, alphabet=("é",))
    batch = batch_of(task, scenes, [0, 1], training=True)
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
def test_words_pull_the_score_up_the_ground_down_and_what_nobody_cares_for_neither(
    scenes: Path, score_loss: str
) -> None:
    """Score and care exchanged, or positives masked out, would still give the true maps a loss of 0."""
    task = task_of(scenes, model="east", score_loss=score_loss)
    batch = batch_of(task, scenes, [0, 1, 2], training=True)
    score = torch.zeros_like(batch.target[:, :1]).requires_grad_()
    found = task.losses.finding(score, batch.target[:, GEOMETRY], batch.target, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(found[0][1].total.sum(), score)
    word, care = batch.target[:, SCORE, None] > 0, batch.target[:, CARE, None] > 0
    assert bool(word.any())
    assert bool((gradient[word] < 0).all())
    assert bool((gradient[care & ~word] >= 0).all())
    assert bool((gradient[care & ~word] > 0).any())
    assert not gradient[~care].any()
