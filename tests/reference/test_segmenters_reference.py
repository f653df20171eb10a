"""Segmentation networks against the figures that others report of theirs, and against other code."""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F

from saccade.nn.segmenters import build_segmenter
from saccade.nn.unet import UNet


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_unet_has_as_many_parameters_as_the_usual_one_with_batch_norm() -> None:
    """31 037 698 for 3 channels and 2 classes, 31 037 633 for 1: reported by many of the U-Net with BatchNorm.

    Among them are users of github.com/milesial/Pytorch-UNet without bilinear upsampling.
    """
    with torch.device("meta"):
        assert parameters(UNet(2)) == 31_037_698
        assert parameters(UNet(1)) == 31_037_633


def test_the_unet_of_segmentation_models_pytorch_is_theirs() -> None:
    """The same seed gives the same numbers, through padding of 37x53 to 64x64 by hand."""
    torch.manual_seed(2)
    network = build_segmenter("smp_unet", classes=3, encoder="resnet18").eval()
    torch.manual_seed(2)
    reference = smp.Unet("resnet18", encoder_weights=None, classes=3).eval()
    image = torch.rand(2, 3, 37, 53)
    padded = F.pad(image, (0, 11, 0, 27), mode="replicate")
    assert torch.equal(network(image), reference(padded)[:, :, :37, :53])
    assert parameters(network) == parameters(reference)
