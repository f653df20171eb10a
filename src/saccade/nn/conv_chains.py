"""Which convolutions are followed by a BatchNorm alone, so that one of the two can make good what the other does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, fx, nn
from torch.nn.modules.conv import _ConvNd

from saccade.nn.standardized_conv import StandardizedConv2d
from saccade.nn.tracing import traced

_CONVOLUTIONS = (nn.Conv2d, StandardizedConv2d)
_OF_TIMM = "BatchNormAct2d"
"""timm's BatchNorm2d with a dropout and an activation behind it, by name, as importing timm takes a second."""


@dataclass(frozen=True)
class Chain:
    """The names of a convolution and of the BatchNorm that is all that uses its output."""

    conv: str
    norm: str


@dataclass(frozen=True)
class ConvChains:
    """Every convolution of a network, of any kind: it is in a chain, or refused."""

    found: tuple[Chain, ...]  # in the order of the network's modules
    refused: Mapping[str, str]  # by the name of the convolution, why it is in none


def conv_chains(network: nn.Module, *inputs: Tensor) -> ConvChains:
    """The chains of a network that is called with ``inputs``, of which only the shapes matter.

    A convolution is in one where in evaluation it is called once, its output goes to one BatchNorm2d and nowhere else,
    perhaps through nn.Identity, and that BatchNorm2d is called once; none of the two is, or shares parameters with,
    another module. What comes after each is read from the graph that torch.fx traces, not from the order of modules.

    Raises:
        ConfigError: the network cannot be traced.
    """
    finder = _Finder(network, traced(network, *inputs))
    answers = {name: finder.chain(name) for name, module in finder.modules.items() if isinstance(module, _ConvNd)}
    return ConvChains(
        tuple(answer for answer in answers.values() if isinstance(answer, Chain)),
        {name: answer for name, answer in answers.items() if isinstance(answer, str)},
    )


class _Finder:
    def __init__(self, network: nn.Module, graph: fx.Graph) -> None:
        self.modules = dict(network.named_modules(remove_duplicate=False))
        self.places: dict[nn.Module | nn.Parameter, list[str]] = defaultdict(list)
        for name, module in self.modules.items():
            self.places[module].append(name)
            for parameter in module.parameters(recurse=False):
                self.places[parameter].append(name)
        self.calls: dict[str, list[fx.Node]] = defaultdict(list)
        for node in graph.nodes:
            if node.op == "call_module":
                self.calls[str(node.target)].append(node)

    def chain(self, name: str) -> Chain | str:
        """The chain of a convolution, or why there is none."""
        conv = self.modules[name]
        if not isinstance(conv, nn.Conv2d):
            return f"is a {type(conv).__name__}, of which nothing is changed"
        if type(conv) not in _CONVOLUTIONS:
            return f"is a {type(conv).__name__}, which computes in a way of its own"
        if not isinstance(conv.weight, nn.Parameter):
            return "has weights that a hook computes"
        if found := self._shared(name):
            return found
        user = self._user(name)
        if isinstance(user, str):
            return user
        norm = self.modules[str(user.target)] if user.op == "call_module" else None
        if not isinstance(norm, nn.BatchNorm2d) or type(norm).__name__ not in (nn.BatchNorm2d.__name__, _OF_TIMM):
            return f"is followed by {self._called(user)} and not by a BatchNorm2d"
        if found := self._shared(str(user.target)):
            return f"is followed by {user.target}, which {found}"
        if norm.running_mean is None:
            return f"is followed by {user.target}, which keeps no running statistics"
        return Chain(name, str(user.target))

    def _shared(self, name: str) -> str | None:
        """Why the module cannot be changed without changing something else; None where it can."""
        module = self.modules[name]
        for held in (module, *module.parameters(recurse=False)):
            if others := [place for place in self.places[held] if place != name]:
                return f"{'is also' if held is module else 'shares parameters with'} {', '.join(others)}"
        calls = len(self.calls[name])
        return None if calls == 1 else f"is called {calls} times" if calls else "is not called in evaluation"

    def _user(self, name: str) -> fx.Node | str:
        """The one node that uses the output of a module, or why there is none."""
        (node,) = self.calls[name]
        while True:
            users = list(node.users)
            if not users:
                return "has an output that nothing uses"
            if len(users) > 1:
                places = ", ".join(dict.fromkeys(map(self._called, users)))
                return f"has an output that goes to {len(users)} places ({places})"
            node = users[0]
            if node.op == "output":
                return "has an output that is one of the network's"
            if node.op != "call_module" or not isinstance(self.modules[str(node.target)], nn.Identity):
                return node

    def _called(self, node: fx.Node) -> str:
        """What is called there, in words."""
        if node.op == "call_module":
            return f"{node.target} ({type(self.modules[str(node.target)]).__name__})"
        return "the output" if node.op == "output" else getattr(node.target, "__name__", str(node.target))
