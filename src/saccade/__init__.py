"""saccade: one config and one command train, measure, and let you look at a vision model.

Every command has its twin here: ``train``, ``evaluate``, ``predict``, ``explain``, ``browse``, ``report``, ``presets``,
``summary``, ``find_lr``, ``convert``, ``data_check``, ``data_stats``, ``data_prepare``, ``data_fetch``,
``data_features``, ``score_captions``, ``score_spotting``, ``load``; and ``Run`` opens a run folder.
They are imported when first used, so that ``import saccade`` itself is quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.api import (
        Config,
        Run,
        SaccadeError,
        browse,
        convert,
        data_check,
        data_features,
        data_fetch,
        data_prepare,
        data_stats,
        evaluate,
        explain,
        find_lr,
        load,
        predict,
        presets,
        report,
        score_captions,
        score_spotting,
        summary,
        train,
    )

__version__ = "0.1.0"
__all__ = [
    "Config",
    "Run",
    "SaccadeError",
    "browse",
    "convert",
    "data_check",
    "data_features",
    "data_fetch",
    "data_prepare",
    "data_stats",
    "evaluate",
    "explain",
    "find_lr",
    "load",
    "predict",
    "presets",
    "report",
    "score_captions",
    "score_spotting",
    "summary",
    "train",
]


class _Package(ModuleType):
    """The rooms browse, explain and report are sub-packages too, which Python sets on their package when it imports
    them: who writes ``saccade.explain`` means the function, whatever was imported before.

    What is in such a room is had by ``from saccade.explain.options import Options``; ``import ... as`` would look it up
    in the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("saccade.api"), name)
    raise AttributeError(f"module 'saccade' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
