"""How much of an exact search an index finds, and how fast: measured on a collection's own vectors."""

import random
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from statistics import fmean, median
from uuid import UUID

import numpy as np
from anyio.lowlevel import checkpoint

from ..core.vectors import DENSE, Vector
from .index_options import IndexOptions
from .protocols import Collection, Leg, Say, Searchable

AT = 50  # hits a question hands to the reranker by default

PROBES = 48

SEED = 1

BREADTHS = (64, 128, 256, 512, 1024)

_POOL = 500  # passages near each random direction, among which probes are drawn


@dataclass(frozen=True, slots=True)
class Answers:
    """The hits of each probe, and the median time of one search."""

    hits: Sequence[AbstractSet[UUID]]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What an index finds and costs; `resident_mb` is what it adds to a process that opens and asks it."""

    recall: float
    milliseconds: float
    exact_milliseconds: float
    resident_mb: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Breadth:
    """The narrowest search of a graph that finds enough, or the widest tried; and how much it finds."""

    breadth: int
    recall: float


async def draw_probes(collection: Searchable, dimension: int) -> list[Vector]:
    """Return vectors that ask like questions: each lies halfway between two passages of the collection.

    A passage's own vector would be an easier question than people ask, for the graph leads straight to it.
    """
    directions = np.random.default_rng(SEED).standard_normal((8, dimension)).astype(np.float32)
    found = await collection.search([Leg(DENSE, direction, _POOL) for direction in directions])
    ids = sorted({key for leg in found for key, _ in leg})
    chosen = random.Random(SEED).sample(ids, min(2 * PROBES, len(ids)))  # noqa: S311 - no secret
    vectors = [np.asarray(each, np.float32) for each in (await collection.fetch_vectors(chosen, DENSE)).values()]
    middles = [first + second for first, second in zip(vectors[::2], vectors[1::2], strict=False)]
    return [np.divide(each, np.linalg.norm(each), dtype=np.float32) for each in middles if each.any()] or vectors


async def ask(
    collection: Searchable,
    probes: Sequence[Vector],
    *,
    exact: bool = False,
    breadth: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Answers:
    """Ask each probe as the collection is set up, or otherwise."""
    hits, times = list[AbstractSet[UUID]](), list[float]()
    for probe in probes:
        start = clock()
        [found] = await collection.search([Leg(DENSE, probe, AT, exact=exact, breadth=breadth)])
        times.append(1000 * (clock() - start))
        hits.append({key for key, _ in found})
        await checkpoint()  # other searches go on in between
    return Answers(hits, median(times) if times else 0.0)


def recall(found: Answers, exact: Answers) -> float:
    """Return the share of the exact answers that was found, as the mean over probes; 1 without any."""
    shares = [len(some & all_) / len(all_) for some, all_ in zip(found.hits, exact.hits, strict=True) if all_]
    return fmean(shares) if shares else 1.0


async def choose_breadth(collection: Searchable, probes: Sequence[Vector], *, wanted: float) -> Breadth:
    """Return the first of `BREADTHS` that has the recall wanted."""
    exact = await ask(collection, probes, exact=True)
    tried = Breadth(0, 0.0)
    for breadth in BREADTHS:
        tried = Breadth(breadth, recall(await ask(collection, probes, breadth=breadth), exact))
        if tried.recall >= wanted:
            break
    return tried


@dataclass(frozen=True, slots=True)
class Optimized:
    """The index a collection has now, and the share of the exact search's hits that searches find with it."""

    passages: int
    storage: IndexOptions
    recall: float


async def optimize(collection: Collection, storage: IndexOptions, *, say: Say) -> Optimized:
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
