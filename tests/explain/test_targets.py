"""What is explained, on answers that are written down."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, DataError
from saccade.explain.targets import of_classes, of_pixels, of_score_map, of_words
from saccade.nn.caption_network import Seen
from saccade.nn.spot_network import SpotNetwork, Spotted

CLASSES = ("background", "cat", "dog")
LOGITS = torch.tensor([[0.0, 2.0, 1.0]])


def test_a_class_with_its_logit_and_its_probability() -> None:
    found = of_classes(LOGITS, None, classes=CLASSES, exclusive=True)
    assert found.names == ("cat",)
    batch = torch.cat([LOGITS, LOGITS + torch.tensor([0.0, 0.0, 5.0])])
    assert found.logits(batch).tolist() == [[2.0], [2.0]]
    assert torch.allclose(found.probabilities(batch), batch.softmax(dim=1)[:, 1:2])
    alone = of_classes(LOGITS, "dog", classes=CLASSES, exclusive=False)
    assert alone.names == ("dog",)
    assert torch.allclose(alone.probabilities(batch), batch.sigmoid()[:, 2:])


def test_a_class_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="--target: no class is called 'cta'; did you mean 'cat'"):
        of_classes(LOGITS, "cta", classes=CLASSES, exclusive=True)
    with pytest.raises(ConfigError, match="'zebra'; there is 'background', 'cat', 'dog'"):
        of_classes(LOGITS, "zebra", classes=CLASSES, exclusive=True)


@pytest.fixture
def masks() -> Tensor:
    """(1, 3, 2, 3) logits: four pixels of background, two of cat, none of dog."""
    said = torch.zeros(1, 3, 2, 3)
    said[0, 0] = 1.0
    said[0, 1, 0, 1:] = torch.tensor([3.0, 5.0])
    return said


def test_the_pixels_of_a_class(masks: Tensor) -> None:
    found = of_pixels(masks, None, classes=CLASSES)
    assert found.names == ("cat",)
    assert found.dense
    assert found.answer == "background, cat"
    assert found.logits(masks).tolist() == [[4.0]]
    assert found.logits(torch.cat([masks, masks + 1])).tolist() == [[4.0], [5.0]]
    expected = masks.softmax(dim=1)[0, 1, 0, 1:].mean()
    assert found.probabilities(masks).item() == pytest.approx(float(expected))


def test_pixels_stay_those_of_the_image_that_was_asked_for(masks: Tensor) -> None:
    found = of_pixels(masks, "background", classes=CLASSES)
    other = torch.zeros_like(masks)  # the mean of the same four pixels, whatever class they now have
    assert found.logits(other).tolist() == [[0.0]]
    assert found.logits(masks).tolist() == [[1.0]]


def test_background_is_explained_where_there_is_nothing_else() -> None:
    only = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert of_pixels(only, None, classes=CLASSES).names == ("background",)


def test_a_class_that_no_pixel_has(masks: Tensor) -> None:
    with pytest.raises(DataError, match="no pixel is given to 'dog'; there is 'background', 'cat'"):
        of_pixels(masks, "dog", classes=CLASSES)
    with pytest.raises(ConfigError, match="no class is called 'dgo'; did you mean 'dog'"):
        of_pixels(masks, "dgo", classes=CLASSES)


class Speaker(nn.Module):
    """Each word's logits are the features of the image, plus 1 for the word after it in the vocabulary."""

    def encode(self, features: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        return (features[:, 0],)

    def start(self, memory: tuple[Tensor, ...]) -> Tensor:
        return torch.zeros(1, len(memory[0]), 1)

    def forward(self, tokens: Tensor, memory: tuple[Tensor, ...], state: Tensor) -> tuple[Tensor, Tensor]:
        words = memory[0].shape[1]
        return memory[0][:, None] + nn.functional.one_hot((tokens + 1) % words, words), state


def seen(features: Tensor) -> Seen:
    """(B, V) features of one region."""
    return Seen(Speaker(), features[:, None], None)  # type: ignore[arg-type]  # as much of a captioner as is asked for


def test_words_of_a_caption_each_after_those_before_it() -> None:
    features = torch.tensor([[0.0, 0, 0, 0, 0.5, 0.25], [0.0, 0, 0, 0, -1.0, 2.0]])
    found = of_words(("red", "sun", "red"), (4, 5, 4), None)
    assert found.names == ("red", "sun", "red")
    assert found.answer == "red sun red"
    # after <start> (1) comes 2, after 4 comes 5, after 5 comes 0: only "sun" has the 1 of the word that follows
    assert found.logits(seen(features)).tolist() == [[0.5, 1.25, 0.5], [-1.0, 3.0, -1.0]]
    after_start = features[0] + torch.tensor([0, 0, 1.0, 0, 0, 0])
    after_red = features[0] + torch.tensor([0, 0, 0, 0, 0, 1.0])
    expected = [after_start.softmax(dim=0)[4], after_red.softmax(dim=0)[5]]
    assert found.probabilities(seen(features))[0, :2].tolist() == pytest.approx([float(value) for value in expected])


def test_one_word_with_where_the_network_looked() -> None:
    weights = torch.tensor([[1.0, 0.0], [0.3, 0.7], [0.5, 0.5]])
    found = of_words(("red", "sun", "red"), (4, 5, 4), "sun", weights=weights)
    assert found.names == ("sun",)
    assert found.weights is not None
    assert found.weights.tolist() == weights[1:2].tolist()
    assert of_words(("red", "sun", "red"), (4, 5, 4), "red", weights=weights).names == ("red", "red")


def test_words_that_are_not_there() -> None:
    with pytest.raises(DataError, match="the caption is 'red sun', without 'moon'; name one of its words"):
        of_words(("red", "sun"), (4, 5), "moon")
    with pytest.raises(DataError, match="the caption is empty"):
        of_words((), (), None)


def spotted(scores: Tensor) -> Spotted:
    return Spotted(torch.zeros(1), scores.logit(), torch.zeros(1))


def test_the_places_where_text_is() -> None:
    scores = torch.tensor([[0.9, 0.95], [0.2, 0.81]])[None, None]
    found = of_score_map(spotted(scores), None, threshold=0.8)
    assert found.names == ("text",)
    assert isinstance(SpotNetwork("small_spot", reach=64.0).get_submodule(str(found.layer)), nn.Module)
    assert found.probabilities(spotted(scores)).item() == pytest.approx((0.9 + 0.95 + 0.81) / 3, abs=1e-6)
    logits = torch.tensor([0.9, 0.95, 0.81]).logit().mean()
    assert found.logits(spotted(scores)).item() == pytest.approx(float(logits), abs=1e-5)
    with pytest.raises(DataError, match=r"no text is found: the highest score is 0.95, and task.threshold is 0.99"):
        of_score_map(spotted(scores), None, threshold=0.99)
    with pytest.raises(ConfigError, match="--target: is 'cat', and spot has one map of scores, that of text"):
        of_score_map(spotted(scores), "cat", threshold=0.8)
