"""timm's backbones as encoders: maps of an image instead of an answer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.published import published


class Encoder(nn.Module):
    """The deepest map of a backbone of timm.

    ``stride`` is how many pixels of the image, a power of two, a position of the map stands for, and ``channels`` are
    those of the map.
    """

    stride: int
    channels: int

    def __init__(self, name: str, *, pretrained: bool = False) -> None:
        """timm's backbone ``name``.

        Raises:
            ConfigError: no such backbone, or it gives no maps of images of any size, or has no published weights.
            CheckpointError: its published weights could not be downloaded.
        """
        super().__init__()
        require_encoder(name)
        self.body = maps(name) if not pretrained else published(name, classes=0, keep_head=False, settings=MAPS)
        info = self.body.feature_info
        self.stride, self.channels = info.reduction()[-1], info.channels()[-1]  # type: ignore[operator, union-attr]
        self._channels_last = getattr(self.body, "output_fmt", None) == "NHWC"
        _require_map(name, self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images to (B, channels, H / stride, W / stride)."""
        deepest: Tensor = self.body(image)[-1]
        return deepest.permute(0, 3, 1, 2) if self._channels_last else deepest


MAPS: dict[str, Any] = {"features_only": True}
"""What timm is told to give maps."""


def maps(name: str) -> nn.Module:
    """timm's network ``name`` with random weights, which gives a list of maps.

    Raises:
        ConfigError: it cannot.
    """
    import timm

    with refused(f"{name} gives no maps of the image"):
        network: nn.Module = timm.create_model(name, pretrained=False, **MAPS)
    return network


def require_encoder(name: str, others: Iterable[str] = ()) -> None:
    """That timm has a network ``name``.

    Args:
        name: with or without timm's tag.
        others: names that are no network of timm's but would do.

    Raises:
        ConfigError: it has not; the nearest names are told.
    """
    import timm

    if not timm.is_model(name):
        nearest = difflib.get_close_matches(name, [*others, *timm.list_models()], n=3)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "timm.list_models() names those of timm"
        raise ConfigError(f"model.encoder: no encoder is called {name!r}; {hint}")


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Tell ``what`` is wrong with an encoder that cannot be made or run, with the reason that its makers give.

    Raises:
        ConfigError: it cannot.
        RuntimeError: on the meta device, where it may only lack values.
    """
    try:
        yield
    except (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, RuntimeError) and torch.get_default_device().type == "meta":
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:200]
        raise ConfigError(f"model.encoder: {what} ({reason}); choose another, such as resnet34") from error


def require_any_size(network: nn.Module, image: tuple[int, int], answer: tuple[int, int], *, what: str) -> None:
    """Run a network once, in evaluation mode, to see that the sizes that it is said to give are what it gives.

    timm does not say which of its networks take images of one size only, and a few say a wrong stride.

    Raises:
        ConfigError: it gives others, or takes no image of height and width ``image``.
    """
    training = network.training
    network.eval()
    with refused(what), torch.no_grad():
        found = tuple(network(torch.zeros(1, 3, *image)).shape[2:])
        if found != answer:
            raise ValueError(f"of an image of {image[0]}x{image[1]} it makes {found[0]}x{found[1]}")
    network.train(training)


def _require_map(name: str, encoder: Encoder) -> None:
    stride = encoder.stride
    if stride & (stride - 1):
        raise ConfigError(
            f"model.encoder: a position of {name}'s last map stands for {stride} pixels, which is no power of two; "
            "choose another, such as resnet34"
        )
    require_any_size(
        encoder,
        (4 * stride, 3 * stride),
        (4, 3),
        what=f"{name} does not map images of any size to 1/{stride} of it",
    )
