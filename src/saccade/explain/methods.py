"""Each method on one image: what it finds, as numbers and as a picture.

Letters: K things that are explained, H x W pixels, (h, w) places of a map, R regions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isqrt
from typing import Any, TypeAlias

import torch
from torch import Tensor

from saccade.errors import ConfigError
from saccade.explain import confused, feature_maps
from saccade.explain.gradients import UnrelatedError, gradcam, integrated_gradients, recurrent_gradients, spread
from saccade.explain.heat import Heat, heat_picture, heat_rows
from saccade.explain.layers import Map, canvas, last_map, listening, maps, named_layers, stages
from saccade.explain.occlusion import occlusion, patch_for
from saccade.explain.options import Request
from saccade.explain.pictures import Floats, Panel, Picture, Scale, enlarged, panels, probability
from saccade.explain.subject import Piece, Subject
from saccade.explain.targets import Targets

HOT = "inferno"
"""Colour map of heat that is 0 or more."""
NOTABLE = 0.01
"""Falls of a probability that are smaller than this do not get the full colour."""
TOP = 64
"""Channels of a layer that are shown, unless said otherwise."""
INPUT = 240
"""Pixels of the longer side of an image beside a grid."""

OnImage: TypeAlias = Callable[[Subject, Tensor, Request, str], list[Piece]]
"""A method: what it finds in (1, 3, H, W), in files whose names begin with the name given last.

Raises:
    ConfigError: a setting that does not hold.
    DataError: there is nothing to explain in this image.
