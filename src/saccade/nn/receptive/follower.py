"""Follow receptive fields through a forward pass, operation by operation, as PyTorch's dispatcher sees them."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary

from saccade.nn.receptive.call import Call, tensors
from saccade.nn.receptive.mapped import Mapped
from saccade.nn.receptive.reach import Seen
from saccade.nn.receptive.rules import follow


class Follower(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own, without types
    """Sees every operation in its scope; tells what tensors see of the image, and counts multiply-adds.

    Args:
        count: called with the multiply-adds of each operation that has any.
    """

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._count = count
        self._maps: MutableMapping[Tensor, Mapped] = WeakTensorKeyDictionary()

    def start(self, image: Tensor) -> None:
        """Begin with the image, (B, C, H, W)."""
        self._maps[image] = Mapped.image(image.shape)

    def seen(self, tensor: Tensor) -> tuple[Seen, ...] | None:
        """What the tensor sees of each axis of the image; None where it does not depend on it."""
        found = self._maps.get(tensor)
        return None if found is None else found.seen

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        packet = func.overloadpacket
        if packet in flop_registry:
            self._count(flop_registry[packet](*args, **kwargs, out_val=result) // 2)
        self._follow(func, args, kwargs, result)
        return result

    def _follow(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        arguments = func._schema.arguments
        given = {a.name: value for a, value in zip(arguments, args, strict=False)} | kwargs
        results = list(tensors([result]))
        written = [given[a.name] for a in arguments if a.is_write and isinstance(given.get(a.name), Tensor)]
        if not results and not written:
            return
        name = _plain_name(func)
        call = Call(name, given, tuple((results or written)[0].shape), self._maps)
        if not call.all_maps:
            return
        found = follow(func, call)
        for tensor in [*results, *written]:
            fits = len(found.dims) == tensor.dim()
            self._maps[tensor] = found.resized(tensor.shape) if fits else found.blurred(tensor.shape, name)
        for tensor in written:
            # what was written through a view has changed the tensor under it, nobody knows where
            if tensor._base is not None:
                self._maps[tensor._base] = found.blurred(tensor._base.shape, name)


def _plain_name(func: Any) -> str:
    """The operation's name without namespace, overload and the underscore of those that work in place."""
    name = func.overloadpacket.__name__
    return str(name[:-1] if name.endswith("_") and not name.endswith("__") else name)
