"""The first stage: encode the query, search its legs as one batch, fuse, keep at most so many of one document."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias
from uuid import UUID

from ..core.values import Hit, Passage, Ranking, Stage
from .encode import Encoder
from .filters import Condition
from .fuse import convex, distribution_based, reciprocal_rank
from .lexical import Bm25Encoder
from .store import Collection, Leg
from .vectors import BM25, DENSE, TITLE, AnyVector

Mode: TypeAlias = Literal["hybrid", "dense", "keyword"]
Fusion: TypeAlias = Literal["convex", "rrf", "dbsf"]
Field: TypeAlias = Literal["text", "title"]
Queries: TypeAlias = Mapping[str, AnyVector]
Legs: TypeAlias = Mapping[str, Sequence[tuple[UUID, float]]]

EQUAL_TO = 5  # decimals of a score; further ones differ from engine to engine
WIDENINGS = (1, 4, 16, 64)  # a leg's limit grows by these while the answer is not full


@dataclass(frozen=True, slots=True)
class FusionOptions:
    """How legs become one order. RRF always builds the pool to rerank, for it had the best Recall@50."""

    method: Fusion = "convex"
    dense_weight: float = 0.4
    """Share of the dense leg in the convex combination; BM25 has the rest."""
    leg_limit: int = 100


@dataclass(frozen=True, slots=True)
class Search:
    """What to retrieve. `head` hits are chosen for reranking by RRF; 0 means no reranking follows."""

    query: str
    mode: Mode = "hybrid"
    where: Condition | None = None
    wanted: int = 10
    head: int = 0
    per_document: int = 0
    field: Field = "text"
    """Which dense vector is searched: that of the passage, or that of its document's title."""


@dataclass(frozen=True, slots=True)
class _Found:
    legs: Legs
    order: list[tuple[UUID, float]]
    passages: Mapping[UUID, Passage]
    crowded: bool


