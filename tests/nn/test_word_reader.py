"""The recogniser: the layers of the paper's table, and words that do not notice each other."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.losses.spot import ctc
from saccade.nn.word_reader import WordReader

WIDTHS = torch.tensor([9, 4, 1, 12])


def reader(**settings: float) -> WordReader:
    torch.manual_seed(0)
    return WordReader(6, 10, **{"hidden": 16, "drop_rate": 0.0, **settings})  # type: ignore[arg-type]


def strip(widths: Tensor) -> Tensor:
    """(8, n, 6) of words side by side."""
    return torch.randn(8, int(widths.sum()), 6, generator=torch.Generator().manual_seed(1))


def with_statistics(network: WordReader) -> WordReader:
    """Trained so far that its statistics are not those of the beginning, in evaluation mode."""
    network.train()
    for _ in range(20):
        network(3 * strip(WIDTHS) + 1, WIDTHS)
    return network.eval()


@pytest.mark.parametrize("training", [True, False])
def test_it_is_the_table_of_the_paper(training: bool) -> None:
    """Written out with torch's layers for two words of one width, where nothing is padding."""
    ours = with_statistics(reader()).train(training)
    layers: list[nn.Module] = []
    for pair in ours.pairs:
        for layer in pair:  # type: ignore[attr-defined]
            conv = nn.Conv2d(layer.conv.in_channels, layer.conv.out_channels, 3, padding=1)
            norm = nn.BatchNorm2d(conv.out_channels)
            conv.load_state_dict(layer.conv.state_dict())
            norm.load_state_dict(layer.norm.state_dict())
            layers += [conv, norm, nn.ReLU()]
        layers.append(nn.MaxPool2d((2, 1), stride=(2, 1)))
    table = nn.Sequential(*layers).train(training)
    x = strip(torch.tensor([7, 7]))
    maps = table(torch.stack(x.split(7, dim=1)).permute(0, 3, 1, 2))
    assert maps.shape == (2, 16, 1, 7)
    lstm = nn.LSTM(16, 16, bidirectional=True, batch_first=True)
    ways = ((ours.rightwards, ""), (ours.leftwards, "_reverse"))
    lstm.load_state_dict({name + end: value for way, end in ways for name, value in way.state_dict().items()})
    said = ours.output(lstm(maps[:, :, 0].transpose(1, 2))[0]).log_softmax(dim=2)
    torch.testing.assert_close(ours(x, torch.tensor([7, 7])), said)
    for layer, norm in zip(
        (layer for pair in ours.pairs for layer in pair),  # type: ignore[attr-defined]
        (m for m in table if isinstance(m, nn.BatchNorm2d)),
        strict=True,
    ):
        torch.testing.assert_close(layer.norm.running_var, norm.running_var)


def test_filters_of_the_paper() -> None:
    with torch.device("meta"):
        network = WordReader(32, 68)
    assert [layer.conv.out_channels for pair in network.pairs for layer in pair] == [  # type: ignore[attr-defined]
        64, 64, 128, 128, 256, 256
    ]  # fmt: skip
    assert network.output.in_features == 512
    assert network.output.out_features == 69


def test_each_column_of_a_word_has_probabilities_of_sum_1_and_what_follows_is_blank() -> None:
    said = with_statistics(reader())(strip(WIDTHS), WIDTHS)
    assert said.shape == (4, 12, 11)
    torch.testing.assert_close(said.exp().sum(dim=2), torch.ones(4, 12))
    for row, wide in zip(said, WIDTHS.tolist(), strict=True):
        assert bool(torch.isfinite(row[:wide]).all())
        assert (row[wide:, 0] == 0).all()
        assert (row[wide:, 1:] == -torch.inf).all()


def test_a_word_is_read_the_same_beside_any_other() -> None:
    """Convolutions see nothing of the words at both sides, nor does the LSTM, of whichever width they are."""
    network, x = with_statistics(reader()), strip(WIDTHS)
    together = network(x, WIDTHS)
    for i, (word, wide) in enumerate(zip(x.split(WIDTHS.tolist(), dim=1), WIDTHS.tolist(), strict=True)):
        alone = network(word, WIDTHS[i : i + 1])
        torch.testing.assert_close(together[i, :wide], alone[0], atol=1e-5, rtol=1e-5)


def test_words_have_no_say_in_each_others_gradients() -> None:
    """In evaluation mode, where BatchNorm does not bring them together."""
    network, x = with_statistics(reader()), strip(WIDTHS).requires_grad_()
    for i, there in enumerate(torch.arange(4).repeat_interleave(WIDTHS) == k for k in range(4)):
        (gradient,) = torch.autograd.grad(network(x, WIDTHS)[i, : WIDTHS[i], 1:].sum(), x)
        assert bool((gradient[:, there] != 0).any(dim=(0, 2)).all())
        assert not gradient[:, ~there].any()


def test_statistics_are_those_of_the_columns_of_words_alone() -> None:
    """Not of what lies between them."""
    network, x = reader().train(), strip(WIDTHS)
    network(x, WIDTHS)
    first = network.pairs[0][0]  # type: ignore[index]
    told = [
        F.conv2d(word.permute(2, 0, 1)[None], first.conv.weight, first.conv.bias, padding=1).flatten(2)[0]
        for word in x.split(WIDTHS.tolist(), dim=1)
    ]
    seen = torch.cat(told, dim=1)
    torch.testing.assert_close(first.norm.running_mean, 0.1 * seen.mean(dim=1))
    torch.testing.assert_close(first.norm.running_var, 0.9 + 0.1 * seen.var(dim=1))


def test_gradients_reach_every_column() -> None:
    x = strip(WIDTHS).requires_grad_()
    said = reader().train()(x, WIDTHS)
    labels, lengths = torch.tensor([1, 2, 3, 4, 5, 6, 7]), torch.tensor([3, 2, 1, 1])
    ctc(said, WIDTHS, labels, lengths, torch.tensor([4])).mean().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())
    assert bool((x.grad != 0).any(dim=(0, 2)).all())


def test_no_words_give_no_columns_and_a_gradient_of_0_everywhere() -> None:
    network = reader().train()
    said = network(torch.zeros(8, 0, 6), torch.zeros(0, dtype=torch.int64))
    assert said.shape == (0, 1, 11)
    said.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in network.parameters())


def test_a_batch_of_one_column() -> None:
    """The narrowest word alone: BatchNorm still has two rows to compare before the last pooling."""
    one = torch.ones(1, dtype=torch.int64)
    said = reader().train()(strip(one), one)
    assert said.shape == (1, 1, 11)
    assert bool(torch.isfinite(said).all())


def test_log_probabilities_are_precise_in_half_precision() -> None:
    network = with_statistics(reader())
    with torch.autocast("cpu", torch.bfloat16):
        said = network(strip(WIDTHS), WIDTHS)
    assert said.dtype == torch.float32
    torch.testing.assert_close(said.exp().sum(dim=2), torch.ones(4, 12))


def test_dropout_is_for_training() -> None:
    network = with_statistics(reader(drop_rate=0.5))
    x = strip(WIDTHS)
    torch.testing.assert_close(network(x, WIDTHS), network(x, WIDTHS), rtol=0, atol=0)
    network.train()
    assert not torch.equal(network(x, WIDTHS), network(x, WIDTHS))
