"""Logits to probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from saccade.samples import Prediction


def one_of_many(logits: Tensor) -> Prediction:
    """(B, C) logits to a softmax over the classes, in float32 whatever the arithmetic of the network."""
    return Prediction(torch.softmax(logits.float(), dim=1))


def each_by_itself(logits: Tensor) -> Prediction:
    """(B, C) logits to a sigmoid for each class, in float32 whatever the arithmetic of the network."""
    return Prediction(torch.sigmoid(logits.float()))
