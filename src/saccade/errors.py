"""What a user can get wrong, as exceptions.

A ``SaccadeError`` ends the program with its message and exit code 2, never with a traceback. Its message says where the
mistake is, what was found, what is allowed, and what to do. A bug of ours is an ``assert`` or any other exception.
"""

from __future__ import annotations


class SaccadeError(Exception):
    """A mistake that the user can mend; the message is written for them."""

    exit_code = 2


class ConfigError(SaccadeError):
    """A config, preset, or ``key=value`` that does not hold; one message tells all of its mistakes."""


class DataError(SaccadeError):
    """A data set, split, image, or label that is missing, unreadable, or contradictory."""


class CheckpointError(SaccadeError):
    """Weights or a checkpoint that cannot be read or do not fit the model, or could not be written."""


class RunError(SaccadeError):
    """A run folder that is missing, incomplete, or in use by another process."""


class StoppedError(SaccadeError):
    """The user pressed Ctrl-C; the message says how to go on."""

    exit_code = 130
