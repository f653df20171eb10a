"""The methods, and the settings of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from saccade.errors import ConfigError

Method: TypeAlias = Literal["filters", "features", "occlusion", "gradcam", "integrated-gradients", "confused-logits"]
METHODS: tuple[str, ...] = get_args(Method)
Fill: TypeAlias = Literal["grey", "mean", "black", "white"]
FILLS: tuple[str, ...] = get_args(Fill)

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "filters": ("layer", "top", "colours"),
    "features": ("layer", "top", "colours"),
    "occlusion": ("target", "patch", "stride", "fill", "colours"),
    "gradcam": ("target", "layer", "colours"),
    "integrated-gradients": ("target", "fill", "colours"),
    "confused-logits": ("margin",),
}
"""Those that each method knows; what another one knows is refused, since it would do nothing."""


@dataclass(frozen=True)
class Options:
    """What may be said of how something is explained; None leaves it to the method."""

    patch: int | None = None  # occlusion: side of the square in pixels of the network's input; a sixth of its side
    stride: int | None = None  # occlusion: how far it slides, at most ``patch``; a third of it
    fill: Fill | None = None  # occlusion: colour of the patch; integrated-gradients: of the baseline; grey
    margin: float | None = None  # confused-logits: the two highest probabilities lie at most so far apart; 0.1
    top: int | None = None  # filters, features: how many of a layer are shown, the strongest; 64
    colours: str | None = None  # the name of one of matplotlib's colour maps

    def filled(self, method: str, given: Mapping[str, Any]) -> Options:
        """With what is ``given`` in the place of None, as far as the method knows it."""
        lacking = {key for key in SETTINGS[method] if key in given and getattr(self, key) is None}
        return replace(self, **{key: given[key] for key in lacking})


@dataclass(frozen=True)
class Request:
    """What is asked of a method."""

    method: str
    target: str | None = None  # a class, or a word; None: what the network says itself
    layers: tuple[str, ...] = ()  # dotted names; none: the method chooses
    options: Options = Options()
    progress: Callable[[int], object] = lambda done: None  # told how many more images the network was asked for


def check(request: Request) -> None:
    """Refuse a method that there is not, and settings that it does not know or that hold no sensible value.

    Raises:
        ConfigError: all of them at once.
    """
    method, options = request.method, request.options
    if method not in METHODS:
        raise ConfigError(f"--method: there is no {method!r}; choose one of {', '.join(METHODS)}")
    given = {"target": request.target, "layer": request.layers or None, **vars(options)}
    known = ", ".join(f"--{name}" for name in SETTINGS[method])
    foreign = [
        f"--{key}: {method} has no such setting; it knows {known}"
        for key, value in given.items()
        if value is not None and key not in SETTINGS[method]
    ]
    wrong = [
        f"--{key}: is {given[key]}, and it takes {what}"
        for key, what, holds in (
            ("patch", "1 pixel or more", options.patch is None or options.patch >= 1),
            ("stride", "1 pixel or more", options.stride is None or options.stride >= 1),
            ("top", "1 or more", options.top is None or options.top >= 1),
            ("fill", f"one of {', '.join(FILLS)}", options.fill in (None, *FILLS)),
            ("margin", "0 to 1", options.margin is None or 0 <= options.margin <= 1),
        )
        if not holds
    ]
    if problems := foreign + wrong:
        raise ConfigError("\n".join(problems))
