"""The methods of the API go through the gate of their engine, so that it knows what is in flight."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ..core.errors import NotFound
from .caller import CALLER

if TYPE_CHECKING:
    from .resift import Resift

P = ParamSpec("P")
T = TypeVar("T")


def uses_store(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return a method of `Resift` that waits while maintenance holds the store.

    It raises `StoreBusy` when that takes too long.
    """

    @wraps(method)
    async def call(self: "Resift", *args: P.args, **kwargs: P.kwargs) -> T:
        async with self.engine.gate.shared():
            try:
                return await method(self, *args, **kwargs)
            except NotFound as error:
                told = CALLER.get().told(error)
                if told is error:
                    raise
                raise told from None

    return call


def in_flight(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return a method of `Resift` that does not use the store, but is waited for when the engine stops."""

    @wraps(method)
    async def call(self: "Resift", *args: P.args, **kwargs: P.kwargs) -> T:
        async with self.engine.gate.call():
            return await method(self, *args, **kwargs)

    return call
