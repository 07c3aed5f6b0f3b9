"""Build a collection's index and see to it that searches find enough with it."""

from dataclasses import dataclass, replace

from .recall import ask, choose_breadth, draw_probes, recall
from .storage import Storage
from .store import Collection, Say


@dataclass(frozen=True, slots=True)
class Optimized:
    """The index a collection has now, and the share of the exact search's hits that searches find with it."""

    passages: int
    storage: Storage
    recall: float


async def optimize(collection: Collection, storage: Storage, *, say: Say) -> Optimized:
    """Build the index; where there is a graph, search it as broadly as the recall wanted asks for.

    The caller keeps writers away.
    """
    await collection.optimize(storage, say=say)
    storage = collection.manifest.storage
    await say("measuring what searches find")
    probes = await draw_probes(collection, collection.manifest.dimension)
    if not storage.has_graph(storage.indexed):
        found = recall(await ask(collection, probes), await ask(collection, probes, exact=True))
        return Optimized(storage.indexed, storage, found)
    chosen = await choose_breadth(collection, probes, wanted=storage.recall)
    storage = replace(storage, breadth=chosen.breadth)
    await collection.remember(replace(collection.manifest, storage=storage))
    return Optimized(storage.indexed, storage, chosen.recall)
