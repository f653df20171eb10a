"""torchvision's networks and timm's: the same arithmetic under other names."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping

import torch
from torch import Tensor, nn

SAME = {
    "vgg11": "vgg11",
    "vgg11_bn": "vgg11_bn",
    "vgg13": "vgg13",
    "vgg13_bn": "vgg13_bn",
    "vgg16": "vgg16",
    "vgg16_bn": "vgg16_bn",
    "vgg19": "vgg19",
    "vgg19_bn": "vgg19_bn",
    "inception_v3": "inception_v3",
    "mobilenetv2_100": "mobilenet_v2",
    "mnasnet_050": "mnasnet0_5",
    "mnasnet_075": "mnasnet0_75",
    "mnasnet_100": "mnasnet1_0",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b1": "efficientnet_b1",
    "efficientnet_b2": "efficientnet_b2",
    "efficientnet_b3": "efficientnet_b3",
    "efficientnet_b4": "efficientnet_b4",
    "convnext_tiny": "convnext_tiny",
    "convnext_small": "convnext_small",
    "convnext_base": "convnext_base",
    "convnext_large": "convnext_large",
    "vit_base_patch16_224": "vit_b_16",
    "vit_base_patch32_224": "vit_b_32",
    "vit_large_patch16_224": "vit_l_16",
    "swin_tiny_patch4_window7_224": "swin_t",
    "swin_small_patch4_window7_224": "swin_s",
    "swin_base_patch4_window7_224": "swin_b",
}
"""timm's name to torchvision's, where the tensors are the same and their names are not; each is tested to give the same
outputs. Not here although they look alike: MobileNetV3, EfficientNet-B5 to B7 and EfficientNetV2, whose BatchNorm adds
another epsilon in timm; RegNet. ResNets and DenseNets have the same names in both."""

_WITHOUT_WEIGHT = ("num_batches_tracked", "relative_position_index")
_TRAINING_ONLY = "AuxLogits."


def from_torchvision(state: Mapping[str, Tensor], network: nn.Module, name: str) -> dict[str, Tensor]:
    """``state`` under the names of timm's ``network``, if its keys are those of torchvision's; else unchanged.

    The k-th tensor of n numbers in torchvision's network is the k-th of n numbers in timm's. (timm writes the linear
    layers of a VGG as convolutions, hence numbers and not shapes.)
    """
    theirs_name = SAME.get(name.split(".")[0])
    if theirs_name is None:
        return dict(state)
    from torchvision.models import get_model

    ours = _weights(network)
    classes = len(list(ours.values())[-1])  # the head's size does not matter; the file's own may be another
    with torch.device("meta"):
        initial = {"init_weights": False} if theirs_name.startswith(("vgg", "inception")) else {}
        theirs = _weights(get_model(theirs_name, weights=None, num_classes=classes, **initial))
    given = {key: value for key, value in state.items() if _counts(key)}
    if given.keys() != theirs.keys() or _sizes(ours) != _sizes(theirs):
        return dict(state)
    waiting: dict[int, deque[str]] = defaultdict(deque)
    for key, value in theirs.items():
        waiting[value.numel()].append(key)
    renamed = {}
    for key, value in ours.items():
        source = waiting[value.numel()].popleft()
        reshaped = value.dim() != theirs[source].dim()
        renamed[key] = given[source].reshape(value.shape) if reshaped else given[source]
    return renamed


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {key: value for key, value in network.state_dict().items() if _counts(key)}


def _sizes(weights: Mapping[str, Tensor]) -> Counter[int]:
    return Counter(value.numel() for value in weights.values())


def _counts(key: str) -> bool:
    return not key.endswith(_WITHOUT_WEIGHT) and not key.startswith(_TRAINING_ONLY)
