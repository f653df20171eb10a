"""Losses of finding and reading words: worked by hand, without text, and in batches of any kind."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from saccade.losses.spot import (
    balanced_cross_entropy,
    combined,
    ctc,
    dice,
    geometry,
    hard_cross_entropy,
    readable,
)
from saccade.samples import ImageLoss

D = torch.float64
Map = tuple[Tensor, Tensor, Tensor]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=D)[None, None, None]


def maps(images: int = 3, side: int = 8) -> Map:
    """Logits, score and care; the second image is without text, the third counts nowhere."""
    g = seeded()
    logits = 2 * torch.randn(images, 1, side, side, generator=g, dtype=D)
    score = (torch.rand(images, 1, side, side, generator=g) < 0.2).float()
    care = (torch.rand(images, 1, side, side, generator=g) < 0.8).float()
    score[1], care[2] = 0, 0
    return logits, score, care


def boxes() -> Map:
    """Rboxes, their targets and where they count; no word in the second image."""
    g = seeded(1)
    said, wanted = (60 * torch.rand(3, 5, 6, 7, generator=g, dtype=D) for _ in range(2))
    for each in (said, wanted):
        each[:, 4] = each[:, 4] / 60 * math.pi - math.pi / 2
    there = torch.rand(3, 1, 6, 7, generator=g) < 0.5
    there[1] = False
    return said, wanted, there


# of what is said, the target, what counts, and the source of randomness
Loss = Callable[[Tensor, Tensor, Tensor, torch.Generator], ImageLoss]
LOSSES: dict[str, tuple[Loss, Callable[[], Map]]] = {
    "hard": (lambda x, y, c, g: hard_cross_entropy(x, y, c, generator=g, hardest=5, random=5), maps),
    "balanced": (lambda x, y, c, g: balanced_cross_entropy(x, y, c), maps),
    "dice": (lambda x, y, c, g: dice(x, y, c), maps),
    "geometry": (lambda x, y, c, g: geometry(x, y, c, generator=g, hardest=None), boxes),
    "geometry of some": (lambda x, y, c, g: geometry(x, y, c, generator=g, hardest=4, random=3), boxes),
}
every = pytest.mark.parametrize(("loss", "made"), LOSSES.values(), ids=LOSSES)


@every
def test_any_batching_gives_the_same_mean(loss, made) -> None:
    """Random examples, too: each image draws its own."""
    said, wanted, counts = made()
    whole, g = loss(said, wanted, counts, seeded()), seeded()
    parts = [loss(said[[i]], wanted[[i]], counts[[i]], g) for i in range(3)]
    total, weight = (torch.cat(each) for each in zip(*parts, strict=True))
    torch.testing.assert_close(ImageLoss(total, weight), whole)


@every
def test_gradients_are_those_of_finite_differences(loss, made) -> None:
    said, wanted, counts = made()
    assert torch.autograd.gradcheck(lambda x: loss(x, wanted, counts, seeded()).total, (said.requires_grad_(),))


@every
@pytest.mark.parametrize("value", [1e30, math.inf, math.nan])
def test_what_does_not_count_has_no_say_and_exactly_no_gradient(loss, made, value) -> None:
    said, wanted, counts = made()
    masked = counts == 0
    other = said.masked_fill(masked, value).requires_grad_()
    got = loss(other, wanted.masked_fill(masked, 1), counts, seeded())
    torch.testing.assert_close(got, loss(said, wanted, counts, seeded()), rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(got.mean(), other)
    assert not gradient.masked_select(masked).any()
    assert bool(torch.isfinite(gradient).all())
    assert bool(gradient.any())


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_losses_are_computed_in_float32(loss, made, dtype) -> None:
    said, wanted, counts = made()
    got = loss(said.to(dtype), wanted, counts, seeded())
    assert got.weight.dtype == torch.float32
    assert bool(torch.isfinite(got.total).all())
    exact = loss(said.to(dtype).double(), wanted, counts, seeded())
    assert float(got.mean()) == pytest.approx(float(exact.mean()), rel=1e-4)


# Negatives of -log(1 - p) = 1, 2, 3, 4, and positives.
def negatives(*losses: float) -> Tensor:
    return row(*(math.log(math.expm1(loss)) for loss in losses))


def test_all_positives_the_hardest_and_some_random_negatives() -> None:
    """Of -log p = 2 twice and negatives of 1 to 4: the hardest is 4, and one other; one is not cared for."""
    logits = torch.cat([negatives(1, 2, 3, 4), -negatives(2, 2), negatives(9)], dim=3)
    score, care = row(0, 0, 0, 0, 1, 1, 0), row(1, 1, 1, 1, 1, 1, 0)
    seen = set()
    for seed in range(30):
        got = hard_cross_entropy(logits, score, care, generator=seeded(seed), hardest=1, random=1)
        assert got.weight.tolist() == [4]
        seen.add(round(got.total.item() - 8, 9))
    assert seen == {1, 2, 3}, "each of the others comes up, and the hardest not twice"


def test_random_negatives_are_random_and_not_the_next_hardest() -> None:
    """Of 60 others each is drawn about as often: 3000 draws of 6, of the next ones as often as of the last."""
    logits = negatives(*(8 - i / 10 for i in range(64)))
    drawn, generator = torch.zeros(64), seeded()
    for _ in range(500):
        x = logits.clone().requires_grad_()
        got = hard_cross_entropy(x, row(*[0] * 64), row(*[1] * 64), generator=generator, hardest=4, random=6)
        (gradient,) = torch.autograd.grad(got.total.sum(), x)
        drawn += (gradient[0, 0, 0] != 0).float()
    assert drawn[:4].tolist() == [500] * 4
    # 50 each on average with a standard deviation of 6.7
    assert float(drawn[4:].min()) > 20
    assert float(drawn[4:].max()) < 80
    assert float(drawn[4:34].mean()) == pytest.approx(50, abs=3)


def test_fewer_negatives_than_asked_for_are_all_of_them() -> None:
    logits, score, care = maps()
    got = hard_cross_entropy(logits, score, care, generator=seeded(), hardest=500, random=500)
    assert got.weight.tolist() == care.sum(dim=(1, 2, 3)).tolist()
    x, y, counts = logits[0], score[0], care[0].bool()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(x[counts], y[counts].double(), reduction="sum")
    assert got.total[0].item() == pytest.approx(expected.item())


def test_positives_teach_as_soon_as_they_count() -> None:
    """A score loss that stays at about 0.01 was one whose positives were all masked out."""
    logits, score, _ = maps()
    logits.requires_grad_()
    for name in ("hard", "balanced", "dice"):
        got = LOSSES[name][0](logits, score, torch.ones_like(score), seeded())
        (gradient,) = torch.autograd.grad(got.total.sum(), logits)
        assert bool((gradient[score > 0] < 0).all())


def test_balanced_cross_entropy_by_hand() -> None:
    """One positive of p = 1/4 and three negatives of p = 1/2, so that b is 3/4; two cells do not count."""
    logits = row(math.log(1 / 3), 0, 0, 0, 5, -5)
    got = balanced_cross_entropy(logits, row(1, 0, 0, 0, 1, 0), row(1, 1, 1, 1, 0, 0))
    assert got.total.item() == pytest.approx(3 / 4 * math.log(4) + 3 * 1 / 4 * math.log(2))
    assert got.weight.tolist() == [4]


def test_dice_by_hand() -> None:
    """p of 3/4 and 1/4 on positives, 1/2 on a negative: 1 - 2 * 1 / (1.5 + 2)."""
    logits = row(math.log(3), -math.log(3), 0, 7)
    got = dice(logits, row(1, 1, 0, 1), row(1, 1, 1, 0))
    assert got.total.item() == pytest.approx(1 - 2 / (1.5 + 2), rel=1e-5)
    assert got.weight.tolist() == [1]


def test_dice_of_a_perfect_answer_is_0_and_without_text_teaches_nothing() -> None:
    sure = row(40, 40, -40)
    assert dice(sure, row(1, 1, 0), row(1, 1, 1)).total.item() == pytest.approx(0, abs=1e-5)
    logits = row(1, -2, 0.5).requires_grad_()
    got = dice(logits, row(0, 0, 0), row(1, 1, 1))
    assert got.total.item() == 1
    (gradient,) = torch.autograd.grad(got.total.sum(), logits)
    assert not gradient.any()


@pytest.mark.parametrize(
    ("said", "wanted", "expected"),
    [
        # the same
        ((2, 3, 4, 5, 0.1), (2, 3, 4, 5, 0.1), 0),
        # half as high: I = 2.5 * 9, U = 5 * 9
        ((1, 1.5, 4, 5, 0), (2, 3, 4, 5, 0), math.log(46 / 23.5)),
        # moved: I = 4 * 6, U = 2 * 6 * 6 - I
        ((2, 4, 3, 3, 0), (4, 2, 3, 3, 0), math.log(49 / 25)),
        # turned by a sixth of a circle: 10 (1 - cos 60)
        ((2, 3, 4, 5, math.pi / 6), (2, 3, 4, 5, -math.pi / 6), 10 * (1 - 0.5)),
        # nothing said: I = 0, U = 45
        ((0, 0, 0, 0, 0), (2, 3, 4, 5, 0), math.log(46)),
    ],
)
def test_geometry_by_hand(said, wanted, expected) -> None:
    got = geometry(
        torch.tensor(said, dtype=D)[None, :, None, None],
        torch.tensor(wanted, dtype=D)[None, :, None, None],
        torch.ones(1, 1, 1, 1, dtype=torch.bool),
        generator=seeded(),
    )
    assert got.total.item() == pytest.approx(expected, abs=1e-12)
    assert got.weight.tolist() == [1]


def test_geometry_of_the_hardest_and_of_some_others() -> None:
    said = torch.ones(1, 5, 1, 40, dtype=D)
    wanted = said.clone()
    wanted[0, 0, 0] = 1 + torch.arange(40)  # the last are the hardest
    everywhere = torch.ones(1, 1, 1, 40, dtype=torch.bool)
    each = geometry(
        said.transpose(0, 3),
        wanted.transpose(0, 3),
        everywhere.transpose(0, 3),
        generator=seeded(),
    ).total
    assert bool((each.diff() > 0).all())
    seen = set()
    for seed in range(40):
        got = geometry(said, wanted, everywhere, generator=seeded(seed), hardest=3, random=1)
        assert got.weight.tolist() == [4]
        seen.add(int((each - (got.total - each[-3:].sum())).abs().argmin()))
    assert len(seen) > 15
    assert max(seen) < 37


@pytest.mark.parametrize("name", ["geometry", "geometry of some"])
def test_an_image_without_text_has_a_geometry_of_0_and_no_nan(name) -> None:
    said, wanted, there = boxes()
    said.requires_grad_()
    got = LOSSES[name][0](said, wanted, there & False, seeded())
    assert got.total.tolist() == got.weight.tolist() == [0, 0, 0]
    assert got.mean().item() == 0
    (gradient,) = torch.autograd.grad(got.mean(), said)
    assert not gradient.any()


def log_p(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeded(), dtype=D).log_softmax(dim=2)


def test_a_word_by_hand() -> None:
    """ "a" in two columns: a blank, a a, or blank a."""
    p = torch.tensor([[[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]], dtype=D)
    got = ctc(p.log(), torch.tensor([2]), torch.tensor([1]), torch.tensor([1]), torch.tensor([1]))
    assert got.total.item() == pytest.approx(-math.log(0.5 * 0.6 + 0.5 * 0.3 + 0.2 * 0.3))
    assert got.weight.tolist() == [1]


def test_the_loss_of_a_word_is_never_below_0() -> None:
    """As it would be of logits: losses of -10 are a softmax that is missing."""
    labels, lengths = torch.tensor([1, 2, 3, 1]), torch.tensor([2, 2])
    right = torch.full((2, 3, 4), -40.0, dtype=D)
    for i, path in enumerate(([1, 2, 0], [3, 0, 1])):
        right[i, range(3), path] = 40.0
    got = ctc(right.log_softmax(dim=2), torch.tensor([3, 3]), labels, lengths, torch.tensor([2]))
    assert 0 <= got.total.item() < 1e-9


@pytest.mark.parametrize(
    ("word", "needed"), [([], 0), ([1], 1), ([1, 2, 3], 3), ([1, 1], 3), ([2, 2, 2, 1], 6), ([1, 2, 1, 2], 4)]
)
def test_a_word_takes_a_column_a_character_and_one_between_equal_ones(word, needed) -> None:
    for wide in range(1, 8):
        labels, lengths = torch.tensor([3, *word, 3], dtype=torch.int64), torch.tensor([1, len(word), 1])
        widths = torch.tensor([1, wide, 1])
        assert readable(widths, labels, lengths).tolist() == [True, wide >= needed, True]
        got = ctc(log_p(3, 7, 4), widths, labels, lengths, torch.tensor([1, 1, 1]))
        assert got.weight.tolist() == [1, wide >= needed, 1]
        assert (got.total > 0).tolist() == [True, wide >= needed, True]


def test_a_word_that_cannot_be_said_teaches_nothing_and_spoils_nothing() -> None:
    x = torch.randn(2, 4, 5, generator=seeded(), dtype=D).requires_grad_()
    widths, labels, lengths = torch.tensor([2, 4]), torch.tensor([1, 1, 2, 3]), torch.tensor([2, 2])
    got = ctc(x.log_softmax(dim=2), widths, labels, lengths, torch.tensor([1, 1]))
    (gradient,) = torch.autograd.grad(got.mean(), x)
    assert not gradient[0].any()
    assert bool(torch.isfinite(gradient).all())
    assert bool(gradient[1].any())


def test_columns_right_of_a_word_do_not_count() -> None:
    x = torch.randn(2, 9, 5, generator=seeded(), dtype=D)
    widths, labels, lengths, words = torch.tensor([4, 6]), torch.tensor([1, 2, 3]), torch.tensor([2, 1]), [1, 1]
    one = ctc(x.log_softmax(dim=2), widths, labels, lengths, torch.tensor(words))
    said = x.log_softmax(dim=2).masked_fill((torch.arange(9) >= widths[:, None])[:, :, None], -math.inf)
    torch.testing.assert_close(ctc(said, widths, labels, lengths, torch.tensor(words)), one, rtol=0, atol=0)


def test_images_without_words_and_no_words_at_all() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    said = torch.zeros(0, 1, 5, requires_grad=True)
    got = ctc(said, none, none, none, torch.tensor([0, 0, 0]))
    assert got.total.tolist() == got.weight.tolist() == [0, 0, 0]
    assert torch.autograd.grad(got.mean(), said)[0].shape == said.shape
    one = torch.ones(1, dtype=torch.int64)
    got = ctc(log_p(1, 3, 5), 3 * one, one, one, torch.tensor([0, 1, 0]))
    assert got.weight.tolist() == [0, 1, 0]


def test_deterministic_algorithms_change_nothing() -> None:
    x, widths, labels = log_p(2, 5, 4), torch.tensor([5, 4]), torch.tensor([1, 2, 3])
    args = widths, labels, torch.tensor([2, 1]), torch.tensor([2])
    before = ctc(x, *args)
    was = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        torch.testing.assert_close(ctc(x, *args), before, rtol=0, atol=0)
    finally:
        torch.use_deterministic_algorithms(was)


def test_losses_are_added_image_by_image() -> None:
    """Means of 2, 3 and, where there is nothing, 0; the last image has none of the two."""
    found = ImageLoss(torch.tensor([4.0, 6.0, 0.0]), torch.tensor([2.0, 2.0, 0.0]))
    read = ImageLoss(torch.tensor([10.0, 0.0, 0.0]), torch.tensor([1.0, 0.0, 0.0]))
    got = combined([(1.0, found), (0.5, read)])
    assert got.total.tolist() == [2 + 5, 3, 0]
    assert got.weight.tolist() == [1, 1, 0]
