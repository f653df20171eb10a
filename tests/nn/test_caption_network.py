"""From an image to regions: which position is which, what is not there, and what is said of it by the captioner."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor, nn

from saccade.nn.caption_base import largest
from saccade.nn.caption_network import CaptionNetwork, Seen, map_side, with_places
from saccade.nn.captioners import Sizes, build_captioner
from saccade.nn.image_encoders import image_encoder

TOKENS = torch.tensor([[1, 4, 5, 6], [1, 7, 8, 2]])


class Numbered(nn.Module):
    """A map of 2 rows and 3 columns whose first channel is the position in reading order, and whose second is 7."""

    def forward(self, image: Tensor) -> Tensor:
        order = torch.arange(6, dtype=torch.float32).view(1, 1, 2, 3)
        return torch.cat([order, torch.full_like(order, 7)], dim=1).expand(len(image), -1, -1, -1)


def network(name: str = "attention", *, encoder: nn.Module | None = None, concepts: bool = False) -> CaptionNetwork:
    torch.manual_seed(0)
    sizes = Sizes(hidden=16) if name == "transformer" else Sizes(hidden=8, embedding=6)
    captioner = build_captioner(name, vocabulary=10, feature_size=4, regions=6, sizes=sizes)
    found = CaptionNetwork(captioner, encoder, nn.Linear(4, 10) if concepts else None)
    for module in found.modules():  # or a norm would begin as none
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean)  # type: ignore[arg-type]
    return found.eval()


def seen(of: CaptionNetwork, image: Tensor) -> Seen:
    return cast(Seen, of(image))


def test_regions_are_the_positions_row_by_row_with_their_places() -> None:
    found = seen(network(encoder=Numbered()), torch.zeros(2, 3, 8, 8))
    assert found.mask is None
    assert found.features.shape == (2, 6, 4)
    # number, 7, x from left to right, y from top to bottom
    by_hand = [[0, 7, -1, -1], [1, 7, 0, -1], [2, 7, 1, -1], [3, 7, -1, 1], [4, 7, 0, 1], [5, 7, 1, 1]]
    assert found.features.tolist() == [by_hand, by_hand]


def test_a_map_of_one_position_has_a_place() -> None:
    assert with_places(torch.full((1, 2, 1, 1), 3.0)).flatten().tolist() == [3, 3, -1, -1]


def test_rows_of_zeros_are_no_regions() -> None:
    features = torch.rand(3, 6, 4) + 0.1
    features[1, 4:] = 0
    features[2] = 0  # such as of an image without any object
    found = seen(network(), features)
    assert found.mask is not None
    assert found.mask.tolist() == [[True] * 6, [True] * 4 + [False] * 2, [True] + [False] * 5]
    assert seen(network(), features[:1]).mask is None
    features[0, 0, 0] = 0  # a zero is no row of zeros
    assert seen(network(), features[:1]).mask is None


@pytest.mark.parametrize("name", ["gru", "attention", "updown", "transformer"])
def test_what_fills_up_changes_nothing_and_an_image_of_nothing_has_words(name: str) -> None:
    whole = network(name)
    features = torch.rand(2, 6, 4) + 0.1
    features[1, 4:] = 0
    logits = whole(features, TOKENS)
    alone = whole(features[:1], TOKENS[:1])  # without a mask
    torch.testing.assert_close(logits[:1], alone, rtol=1e-5, atol=1e-6)
    if name in ("updown", "transformer", "gru"):  # which take any number of regions
        torch.testing.assert_close(logits[1:], whole(features[1:, :4], TOKENS[1:]), rtol=1e-5, atol=1e-6)
    assert whole(torch.zeros(1, 6, 4), TOKENS[:1]).isfinite().all()


@pytest.mark.parametrize("name", ["lstm", "attention", "updown", "transformer"])
def test_with_words_it_is_the_captioner(name: str) -> None:
    whole, features = network(name), torch.rand(2, 6, 4) + 0.1
    memory = whole.captioner.encode(features)
    state = whole.captioner.start(memory)
    steps = []
    for words in TOKENS.unbind(dim=1):  # word by word, as when it speaks
        logits, state, _ = whole.captioner.step(words, memory, state)
        steps.append(logits)
    torch.testing.assert_close(whole(features, TOKENS), torch.stack(steps, dim=1), rtol=1e-5, atol=1e-6)
    found = seen(whole, features)
    assert found.captioner is whole.captioner
    assert all(torch.equal(a, b) for a, b in zip(found.memory(), memory, strict=True))


def test_concepts_are_told_from_the_largest_of_each_number() -> None:
    whole = network(encoder=Numbered(), concepts=True)
    assert isinstance(whole.concepts, nn.Linear)
    logits = seen(whole, torch.zeros(1, 3, 8, 8)).words()
    by_hand = whole.concepts.weight @ torch.tensor([5.0, 7, 1, 1]) + whole.concepts.bias
    torch.testing.assert_close(logits, by_hand[None])
    masked = Seen(whole.captioner, torch.tensor([[[1.0, 2, 3, 4], [9, 9, 9, 9]]]), torch.tensor([[True, False]]))
    assert largest(masked.features, masked.mask).tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize("name", ["small_cnn", "cifar_resnet20", "test_resnet"])
@pytest.mark.parametrize("size", [32, 60, 65])
def test_the_side_of_the_map_is_that_of_what_the_encoder_makes(name: str, size: int) -> None:
    """Networks round sizes that their stride does not divide up or down, as they were built."""
    encoder, channels = image_encoder(name)
    encoder.train()
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    side = map_side(encoder, size)
    assert encoder.training
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())
    assert encoder(torch.rand(2, 3, size, size)).shape == (2, channels, side, side)