class Retriever:
    """Answers a search from one collection."""

    def __init__(
        self, encoder: Encoder, *, options: FusionOptions | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._encoder = encoder
        self._options = options or FusionOptions()
        self._clock = clock

    async def retrieve(self, collection: Collection, search: Search) -> Ranking:
        """Return the hits in fused order, the pool to rerank first: at least `wanted` and `head` where there are."""
        stages: list[Stage] = []
        notes: list[str] = []
        queries = await self._encode(collection, search, stages, notes)
        if not queries:
            return Ranking((), stages, notes)
        start = self._clock()
        found = await self._widen(collection, search, queries)
        elapsed = 1000 * (self._clock() - start)
        hits = _hits(found)
        received = sum(len(leg) for leg in found.legs.values())
        stages.append(Stage("search", "+".join(queries), received, len(hits), elapsed))
        if found.crowded:
            notes.append("A few documents fill the search; there may be more documents further down.")
        return Ranking(hits, stages, notes)

    async def _widen(self, collection: Collection, search: Search, queries: Queries) -> _Found:
        """Search again with wider legs until the answer is full; what they add comes after, so that pages agree."""
        found = _Found({}, [], {}, crowded=True)
        for widening in WIDENINGS:
            limit = self._options.leg_limit * widening
            legs = await _search_legs(collection, queries, limit, search.where)
            order, passages = await self._order(collection, search, legs, found)
            full = any(len(leg) == limit for leg in legs.values())
            found = _Found(legs, order, passages, crowded=full and len(order) < max(search.wanted, search.head))
            if not found.crowded:
                break
        return found

    async def _encode(self, collection: Collection, search: Search, stages: list[Stage], notes: list[str]) -> Queries:
        queries: dict[str, AnyVector] = {}
        start = self._clock()
        if search.mode != "keyword":
            encoded = await self._encoder.encode_query(search.query)
            queries[TITLE if search.field == "title" else DENSE] = encoded.vector
            if encoded.truncated:
                notes.append(f"The query has {encoded.tokens} tokens; the encoder read only its beginning.")
        if search.mode != "dense":
            sparse = Bm25Encoder(collection.manifest.lexical).query(search.query)
            if sparse.indices:
                queries[BM25] = sparse
            else:
                notes.append("The query has no words to match, only stop words or signs: no keyword search was made.")
        elapsed = 1000 * (self._clock() - start)
        model = BM25 if search.mode == "keyword" else self._encoder.fingerprint
        stages.append(Stage("encode", model, 1, len(queries), elapsed))
        return queries

    async def _order(
        self, collection: Collection, search: Search, legs: Legs, narrower: _Found
    ) -> tuple[list[tuple[UUID, float]], Mapping[UUID, Passage]]:
        """Return the order of a narrower search, then what these legs add, scored no higher than it."""
        order = narrower.order
        known, floor = {key for key, _ in order}, min((score for _, score in order), default=inf)
        added = [(key, min(score, floor)) for key, score in self._fuse(legs) if key not in known]
        if search.per_document:
            passages = await collection.fetch([key for key, _ in [*order, *added]])
            added = _limit_per_document([*order, *added], passages, search.per_document)[len(order) :]
            return [*order, *_pool_first(added, legs, search.head - len(order))], passages
        order = [*order, *_pool_first(added, legs, search.head - len(order))][: max(search.wanted, search.head)]
        return order, await collection.fetch([key for key, _ in order])

    def _fuse(self, legs: Legs) -> list[tuple[UUID, float]]:
        ordered = list(legs.values())
        if self._options.method == "rrf" and len(legs) > 1:
            return reciprocal_rank(ordered)
        if self._options.method == "dbsf" and len(legs) > 1:
            return distribution_based(ordered)
        dense = self._options.dense_weight
        weights = [1 - dense if name == BM25 else dense for name in legs]
        return convex(
            ordered,
            weights=weights if len(legs) > 1 else [1.0],
            scalings=["max" if name == BM25 else "min-max" for name in legs],
        )


async def _search_legs(collection: Collection, queries: Queries, limit: int, where: Condition | None) -> Legs:
    batch = [Leg(vector, query, limit) for vector, query in queries.items()]
    answers = await collection.search(batch, where=where)
    return {name: _settled(answer) for name, answer in zip(queries, answers, strict=True)}


def _settled(leg: Sequence[tuple[UUID, float]]) -> list[tuple[UUID, float]]:
    """Return the leg with hits of one score in the order of their ids: engines leave it to chance."""
    return sorted(leg, key=lambda hit: (-round(hit[1], EQUAL_TO), hit[0]))


def _pool_first(fused: list[tuple[UUID, float]], legs: Legs, head: int) -> list[tuple[UUID, float]]:
    """Return the order with the RRF pool of `head` hits first; within pool and rest the fused order stays."""
    if head <= 0 or len(fused) <= head:
        return fused
    kept = {key for key, _ in fused}
    pool = {key for key, _ in [each for each in reciprocal_rank(list(legs.values())) if each[0] in kept][:head]}
    return [each for each in fused if each[0] in pool] + [each for each in fused if each[0] not in pool]


def _limit_per_document(
    fused: Sequence[tuple[UUID, float]], passages: Mapping[UUID, Passage], most: int
) -> list[tuple[UUID, float]]:
    seen: Counter[str] = Counter()
    kept: list[tuple[UUID, float]] = []
    for key, score in fused:
        if key in passages:
            seen[passages[key].document_id] += 1
            if seen[passages[key].document_id] <= most:
                kept.append((key, score))
    return kept


def _hits(found: _Found) -> list[Hit]:
    scores = {name: dict(leg) for name, leg in found.legs.items()}
    ranks = {name: {key: rank for rank, (key, _) in enumerate(leg, start=1)} for name, leg in found.legs.items()}
    # A passage deleted between the search and the fetch is left out.
    present = [(key, fused) for key, fused in found.order if key in found.passages]
    return [
        Hit(
            passage=found.passages[key],
            score=fused,
            rank=rank,
            scores={**{name: leg[key] for name, leg in scores.items() if key in leg}, "fused": fused},
            ranks={**{name: leg[key] for name, leg in ranks.items() if key in leg}, "fused": rank},
        )
        for rank, (key, fused) in enumerate(present, start=1)
    ]
