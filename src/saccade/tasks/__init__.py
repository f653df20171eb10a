"""The tasks, each a small class; TASKS names them all."""

from __future__ import annotations

from saccade.tasks.base import Task
from saccade.tasks.caption import Caption
from saccade.tasks.classify import Classify
from saccade.tasks.multilabel import Multilabel
from saccade.tasks.segment import Segment
from saccade.tasks.spot import Spot

TASKS: dict[str, type[Task]] = {
    "classify": Classify,
    "multilabel": Multilabel,
    "segment": Segment,
    "caption": Caption,
    "spot": Spot,
}
