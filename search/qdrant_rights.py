"""What a key may do at a Qdrant server, found out without changing anything there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..core.errors import NotFound, Refused
from .qdrant import QdrantStore


@dataclass(frozen=True, slots=True)
class Rights:
    """What was tried and allowed; `writable` are collections of Resift's."""

    manages_collections: bool
    writable: tuple[str, ...]
    read_only: tuple[str, ...]
    foreign: tuple[str, ...]
    """Collections that Resift did not make."""


async def rights_at(store: QdrantStore) -> Rights:
    """Return what the key may do: it is asked to delete a collection and points that do not exist."""
    ask, nothing = store.connection.ask, f"resift-doctor-{uuid4().hex}"
    manages = await _allows(lambda: ask(lambda client: client.delete_collection(nothing)))
    names = await store.all_names()
    ours = [name for name, is_ours in names.items() if is_ours]
    writable: list[str] = []
    for name in ours:
        if await _allows(lambda name=name: ask(lambda client: client.delete(name, [str(uuid4())]))):
            writable.append(name)
    read_only = tuple(name for name in ours if name not in writable)
    return Rights(manages, tuple(writable), read_only, tuple(name for name in names if name not in ours))


async def _allows(operation: Callable[[], Awaitable[Any]]) -> bool:
    try:
        await operation()
    except Refused:
        return False
    except NotFound:
        return True
    return True
