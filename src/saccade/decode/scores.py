"""Logits to probabilities, and back."""

from __future__ import annotations

import torch
from torch import Tensor

from saccade.samples import Prediction

LEAST = torch.finfo(torch.float32).tiny
"""A probability below it, 0 in particular, is taken for it, so that no logit is infinite."""
NEAREST_TO_ONE = 1 - 2.0**-25
"""A probability above it is taken for it: halfway from the largest float32 below 1."""


def one_of_many(logits: Tensor) -> Prediction:
    """(B, C) logits to a softmax over the classes, in float32 whatever the arithmetic of the network."""
    return Prediction(torch.softmax(logits.float(), dim=1))


def each_by_itself(logits: Tensor) -> Prediction:
    """(B, C) logits to a sigmoid for each class, in float32 whatever the arithmetic of the network."""
    return Prediction(torch.sigmoid(logits.float()))


def logits_of_one(prediction: Prediction) -> Tensor:
    """(B, C) float64 logits of which ``one_of_many`` makes these scores: their logarithms."""
    return prediction.scores.double().clamp_min(LEAST).log()


def logits_of_each(prediction: Prediction) -> Tensor:
    """(B, C) float64 logits of which ``each_by_itself`` makes these scores."""
    return torch.logit(prediction.scores.double().clamp(LEAST, NEAREST_TO_ONE))
