"""Building a captioning network by name."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

from saccade.errors import ConfigError
from saccade.nn.caption_attention import AttentionCaptioner
from saccade.nn.caption_base import Captioner
from saccade.nn.caption_recurrent import RecurrentCaptioner
from saccade.nn.caption_transformer import TransformerCaptioner
from saccade.nn.caption_updown import UpDownCaptioner
from saccade.nn.cells import CELLS

CAPTIONERS = (*CELLS, "attention", "updown", "transformer")
"""All names; the first are those of the cell in the recurrent layers."""

LAYERS = {"rnn": 1, "gru": 2, "gru_torch": 2, "lstm": 2, "attention": 2, "updown": 2, "transformer": 3}
"""Of each network, unless said otherwise."""

HEADS = 8
"""Of each attention of the transformer."""


class Sizes(NamedTuple):
    """Settings that go with some networks and not with others."""

    layers: int | None = None  # as in ``LAYERS`` where None; of ``updown`` always 2
    embedding: int | None = None  # numbers of a word: 300 where None, of ``updown`` 1000; of ``transformer`` ``hidden``
    hidden: int | None = None  # units of a layer: 512 where None, of ``updown`` 1000
    drop_rate: float = 0.0  # dropout in each part of ``transformer``; the others have theirs by definition


USUAL = Sizes()
"""Those of the presets."""


def build_captioner(
    name: str,
    *,
    vocabulary: int,
    feature_size: int,
    regions: int = 10,
    sizes: Sizes = USUAL,
    fused: bool = True,
) -> Captioner:
    """The network ``name``, with random weights.

    Args:
        name: one of ``CAPTIONERS``.
        vocabulary: V, words and marks.
        feature_size: D, numbers of a region.
        regions: R, of an image; the others but ``attention`` take any number.
        sizes: of its layers.
        fused: recurrent layers run through torch's kernels where these compute the same; only the speed differs.

    Raises:
        ConfigError: no such network, or a setting that is not for it.
    """
    require_captioner(name, sizes)
    said = {"embedding": sizes.embedding, "hidden": sizes.hidden}
    settings: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
    settings |= {"vocabulary": vocabulary, "feature_size": feature_size}
    if name == "updown":
        return UpDownCaptioner(**settings)
    settings["layers"] = LAYERS[name] if sizes.layers is None else sizes.layers
    if name == "transformer":
        inner = 4 * settings.get("hidden", 512)
        return TransformerCaptioner(**settings, heads=HEADS, inner=inner, dropout=sizes.drop_rate)
    if name == "attention":
        return AttentionCaptioner(**settings, regions=regions, fused=fused)
    return RecurrentCaptioner(name, **settings, fused=fused)


def require_captioner(name: str, sizes: Sizes) -> None:
    """That there is a network ``name`` with these settings.

    Raises:
        ConfigError: no such network, or a setting that is not for it.
    """
    _require_name(name)
    if name != "transformer":
        _refuse_settings(name, sizes)
    elif sizes.embedding not in (None, hidden := sizes.hidden or 512):
        raise ConfigError(
            f"model.embedding: is {sizes.embedding}, and a word of the transformer has as many numbers as its layers "
            "have units; set model.embedding=null"
        )
    elif hidden % HEADS:
        raise ConfigError(
            f"model.hidden: is {hidden}, and the transformer has {HEADS} heads; "
            f"set model.hidden={-(-hidden // HEADS) * HEADS}, a multiple of {HEADS}"
        )


def _require_name(name: str) -> None:
    if name in CAPTIONERS:
        return
    nearest = difflib.get_close_matches(name, CAPTIONERS, n=3)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"choose one of {', '.join(CAPTIONERS)}"
    raise ConfigError(f"model.name: no captioning network is called {name!r}; {hint}")


def _refuse_settings(name: str, sizes: Sizes) -> None:
    """Settings that do not go with one of the recurrent networks."""
    if sizes.drop_rate:
        raise ConfigError(
            f"model.drop_rate: is {sizes.drop_rate:g}, and {name} drops out what its equations say; set "
            "model.drop_rate=0"
        )
    if name == "updown" and sizes.layers not in (None, 2):
        raise ConfigError(f"model.layers: is {sizes.layers}, and updown has two LSTMs; set model.layers=null")
    if name == "attention" and sizes.layers is not None and sizes.layers < 2:
        raise ConfigError(
            f"model.layers: is {sizes.layers}, and attention looks from the second-last layer; set model.layers=2 or "
            "more"
        )