"""


def occluded(subject: Subject, image: Tensor, request: Request, name: str) -> list[Piece]:
    """The fall of the probability where a patch covers the image."""
    options, targets = request.options, subject.targets(image, request.target)
    patch = patch_for(image.shape[2], image.shape[3], side=options.patch, stride=options.stride)
    falls = occlusion(
        subject.probabilities(targets),
        image,
        patch,
        fill=subject.colour(options.fill),
        batch=subject.batch,
        progress=request.progress,
    )
    values: Floats = falls.numpy()
    heats = [(fall, Scale.around_zero(fall, options.colours, at_least=NOTABLE)) for fall in values]
    fill = options.fill or "grey"
    how = f"its fall under a {fill} patch of {patch.side} pixels"
    picture, told = _heated(subject, image, targets, heats, how)
    about = {
        "values": "fall of the probability where the patch lies: targets, height, width of the input",
        "patch": patch.side,
        "stride": patch.stride,
        "fill": fill,
    }
    return [Piece(name, picture, values, {**told, **about}, _attention(targets))]


def graded(subject: Subject, image: Tensor, request: Request, name: str) -> list[Piece]:
    """Grad-CAM of one layer or more, a piece each."""
    targets = subject.targets(image, request.target)
    there = maps(subject.network, subject.ask, image)
    usual = targets.layer or last_map(subject.network, there, dense=targets.dense)
    chosen = _with_maps(subject, request.layers or [usual], there)
    size, pieces = (image.shape[2], image.shape[3]), []
    for layer in chosen:
        coarse = _weighed(subject, targets, image, layer)
        fine = spread(coarse, canvas(subject.network, size), size).cpu().numpy()
        heats = [(one, Scale.from_zero(one, request.options.colours or HOT)) for one in fine]
        picture, told = _heated(subject, image, targets, heats, f"Grad-CAM of {layer}")
        file = name if len(chosen) == 1 else f"{name}-{layer}"
        about = {"values": "targets, height, width of the layer's map", "layer": layer, "map": list(there[layer])}
        pieces.append(Piece(file, picture, coarse.cpu().numpy(), {**told, **about}, _attention(targets)))
    return pieces


def _weighed(subject: Subject, targets: Targets, image: Tensor, layer: str) -> Tensor:
    """Grad-CAM of a layer.

    Raises:
        ConfigError: the answer is made without it.
    """
    module = subject.network.get_submodule(layer)
    try:
        with recurrent_gradients(subject.network):
            return gradcam(subject.logits(targets), image, module, targets=len(targets.names))
    except UnrelatedError:
        raise ConfigError(
            f"--layer: the answer does not depend on {layer}, so that Grad-CAM has nothing to weigh its channels by; "
            "name a layer that comes before the answer"
        ) from None


def integrated(subject: Subject, image: Tensor, request: Request, name: str) -> list[Piece]:
    """Integrated gradients from an image of one colour; the picture adds the three colours up."""
    options, targets = request.options, subject.targets(image, request.target)
    logits, baseline = subject.logits(targets), subject.colour(options.fill)
    with recurrent_gradients(subject.network):
        found = [
            integrated_gradients(logits, image, baseline=baseline, target=k, batch=subject.batch)
            for k in range(len(targets.names))
        ]
    values: Floats = torch.stack([one.values for one in found]).cpu().numpy()
    heats = [(each, Scale.around_zero(each, options.colours, share=0.995)) for each in values.sum(axis=1)]
    fill = options.fill or "grey"
    picture, told = _heated(subject, image, targets, heats, f"integrated gradients from {fill}")
    about = {
        "values": "share of the logit's difference to the baseline: targets, colour, height, width of the input",
        "fill": fill,
        "completeness": [one.told() for one in found],
    }
    return [Piece(name, picture, values, {**told, **about}, _attention(targets))]


def featured(subject: Subject, image: Tensor, request: Request, name: str) -> list[Piece]:
    """Maps of layers, a piece each."""
    there = maps(subject.network, subject.ask, image)
    chosen = _with_maps(subject, request.layers or stages(there), there)
    layers = {layer: subject.network.get_submodule(layer) for layer in chosen}
    with listening(layers) as given:
        subject.answer(image)
    options, pieces = request.options, []
    beside = Panel(enlarged(subject.picture(image), INPUT), "input")
    for layer in chosen:
        size = there[layer]
        found = feature_maps.strongest(given[layer][0], options.top or TOP)
        sheet, scale = feature_maps.sheet(found, colours=options.colours)
        count = f"{len(found.numbers)} of {size.channels}" if len(found.numbers) < size.channels else f"{size.channels}"
        words = f"{count} channels of {size.height}×{size.width}, strongest first, all by one scale"
        about = {
            "values": "channels, height, width",
            "layer": layer,
            "map": list(size),
            "channels": found.numbers,
            "strengths": found.strengths,
        }
        picture = panels([[beside, Panel(sheet, words, scale=scale)]], title=layer)
        pieces.append(Piece(f"{name}-{layer}", picture, found.values, about))
    return pieces


def unconfused(subject: Subject, image: Tensor, request: Request, name: str) -> list[Piece]:
    """The image changed to the one and to the other of the two classes between which the network wavers."""
    before = subject.answer(image)[0].float().softmax(dim=0)
    pair = confused.two_highest(before)
    names = (subject.classes[pair[0]], subject.classes[pair[1]])
    confused.require_confused(names, before[[*pair]].tolist(), margin=request.options.margin)

    def log_probabilities(rgb: Tensor) -> Tensor:
        said: Tensor = subject.ask(subject.normalised(rgb))
        return said.float().log_softmax(dim=1)

    with recurrent_gradients(subject.network):
        changes = [confused.towards(log_probabilities, subject.rgb(image), index) for index in pair]
    picture = confused.drawn(subject.picture(image), names, before, changes)
    return [Piece(name, picture, confused.values(changes), confused.told(names, before, changes))]


ON_IMAGES: Mapping[str, OnImage] = {
    "features": featured,
    "occlusion": occluded,
    "gradcam": graded,
    "integrated-gradients": integrated,
    "confused-logits": unconfused,
}


def _with_maps(subject: Subject, names: Sequence[str], there: Mapping[str, Map]) -> list[str]:
    """The layers of these names, all of which give a map.

    Raises:
        ConfigError: no such layer, or one without a map.
    """
    for name in named_layers(subject.network, names):
        if name not in there:
            last = f"; the last layer with one is {list(there)[-1]}" if there else ""
            raise ConfigError(f"--layer: {name} gives no map of the image (channels × height × width){last}")
    return list(dict.fromkeys(names))


def _heated(
    subject: Subject, image: Tensor, targets: Targets, heats: Sequence[tuple[Floats, Scale]], how: str
) -> tuple[Picture, dict[str, Any]]:
    """The heat of each target over the image, and what is told of the targets. ``how``: the method in words."""
    with torch.no_grad():
        probabilities = targets.probabilities(subject.ask(image))[0].tolist()
    told = [{"name": what, "probability": value} for what, value in zip(targets.names, probabilities, strict=True)]
    titles = [f"{what} {probability(value)}" for what, value in zip(targets.names, probabilities, strict=True)]
    shown = [Heat(title, *heat) for title, heat in zip(titles, heats, strict=True)]
    picture = subject.picture(image)
    if targets.answer and not targets.dense:  # words of a caption
        looks = _looks(targets, (image.shape[2], image.shape[3]))
        drawn = heat_rows(picture, shown, looks, title=f"{targets.answer}: {how}")
    else:
        drawn = heat_picture(picture, shown[0]._replace(title="over it"), title=f"{titles[0]}: {how}")
    return drawn, {"targets": told, **({"answer": targets.answer} if targets.answer else {})}


def _attention(targets: Targets) -> Floats | None:
    """Where a captioning network looked at each word: (K, h, w) of a square grid of regions, (K, R) of others."""
    if targets.weights is None:
        return None
    words, regions = targets.weights.shape
    side = isqrt(regions)
    places = (side, side) if side * side == regions else (regions,)
    weights: Floats = targets.weights.float().reshape(words, *places).cpu().numpy()
    return weights


def _looks(targets: Targets, size: tuple[int, int]) -> list[Heat]:
    """Where a captioning network looked at each word, where it says so of a square grid."""
    weights = _attention(targets)
    if weights is None or weights.ndim != 3:
        return []
    fine = spread(torch.from_numpy(weights), size, size).numpy()
    return [
        Heat(f"attention: {word}", one, Scale.from_zero(one, HOT))
        for word, one in zip(targets.names, fine, strict=True)
    ]
