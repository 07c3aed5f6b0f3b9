"""Build an index, and measure how much of an exact search it finds and how fast, on the collection's own vectors."""

import random
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from statistics import fmean, median
from uuid import UUID

from anyio.lowlevel import checkpoint

from ..core.vectors import DENSE, Vector
from .collection import Collection
from .index_options import IndexOptions
from .protocols import Leg, StatusCallback

CUTOFF = 50  # hits compared per probe: as many as a search hands to the reranker by default

PROBES = 48

SEED = 1

BREADTHS = (64, 128, 256, 512, 1024)

_POOL_SIZE = 500  # passages nearest to each random direction; probes are drawn from them


@dataclass(frozen=True, slots=True)
class Answers:
    """The hits of each probe, and the median time of one search in milliseconds."""

    hits: Sequence[AbstractSet[UUID]]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class IndexMeasurement:
    """What an index finds and costs; `resident_mb` is the memory it adds to a process that opens and searches it."""

    recall: float
    milliseconds: float
    resident_mb: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class ChosenBreadth:
    """The narrowest search of a graph with the required recall, or the widest one tried; and its recall."""

    breadth: int
    recall: float


async def draw_probes(collection: Collection, dimension: int) -> list[Vector]:
    """Return query vectors that resemble questions: each lies halfway between two passages of the collection.

    A passage's own vector would be easier than a real question, because the graph leads straight to it.
    """
    import numpy as np

    directions = np.random.default_rng(SEED).standard_normal((8, dimension)).astype(np.float32)
    found = await collection.search([Leg(DENSE, direction, limit=_POOL_SIZE) for direction in directions])
    ids = sorted({key for leg in found for key, _ in leg})
    chosen = random.Random(SEED).sample(ids, min(2 * PROBES, len(ids)))  # noqa: S311 - not used for security
    vectors = [np.asarray(each, np.float32) for each in (await collection.fetch_vectors(chosen, DENSE)).values()]
    middles = [first + second for first, second in zip(vectors[::2], vectors[1::2], strict=False)]
    return [np.divide(each, np.linalg.norm(each), dtype=np.float32) for each in middles if each.any()] or vectors


async def search_probes(
    collection: Collection,
    probes: Sequence[Vector],
    *,
    exact: bool = False,
    breadth: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Answers:
    """Search for each probe with the collection's own settings, unless `exact` or `breadth` is given."""
    hits, times = list[AbstractSet[UUID]](), list[float]()
    for probe in probes:
        start = clock()
        [found] = await collection.search([Leg(DENSE, probe, limit=CUTOFF, exact=exact, breadth=breadth)])
        times.append(1000 * (clock() - start))
        hits.append({key for key, _ in found})
        await checkpoint()  # other searches run in between
    return Answers(hits, median(times) if times else 0.0)


def recall(found: Answers, exact: Answers) -> float:
    """Return the share of the exact hits that was found, as the mean over the probes; 1 if there are none."""
    shares = [len(some & all_) / len(all_) for some, all_ in zip(found.hits, exact.hits, strict=True) if all_]
    return fmean(shares) if shares else 1.0


async def choose_breadth(collection: Collection, probes: Sequence[Vector], *, min_recall: float) -> ChosenBreadth:
    """Return the first of `BREADTHS` that has the required recall."""
    exact = await search_probes(collection, probes, exact=True)
    tried = ChosenBreadth(0, 0.0)
    for breadth in BREADTHS:
        tried = ChosenBreadth(breadth, recall(await search_probes(collection, probes, breadth=breadth), exact))
        if tried.recall >= min_recall:
            break
    return tried


@dataclass(frozen=True, slots=True)
class Optimized:
    """The index that a collection has now, and the share of the exact hits that searches find with it."""

    passages: int
    storage: IndexOptions
    recall: float


async def optimize(collection: Collection, storage: IndexOptions, *, on_status: StatusCallback) -> Optimized:
    """Build the index; if it is a graph, choose how broadly to search it for the required recall.

    The caller makes sure that nobody writes until this returns.
    """
    await collection.optimize(storage, on_status=on_status)
    storage = collection.manifest.storage
    await on_status("measuring recall")
    probes = await draw_probes(collection, collection.manifest.dimension)
    if not storage.has_graph(storage.indexed):
        found = recall(await search_probes(collection, probes), await search_probes(collection, probes, exact=True))
        return Optimized(storage.indexed, storage, found)
    chosen = await choose_breadth(collection, probes, min_recall=storage.recall)
    storage = replace(storage, breadth=chosen.breadth)
    await collection.remember(replace(collection.manifest, storage=storage))
    return Optimized(storage.indexed, storage, chosen.recall)
