"""mixup and CutMix: what comes out, worked out from what went in."""

from __future__ import annotations

import pytest
import torch

from saccade.data.mixing import mix


def ramp(n: int = 5, size: int = 20) -> torch.Tensor:
    """Images of which each is one number everywhere."""
    return torch.arange(n, dtype=torch.float32).view(n, 1, 1, 1).expand(n, 3, size, size).clone()


def test_mixup_blends_every_pixel_by_the_share() -> None:
    torch.manual_seed(3)
    image = ramp()
    mixed = mix(image, mixup=1.0, cutmix=0.0)
    assert sorted(mixed.partner.tolist()) == list(range(5))
    for k, other in enumerate(mixed.partner.tolist()):
        expected = mixed.share * k + (1 - mixed.share) * other
        torch.testing.assert_close(mixed.image[k], torch.full((3, 20, 20), expected))
    assert torch.equal(image, ramp())


def test_cutmix_pastes_one_rectangle_and_counts_its_pixels() -> None:
    for seed in range(50):
        torch.manual_seed(seed)
        mixed = mix(ramp(), mixup=0.0, cutmix=1.0)
        for k, other in enumerate(mixed.partner.tolist()):
            if other == k:
                continue
            pasted = mixed.image[k, 0] == other
            assert torch.equal(pasted | (mixed.image[k, 0] == k), torch.ones(20, 20, dtype=torch.bool))
            assert float(pasted.float().mean()) == pytest.approx(1 - mixed.share)
            rows, columns = pasted.any(1), pasted.any(0)
            assert int(pasted.sum()) == int(rows.sum() * columns.sum())


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_the_share_follows_the_beta_distribution(alpha: float) -> None:
    """Mean 1/2 and variance 1 / (4 (2 alpha + 1)) of Beta(alpha, alpha)."""
    torch.manual_seed(0)
    shares = torch.tensor([mix(ramp(2, 1), mixup=alpha, cutmix=0.0).share for _ in range(4000)])
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(shares.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)


def test_with_both_a_coin_decides() -> None:
    torch.manual_seed(0)
    image = torch.rand(2, 3, 16, 16)
    kinds = set()
    for _ in range(40):
        mixed = mix(image, mixup=1.0, cutmix=1.0)
        kinds.add(bool(torch.isin(mixed.image, image).all()))
    assert kinds == {True, False}


def test_the_same_seed_mixes_the_same() -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(mix(ramp(), mixup=0.4, cutmix=1.0))
    assert torch.equal(results[0].image, results[1].image)
    assert results[0].share == results[1].share
