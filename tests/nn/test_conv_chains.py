"""Which convolutions are followed by a BatchNorm alone: a tiny network for each rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d, Conv2dSame
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

from saccade.nn.conv_chains import Chain, conv_chains
from saccade.nn.standardized_conv import StandardizedConv2d

IMAGE = torch.zeros(1, 4, 8, 8)
IN_CHAIN = "in a chain"


class Net(nn.Module):
    """Computes as it is told with the modules that it is given."""

    def __init__(self, compute: Callable[[Any, Tensor], Any], **modules: nn.Module) -> None:
        super().__init__()
        self.compute = compute
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, image: Tensor) -> Any:
        return self.compute(self, image)


def conv(**settings: Any) -> nn.Conv2d:
    return nn.Conv2d(4, 4, 3, padding=1, **settings)


def norm(**settings: Any) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(4, **settings)


def straight(net: Any, x: Tensor) -> Tensor:
    found: Tensor = net.norm(net.conv(x))
    return found


def tied() -> Net:
    net = Net(lambda n, x: n.norm(n.conv(x)) + n.other(x), conv=conv(), norm=norm(), other=conv())
    net.other.weight = net.conv.weight
    return net


def one_module_at_two_places() -> Net:
    shared = conv()
    return Net(straight, conv=shared, other=shared, norm=norm())


class OwnNorm(nn.BatchNorm2d):
    pass


CASES: dict[str, tuple[Callable[[], Net], str]] = {
    "conv, norm": (lambda: Net(straight, norm=norm(), conv=conv()), IN_CHAIN),
    "a bias": (lambda: Net(straight, norm=norm(), conv=conv(bias=True)), IN_CHAIN),
    "depthwise": (lambda: Net(straight, norm=norm(), conv=conv(groups=4)), IN_CHAIN),
    "standardised": (lambda: Net(straight, norm=norm(), conv=StandardizedConv2d.of(conv())), IN_CHAIN),
    "without scale and shift": (lambda: Net(straight, norm=norm(affine=False), conv=conv()), IN_CHAIN),
    "timm's norm": (lambda: Net(straight, norm=BatchNormAct2d(4), conv=conv()), IN_CHAIN),
    "an identity between": (
        lambda: Net(lambda n, x: n.norm(n.nothing(n.conv(x))), norm=norm(), conv=conv(), nothing=nn.Identity()),
        IN_CHAIN,
    ),
    "the output of the norm twice": (
        lambda: Net(lambda n, x: (lambda y: y + F.relu(y))(straight(n, x)), norm=norm(), conv=conv()),
        IN_CHAIN,
    ),
    "the shape of the output": (
        lambda: Net(lambda n, x: (lambda y: n.norm(y) * y.shape[1])(n.conv(x)), norm=norm(), conv=conv()),
        IN_CHAIN,
    ),
    "another order of modules": (
        # by the order of modules the norm would belong to the first convolution
        lambda: Net(lambda n, x: n.norm(n.conv(F.relu(n.first(x)))), first=conv(), norm=norm(), conv=conv()),
        IN_CHAIN,
    ),
    "an activation": (
        lambda: Net(lambda n, x: n.norm(F.relu(n.conv(x))), norm=norm(), conv=conv()),
        "is followed by relu and not by a BatchNorm2d",
    ),
    "GroupNorm": (
        lambda: Net(straight, norm=nn.GroupNorm(2, 4), conv=conv()),
        "is followed by norm (GroupNorm) and not by a BatchNorm2d",
    ),
    "a norm of another kind": (
        lambda: Net(straight, norm=OwnNorm(4), conv=conv()),
        "is followed by norm (OwnNorm) and not by a BatchNorm2d",
    ),
    "no norm": (lambda: Net(lambda n, x: n.conv(x), conv=conv()), "has an output that is one of the network's"),
    "two users": (
        lambda: Net(lambda n, x: (lambda y: n.norm(y) + y.sigmoid())(n.conv(x)), norm=norm(), conv=conv()),
        "has an output that goes to 2 places (norm (BatchNorm2d), sigmoid)",
    ),
    "two norms": (
        lambda: Net(lambda n, x: (lambda y: n.norm(y) + n.other(y))(n.conv(x)), norm=norm(), conv=conv(), other=norm()),
        "has an output that goes to 2 places (norm (BatchNorm2d), other (BatchNorm2d))",
    ),
    "an output beside": (
        lambda: Net(lambda n, x: (lambda y: (n.norm(y), y))(n.conv(x)), norm=norm(), conv=conv()),
        "has an output that goes to 2 places (norm (BatchNorm2d), the output)",
    ),
    "read by other means": (
        lambda: Net(lambda n, x: (lambda y: n.norm(y) * float(y.numpy().max()))(n.conv(x)), norm=norm(), conv=conv()),
        "has an output that goes to 2 places (norm (BatchNorm2d), numpy)",
    ),
    "changed in place": (
        lambda: Net(lambda n, x: (lambda y: (y.mul_(2), n.norm(y))[1])(n.conv(x)), norm=norm(), conv=conv()),
        "has an output that goes to 2 places (mul_, norm (BatchNorm2d))",
    ),
    "called twice": (
        lambda: Net(lambda n, x: n.norm(n.conv(n.conv(x))), norm=norm(), conv=conv()),
        "is called 2 times",
    ),
    "never called": (lambda: Net(lambda n, x: n.norm(x), norm=norm(), conv=conv()), "is not called in evaluation"),
    "called in training": (
        lambda: Net(lambda n, x: n.norm(n.conv(x)) if n.training else n.norm(x), norm=norm(), conv=conv()),
        "is not called in evaluation",
    ),
    "nothing is done with it": (
        lambda: Net(lambda n, x: (n.conv(x), n.norm(x))[1], norm=norm(), conv=conv()),
        "has an output that nothing uses",
    ),
    "one norm for two": (
        lambda: Net(lambda n, x: n.norm(n.conv(x)) + n.norm(n.other(x)), norm=norm(), conv=conv(), other=conv()),
        "is followed by norm, which is called 2 times",
    ),
    "a norm of the batch alone": (
        lambda: Net(straight, norm=norm(track_running_stats=False), conv=conv()),
        "is followed by norm, which keeps no running statistics",
    ),
    "tied weights": (tied, "shares parameters with other"),
    "one module at two places": (one_module_at_two_places, "is also other"),
    "of another library": (
        lambda: Net(straight, norm=norm(), conv=Conv2dSame(4, 4, 3)),
        "is a Conv2dSame, which computes in a way of its own",
    ),
    "parametrised": (
        lambda: Net(straight, norm=norm(), conv=parametrizations.spectral_norm(conv())),
        "is a ParametrizedConv2d, which computes in a way of its own",
    ),
    "transposed": (
        lambda: Net(straight, norm=norm(), conv=nn.ConvTranspose2d(4, 4, 3)),
        "is a ConvTranspose2d, of which nothing is changed",
    ),
    "along one axis": (
        lambda: Net(lambda n, x: n.norm(n.conv(x.flatten(2))[..., None]), norm=norm(), conv=nn.Conv1d(4, 4, 3)),
        "is a Conv1d, of which nothing is changed",
    ),
    "along three axes": (
        lambda: Net(lambda n, x: n.norm(n.conv(x[:, :, None])[:, :, 0]), norm=norm(), conv=nn.Conv3d(4, 4, 1)),
        "is a Conv3d, of which nothing is changed",
    ),
    "weights by a hook": (
        lambda: Net(straight, norm=norm(), conv=weight_norm(conv())),
        "has weights that a hook computes",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")
def test_a_network_for_each_rule(case: str) -> None:
    make, expected = CASES[case]
    found = conv_chains(make(), IMAGE)
    if expected == IN_CHAIN:
        assert Chain("conv", "norm") in found.found
        assert "conv" not in found.refused
    else:
        assert found.refused["conv"] == expected
        assert found.found == ()


def test_every_convolution_is_found_or_refused() -> None:
    net = Net(
        lambda n, x: n.norms(n.second(n.more[0](n.first(x)))) + n.more[1](x),
        first=conv(),
        second=conv(),
        norms=norm(),
        more=nn.Sequential(norm(), conv()),
        linear=nn.Linear(2, 2),
    )
    found = conv_chains(net, IMAGE)
    assert found.found == (Chain("first", "more.0"), Chain("second", "norms"))
    assert found.refused == {"more.1": "is followed by add and not by a BatchNorm2d"}
