"""Find out what a key may do at a Qdrant server, without changing anything there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ...core.errors import NotFound, Refused
from .store import QdrantStore


@dataclass(frozen=True, slots=True)
class Rights:
    """What a key may do. `writable` and `read_only` are collections that Resift created."""

    manages_collections: bool
    writable: tuple[str, ...]
    read_only: tuple[str, ...]
    adopted: tuple[str, ...]
    """Collections that other programs created and Resift searches."""
    foreign: tuple[str, ...]
    """Collections that other programs created and Resift ignores."""


async def rights_at(store: QdrantStore) -> Rights:
    """Return what the key may do, by deleting a collection and points that do not exist."""
    ask, nothing = store.connection.ask, f"resift-doctor-{uuid4().hex}"
    manages = await _allows(lambda: ask(lambda client: client.delete_collection(nothing)))
    names = await store.all_names()
    known = [name for name, is_known in names.items() if is_known]
    adopted = tuple([name for name in known if (await store.open(name)).manifest.adopted])
    ours = [name for name in known if name not in adopted]
    writable: list[str] = []
    for name in ours:
        if await _allows(lambda name=name: ask(lambda client: client.delete(name, [str(uuid4())]))):
            writable.append(name)
    read_only = tuple(name for name in ours if name not in writable)
    return Rights(
        manages,
        tuple(writable),
        read_only=read_only,
        adopted=adopted,
        foreign=tuple(name for name, is_known in names.items() if is_known is False),
    )


async def _allows(operation: Callable[[], Awaitable[Any]]) -> bool:
    try:
        await operation()
    except Refused:
        return False
    except NotFound:
        return True
    return True
