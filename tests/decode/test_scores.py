"""Probabilities against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from saccade.decode.scores import each_by_itself, one_of_many

LOGITS = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)) * 5


def test_one_of_many_is_the_softmax_over_classes() -> None:
    scores = one_of_many(LOGITS).scores
    np.testing.assert_allclose(scores, softmax(LOGITS.double().numpy(), axis=1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores.sum(dim=1), 1, rtol=0, atol=1e-6)


def test_each_by_itself_is_the_sigmoid() -> None:
    scores = each_by_itself(LOGITS).scores
    np.testing.assert_allclose(scores, expit(LOGITS.double().numpy()), rtol=0, atol=1e-6)


@pytest.mark.parametrize("decode", [one_of_many, each_by_itself])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_are_computed_in_float32_whatever_comes_in(decode, dtype) -> None:  # type: ignore[no-untyped-def]
    logits = LOGITS.to(dtype)
    scores = decode(logits).scores
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, decode(logits.float()).scores, rtol=0, atol=0)


@pytest.mark.parametrize("decode", [one_of_many, each_by_itself])
def test_degenerate_logits(decode) -> None:  # type: ignore[no-untyped-def]
    assert decode(torch.empty(0, 5)).scores.shape == (0, 5)
    extreme = decode(torch.tensor([[1e4, -1e4, 0.0]])).scores
    assert extreme[0, :2].tolist() == [1.0, 0.0]
    assert torch.isfinite(extreme).all()


def test_one_class_alone() -> None:
    assert one_of_many(torch.tensor([[-3.0]])).scores.tolist() == [[1.0]]
    assert each_by_itself(torch.tensor([[0.0]])).scores.tolist() == [[0.5]]


@pytest.mark.parametrize("decode", [one_of_many, each_by_itself])
def test_the_ranking_of_an_image_stays(decode) -> None:  # type: ignore[no-untyped-def]
    assert torch.equal(decode(LOGITS).scores.argsort(dim=1), LOGITS.argsort(dim=1))
