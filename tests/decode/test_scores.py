"""Probabilities against SciPy, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, logit, softmax

from saccade.decode.scores import each_by_itself, logits_of_each, logits_of_one, one_of_many
from saccade.samples import Prediction

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


@pytest.mark.parametrize(("decode", "encode"), [(one_of_many, logits_of_one), (each_by_itself, logits_of_each)])
def test_there_and_back(decode, encode) -> None:  # type: ignore[no-untyped-def]
    prediction = decode(LOGITS)
    again = decode(encode(prediction)).scores
    torch.testing.assert_close(again, prediction.scores, rtol=0, atol=1e-6)


def test_logits_by_scipy() -> None:
    given = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    p = given.double().numpy()
    np.testing.assert_allclose(logits_of_one(Prediction(given)), np.log(p), rtol=1e-12)
    np.testing.assert_allclose(logits_of_each(Prediction(given)), logit(p), rtol=1e-12)


@pytest.mark.parametrize("encode", [logits_of_one, logits_of_each])
def test_no_and_yes_for_sure_have_finite_logits(encode) -> None:  # type: ignore[no-untyped-def]
    """A float32 probability of 0 or 1 is one that could not be told from it."""
    logits = encode(Prediction(torch.tensor([[0.0, 1.0]])))
    assert torch.isfinite(logits).all()
    assert logits[0, 0] < -80
    assert logits[0, 1] >= 0
    assert encode(Prediction(torch.empty(0, 3))).shape == (0, 3)
