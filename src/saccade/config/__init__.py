"""The config room: one file, one object, one validation."""

from saccade.config.dump import dump
from saccade.config.load import load, with_overrides
from saccade.config.schema import Config
from saccade.config.shape import schema
from saccade.config.sources import preset_names, preset_summary, preset_text

__all__ = [
    "Config",
    "dump",
    "load",
    "preset_names",
    "preset_summary",
    "preset_text",
    "schema",
    "with_overrides",
]
