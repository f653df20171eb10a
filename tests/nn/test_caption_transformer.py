"""The transformer against torch's own decoder, with its weights, and its positions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from saccade.nn.caption_transformer import DecoderLayer, TransformerCaptioner, attended, positions

WORDS, SIZE, HIDDEN = 9, 7, 16


def torchs(layer: DecoderLayer) -> nn.TransformerDecoderLayer:
    """Torch's layer with the weights of ours."""
    theirs = nn.TransformerDecoderLayer(
        HIDDEN, layer.heads, dim_feedforward=20, dropout=0.0, batch_first=True, norm_first=True
    ).double()
    pairs = [
        (theirs.self_attn.in_proj_weight, layer.say_qkv.weight),
        (theirs.self_attn.in_proj_bias, layer.say_qkv.bias),
        (theirs.multihead_attn.in_proj_weight, torch.cat([layer.look_q.weight, layer.look_kv.weight])),
        (theirs.multihead_attn.in_proj_bias, torch.cat([layer.look_q.bias, layer.look_kv.bias])),
    ]
    for mine, other in (
        (layer.say_out, theirs.self_attn.out_proj),
        (layer.look_out, theirs.multihead_attn.out_proj),
        (layer.think[0], theirs.linear1),
        (layer.think[3], theirs.linear2),
        (layer.say_norm, theirs.norm1),
        (layer.look_norm, theirs.norm2),
        (layer.think_norm, theirs.norm3),
    ):
        pairs += [(other.weight, mine.weight), (other.bias, mine.bias)]  # type: ignore[union-attr, list-item]
    with torch.no_grad():
        for theirs_, ours in pairs:
            theirs_.copy_(ours)
    return theirs


def make(layers: int = 2) -> TransformerCaptioner:
    torch.manual_seed(0)
    network = TransformerCaptioner(WORDS, feature_size=SIZE, hidden=HIDDEN, layers=layers, heads=4, inner=20)
    for key, parameter in network.named_parameters():
        if "norm" in key or "bias" in key:
            nn.init.normal_(parameter)
    return network.double().eval()


def given() -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)
    tokens = torch.randint(0, WORDS, (2, 6), generator=g)
    return torch.rand(2, 5, SIZE, generator=g, dtype=torch.float64), mask, tokens


def test_it_is_torch_s_decoder() -> None:
    network, (features, mask, tokens) = make(), given()
    regions = network.image(features)
    x = network.embedding(tokens) + positions(0, 6, network.embedding.weight)
    for layer in network.layers:
        assert isinstance(layer, DecoderLayer)
        x = torchs(layer)(
            x,
            regions,
            tgt_mask=torch.ones(6, 6, dtype=torch.bool).triu(1),
            memory_key_padding_mask=~mask,
        )
    expected = network.output(network.norm(x))
    memory = network.encode(features, mask)
    torch.testing.assert_close(network(tokens, memory, network.start(memory))[0], expected)


def test_where_it_looks_is_the_mean_over_the_heads_of_the_last_layer() -> None:
    network, (features, mask, tokens) = make(layers=1), given()
    memory = network.encode(features, mask)
    weights = network.words(tokens, memory, network.start(memory))[2]
    theirs = torchs(network.layers[0])  # type: ignore[arg-type]
    x = network.embedding(tokens) + positions(0, 6, network.embedding.weight)
    normed = theirs.norm1(x)
    later = torch.ones(6, 6, dtype=torch.bool).triu(1)
    x = x + theirs.self_attn(normed, normed, normed, attn_mask=later)[0]
    regions = network.image(features)
    expected = theirs.multihead_attn(theirs.norm2(x), regions, regions, key_padding_mask=~mask)[1]
    torch.testing.assert_close(weights, expected)


def test_keys_and_values_are_kept_word_by_word() -> None:
    network, (features, mask, tokens) = make(), given()
    memory = network.encode(features, mask)
    assert memory[0].shape == (2, 4, 5, HIDDEN)
    state = network.start(memory)
    assert state.shape == (4, 2, 0, HIDDEN)
    for t in range(6):
        before = state
        _, state, _ = network.step(tokens[:, t], memory, state)
        assert state.shape == (4, 2, t + 1, HIDDEN)
        assert torch.equal(state[:, :, :t], before)


def test_positions() -> None:
    """PE(pos, 2i) = sin(pos / 10000^(2i / H)), PE(pos, 2i + 1) = cos of the same (section 3.5)."""
    found = positions(3, 2, torch.zeros(1, 6, dtype=torch.float64))
    for row, place in zip(found.tolist(), (3, 4), strict=True):
        angles = [place / 10_000 ** (2 * i / 6) for i in range(3)]
        expected = [value for angle in angles for value in (math.sin(angle), math.cos(angle))]
        assert row == pytest.approx(expected, rel=1e-5)


def test_attention_of_heads_is_torch_s() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 8, dtype=torch.float64) for n in (3, 5, 5))
    mask = torch.ones(3, 5, dtype=torch.bool).tril(2)
    out, weights = attended(q, k, v, mask, 2)
    split = [x.view(2, -1, 2, 4).transpose(1, 2) for x in (q, k, v)]
    expected = nn.functional.scaled_dot_product_attention(*split, attn_mask=mask)
    torch.testing.assert_close(out, expected.transpose(1, 2).reshape(2, 3, 8))
    torch.testing.assert_close(weights.sum(dim=3), torch.ones(2, 2, 3, dtype=torch.float64))
