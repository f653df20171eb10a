"""The graph of what a network computes in evaluation, by torch.fx.

``torch.fx.symbolic_trace`` knows nothing of the tensors that go through, and gives up where a network asks one for its
shape to decide what to do. Here real tensors go along: a network can be traced if it can be run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate
from torch.fx.proxy import Attribute
from torch.nn.modules.batchnorm import _BatchNorm

from saccade.errors import ConfigError
from saccade.nn.modes import evaluating

_LEAVES = (nn.Conv2d, _BatchNorm)
"""Also of other libraries, whose own classes torch.fx would look into."""
_QUESTIONS = ("size", "dim", "ndimension", "numel", "nelement", "stride", "is_contiguous", "is_floating_point")
"""Methods that use nothing of the values of a tensor."""


def traced(network: nn.Module, *inputs: Tensor) -> fx.Graph:
    """The graph of ``network(*inputs)`` in evaluation mode; the targets of ``call_module`` are names in the network.

    The operations within a convolution, a BatchNorm and most modules of torch.nn are not in it, nor are questions for
    shapes. The network is left as it was.

    Raises:
        ConfigError: the network cannot be followed. Who asked for it adds by which setting.
    """
    tracer = _Tracer(inputs)
    try:
        with evaluating(network), torch.no_grad():
            return tracer.trace(_Called(network))
    except Exception as error:  # any code of any network
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        if any(tensor.is_meta for tensor in inputs):  # it may need values, which who asked can give
            raise RuntimeError(reason) from error
        raise ConfigError(
            f"torch.fx cannot follow what {type(network).__name__} computes ({reason}), so that nothing is known of "
            "what comes after its convolutions"
        ) from error


class _Called(nn.Module):
    """Calls the network with all inputs and none of its further arguments."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Any:
        return self.network(*inputs)


class _Known(fx.Proxy):
    """Stands for a tensor, or several, in a graph, and knows them: shapes and comparisons are answered at once."""

    def __init__(self, node: fx.Node, tracer: fx.Tracer, value: Any) -> None:
        super().__init__(node, tracer)
        self.value = value

    def __getattr__(self, k: str) -> Any:
        held = getattr(self.value, k)
        if isinstance(held, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, k), {})
        return Attribute(self, k) if callable(held) else held

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.value)))  # type: ignore[index]  # torch.fx adds the operators

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __index__(self) -> int:
        return int(self.value.__index__())


class _Tracer(fx.Tracer):
    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.inputs = inputs
        self.inside = False  # a leaf, which computes with tensors

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _LEAVES) or super().is_leaf_module(m, module_qualified_name)

    def path_of_module(self, mod: nn.Module) -> str:
        return super().path_of_module(mod).removeprefix("network").removeprefix(".")

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val  # a parameter is a tensor like any other

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self.inside or not self.is_leaf_module(m, self.path_of_module(m)):
            return forward(*args, **kwargs)
        self.inside = True
        try:
            value = forward(*_values(args), **_values(kwargs))
        finally:
            self.inside = False
        return self._known(value, "call_module", self.path_of_module(m), args, kwargs)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Any = None,
    ) -> Any:
        if kind == "placeholder":
            return self._known(self.inputs, kind, target, args, kwargs)
        given, named = _values(args), _values(kwargs)
        compute = target if kind == "call_function" else getattr(given[0], target)
        value = compute(*(given if kind == "call_function" else given[1:]), **named)
        if target in _QUESTIONS:
            return value
        known = self._known(value, kind, target, args, kwargs)
        return known if _holds_tensor(value) else value  # numbers leave the graph, which is a use of the tensor, too

    def create_arg(self, a: Any) -> Any:
        # tensors and modules that are not on the way from the input to the output; the graph is read and never run
        return None if isinstance(a, Tensor | nn.Module) else super().create_arg(a)

    def _known(self, value: Any, kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> fx.Proxy:
        return super().create_proxy(kind, target, args, kwargs, proxy_factory_fn=lambda node: _Known(node, self, value))


def _values(arguments: Any) -> Any:
    """The arguments with tensors for what stands for them."""
    return map_aggregate(arguments, lambda each: each.value if isinstance(each, _Known) else each)


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_tensor, value.values()))
    if isinstance(value, tuple | list):
        return any(map(_holds_tensor, value))
    return isinstance(value, Tensor)
