"""What every captioning network keeps: one suite over all of them, and settings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.caption_base import Captioner
from saccade.nn.captioners import CAPTIONERS, LAYERS, Sizes, build_captioner

WORDS, SIZE, REGIONS = 11, 6, 5
LOOKING = ("attention", "updown", "transformer")

every = pytest.mark.parametrize("name", CAPTIONERS)


def make(name: str, *, regions: int = REGIONS, fused: bool = True, **settings: int) -> Captioner:
    """A small network of double precision, which does not drop out."""
    torch.manual_seed(0)
    small = {"hidden": 8} if name == "transformer" else {"hidden": 8, "embedding": 7}
    sizes = Sizes(**{**small, **settings})
    made = build_captioner(name, vocabulary=WORDS, feature_size=SIZE, regions=regions, sizes=sizes, fused=fused)
    return made.double().eval()


def given(rows: int = 3, length: int = 6) -> tuple[Tensor, Tensor]:
    """(rows, R, D) features and (rows, length) words."""
    g = torch.Generator().manual_seed(1)
    features = torch.rand(rows, REGIONS, SIZE, generator=g, dtype=torch.float64)
    return features, torch.randint(0, WORDS, (rows, length), generator=g)


def said(network: Captioner, features: Tensor, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
    memory = network.encode(features, mask)
    logits, _ = network(tokens, memory, network.start(memory))
    return logits


@every
def test_shapes(name: str) -> None:
    network, (features, tokens) = make(name), given()
    memory = network.encode(features)
    state = network.start(memory)
    logits, after = network(tokens, memory, state)
    assert logits.shape == (3, 6, WORDS)
    one, after_one, weights = network.step(tokens[:, 0], memory, state)
    assert one.shape == (3, WORDS)
    assert state.shape[1] == after.shape[1] == after_one.shape[1] == 3
    assert all(len(part) == 3 for part in memory)
    assert (weights is None) == (name not in LOOKING)
    if weights is not None:
        assert weights.shape == (3, REGIONS)
        assert bool((weights >= 0).all())
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(3, dtype=torch.float64))


@every
def test_word_by_word_it_says_what_it_says_of_all_words_at_once(name: str) -> None:
    network, (features, tokens) = make(name), given()
    memory = network.encode(features)
    whole, after = network(tokens, memory, network.start(memory))
    everywhere = network.words(tokens, memory, network.start(memory))[2]
    state = network.start(memory)
    for t in range(6):
        logits, state, weights = network.step(tokens[:, t], memory, state)
        torch.testing.assert_close(logits, whole[:, t])
        if weights is not None:
            assert everywhere is not None
            torch.testing.assert_close(weights, everywhere[:, t])
    torch.testing.assert_close(state, after)


@every
def test_a_later_word_does_not_change_what_was_said_before(name: str) -> None:
    network, (features, tokens) = make(name), given()
    other = tokens.clone()
    other[:, 3:] = (other[:, 3:] + 1) % WORDS
    before, after = said(network, features, tokens), said(network, features, other)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.isclose(before[:, 3:], after[:, 3:]).all(dim=2).any()


@every
def test_pieces_with_a_carried_state_are_the_whole_and_a_detached_state_lets_no_gradient_through(name: str) -> None:
    network, (features, tokens) = make(name), given()
    memory = network.encode(features)
    whole, _ = network(tokens, memory, network.start(memory))
    first, state = network(tokens[:, :4], memory, network.start(memory))
    state = state.detach().requires_grad_()
    second, _ = network(tokens[:, 4:], memory, state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    (into,) = torch.autograd.grad(second.sum(), state, retain_graph=True)
    assert bool(into.any())
    assert torch.autograd.grad(second.sum(), first, allow_unused=True) == (None,)


@every
def test_rows_can_be_reordered_between_words(name: str) -> None:
    network, (features, tokens) = make(name), given()
    rows = torch.tensor([2, 2, 0, 1])
    memory = network.encode(features)
    _, state = network(tokens[:, :3], memory, network.start(memory))
    moved = tuple(part[rows] for part in memory)
    logits, _ = network(tokens[rows, 3:], moved, state.index_select(1, rows))
    torch.testing.assert_close(logits, said(network, features, tokens)[rows, 3:])


@every
def test_images_do_not_depend_on_each_other(name: str) -> None:
    network, (features, tokens) = make(name), given()
    whole = said(network, features, tokens)
    for i in range(3):
        torch.testing.assert_close(said(network, features[[i]], tokens[[i]]), whole[[i]])


@every
@pytest.mark.parametrize("training", [False, True])
def test_regions_that_only_fill_up_have_no_say(name: str, training: bool) -> None:
    """Whatever they hold, in training too, where a norm counts the others; without dropout, which is drawn anew."""
    network, (features, tokens) = make(name).train(training), given()
    for part in network.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 1, 0, 1]], dtype=torch.bool)
    expected = said(network, features, tokens, mask)
    for value in (0.0, 1e4):
        filled = features.masked_fill(~mask[:, :, None], value).requires_grad_()
        found = said(network, filled, tokens, mask)
        torch.testing.assert_close(found, expected)
        (gradient,) = torch.autograd.grad(found.sum(), filled)
        assert not gradient[~mask].any()
        assert bool(gradient[mask].any())


@pytest.mark.parametrize("name", [name for name in CAPTIONERS if name != "attention"])
def test_a_mask_is_as_good_as_fewer_regions(name: str) -> None:
    network, (features, tokens) = make(name), given()
    mask = torch.arange(REGIONS).expand(3, -1) < 2
    torch.testing.assert_close(said(network, features, tokens, mask), said(network, features[:, :2], tokens))
    torch.testing.assert_close(said(network, features, tokens, mask | True), said(network, features, tokens))


@pytest.mark.parametrize("name", LOOKING)
def test_it_does_not_look_where_there_is_nothing(name: str) -> None:
    network, (features, tokens) = make(name), given()
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]], dtype=torch.bool)
    memory = network.encode(features, mask)
    _, _, weights = network.step(tokens[:, 0], memory, network.start(memory))
    assert weights is not None
    assert torch.equal(weights > 0, mask)
    assert weights[2].tolist() == [0, 0, 0, 0, 1]


@every
def test_a_pooled_feature_is_one_region(name: str) -> None:
    features, tokens = given()
    logits = said(make(name, regions=1), features[:, :1], tokens)
    assert bool(logits.isfinite().all())


@pytest.mark.parametrize("name", ["rnn", "gru_torch", "lstm", "attention"])
@pytest.mark.parametrize("layers", [2, 3])
def test_fused_or_not_only_the_speed_differs(name: str, layers: int) -> None:
    features, tokens = given()
    outcomes = []
    for fused in (True, False):
        network = make(name, layers=layers, fused=fused)
        logits = said(network, features, tokens)
        logits.square().sum().backward()
        outcomes.append((logits, {key: p.grad for key, p in network.named_parameters()}))
    torch.testing.assert_close(*outcomes, rtol=0, atol=1e-6)


@every
def test_gradients_reach_every_weight(name: str) -> None:
    network, (features, tokens) = make(name).train(), given(rows=6)
    F.cross_entropy(said(network, features, tokens).flatten(0, 1), tokens.flatten()).backward()
    assert [key for key, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())] == []


@every
def test_it_learns_what_is_in_which_image(name: str) -> None:
    """Four images, a caption each."""
    torch.manual_seed(0)
    network = make(name, hidden=32).float()  # without dropout
    features = torch.eye(4, SIZE)[:, None].expand(-1, REGIONS, -1)
    captions = torch.tensor([[1, 4, 5, 3], [1, 5, 4, 3], [1, 6, 6, 3], [1, 4, 6, 3]])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(80):
        optimizer.zero_grad()
        F.cross_entropy(said(network, features, captions[:, :-1]).transpose(1, 2), captions[:, 1:]).backward()
        optimizer.step()
    memory = network.encode(features)
    word, state = captions[:, 0], network.start(memory)
    for t in range(1, 4):
        logits, state, _ = network.step(word, memory, state)
        word = logits.argmax(dim=1)
        assert torch.equal(word, captions[:, t])


@every
def test_in_reduced_precision_it_says_about_the_same(name: str) -> None:
    network, (features, tokens) = make(name).float(), given()
    exact = said(network, features.float(), tokens)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory = network.encode(features.float())
        rough, state = network(tokens[:, :3], memory, network.start(memory))
        more, _ = network(tokens[:, 3:], memory, state)
    torch.testing.assert_close(torch.cat([rough, more], dim=1).float(), exact, rtol=0, atol=0.1)


# Settings.


@every
def test_settings_arrive(name: str) -> None:
    def widths(network: Captioner) -> dict[str, tuple[int, ...]]:
        return {key: tuple(p.shape) for key, p in network.named_parameters()}

    with torch.device("meta"):
        usual = widths(build_captioner(name, vocabulary=WORDS, feature_size=20))
    embedding, hidden = (1000, 1000) if name == "updown" else (512, 512) if name == "transformer" else (300, 512)
    assert next(shape for key, shape in usual.items() if shape[0] == WORDS and len(shape) == 2) == (WORDS, embedding)
    assert [shape for shape in usual.values() if len(shape) == 2][-1] == (WORDS, hidden)
    if name != "updown":
        deeper = make(name, layers=4)
        start = deeper.start(deeper.encode(given()[0]))
        assert len(start) == (8 if name == "transformer" else 4)
    own = make(name)
    usual_layers = len(own.start(own.encode(given()[0])))
    assert usual_layers == LAYERS[name] * (2 if name == "transformer" else 1)


def test_the_transformer_alone_drops_out_as_it_is_told() -> None:
    def rates(name: str, drop_rate: float = 0.0) -> set[float]:
        sizes = Sizes(drop_rate=drop_rate)
        modules = build_captioner(name, vocabulary=WORDS, feature_size=SIZE, sizes=sizes).modules()
        return {module.p for module in modules if isinstance(module, nn.Dropout)}

    assert rates("transformer") == {0.0}
    assert rates("transformer", drop_rate=0.3) == {0.3}
    assert rates("attention") == {0.25}


def test_only_the_number_of_regions_of_attention_is_built_in() -> None:
    for name in CAPTIONERS:
        five, nine = (dict(make(name, regions=n).named_parameters()) for n in (5, 9))
        changed = {key for key in five if five[key].shape != nine[key].shape}
        assert changed == ({"attention.3.weight", "attention.3.bias"} if name == "attention" else set())


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("lstmm", {}, "model.name: no captioning network is called 'lstmm'; did you mean lstm?"),
        ("qqqq", {}, "model.name: no captioning network is called 'qqqq'; choose one of rnn, gru, gru_torch, lstm, "),
        ("attention", {"layers": 1}, "model.layers: is 1, and attention looks from the second-last layer; "),
        ("updown", {"layers": 3}, "model.layers: is 3, and updown has two LSTMs; set model.layers=null"),
        ("lstm", {"drop_rate": 0.1}, "model.drop_rate: is 0.1, and lstm drops out what its equations say; set "),
        ("transformer", {"embedding": 300}, "model.embedding: is 300, and a word of the transformer has as many "),
        ("transformer", {"hidden": 300}, "model.hidden: is 300, and the transformer has 8 heads; set model.hidden=304"),
    ],
)
def test_what_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        build_captioner(name, vocabulary=WORDS, feature_size=SIZE, sizes=Sizes(**settings))
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
