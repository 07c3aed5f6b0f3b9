"""The first stage: encode the query, search its legs as one batch, fuse, keep at most so many of one document."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias
from uuid import UUID

from ..core.values import Hit, Passage, Ranking, Stage
from ..core.vectors import BM25
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders
from ..store.collection import Collection
from ..store.protocols import Leg
from .examples import find_examples
from .fusion import convex, distribution_based, reciprocal_rank
from .legs import Search, WeightedLeg, legs_of
from .ties import Answer, search_in_order

Fusion: TypeAlias = Literal["convex", "rrf", "dbsf"]

Legs: TypeAlias = Sequence[tuple[WeightedLeg, Answer]]

WIDENINGS = (1, 4, 16, 64)  # a leg's limit grows by these while the answer is not full


@dataclass(frozen=True, slots=True)
class FusionOptions:
    """How legs become one order. RRF always builds the pool to rerank, for it had the best Recall@50."""

    method: Fusion = "convex"
    dense_weight: float = 0.4
    """Share of the dense leg in the convex combination; BM25 has the rest."""
    leg_limit: int = 100
    late_weight: float = 0.3
    """Share of late interaction in the convex combination, where a collection has vectors for it."""


@dataclass(frozen=True, slots=True)
class _Found:
    legs: Legs
    order: Answer
    passages: Mapping[UUID, Passage]
    crowded: bool


class Retriever:
    """Answers a search from one collection."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        extra_encoders: ExtraEncoders = NO_EXTRA_ENCODERS,
        options: FusionOptions | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._encoder = encoder
        self._extra_encoders = extra_encoders
        self._options = options or FusionOptions()
        self._clock = clock

    async def retrieve(self, collection: Collection, search: Search) -> Ranking:
        """Return the hits in fused order, the pool to rerank first: at least `wanted` and `head` where there are.

        Raises:
            InvalidInput: On examples or weights that cannot be searched with.
            NotFound: When an example does not exist.
        """
        notes: list[str] = []
        start = self._clock()
        examples = await find_examples(collection, [*search.like, *search.unlike])
        asked = await legs_of(collection, search, self._encoder, notes, extra_encoders=self._extra_encoders)
        model = BM25 if search.mode == "keyword" else self._encoder.fingerprint
        received = len(search.texts) + len(examples)
        stages = [
            Stage("encode", model, received=received, returned=len(asked), milliseconds=1000 * (self._clock() - start))
        ]
        if not asked:
            return Ranking((), stages, notes)
        start = self._clock()
        found = await self._widen(collection, search, asked, examples)
        elapsed = 1000 * (self._clock() - start)
        hits = _hits(found)
        received = sum(len(answer) for _, answer in found.legs)
        stages.append(
            Stage(
                "search",
                "+".join({each.vector: None for each in asked}),
                received=received,
                returned=len(hits),
                milliseconds=elapsed,
            )
        )
        if found.crowded:
            notes.append("A few documents fill the search; there may be more documents further down.")
        return Ranking(hits, stages, notes)

    async def _widen(
        self, collection: Collection, search: Search, asked: Sequence[WeightedLeg], left_out: Set[UUID]
    ) -> _Found:
        """Search again with wider legs until the answer is full; what they add comes after, so that pages agree."""
        found = _Found([], [], {}, crowded=True)
        for widening in WIDENINGS:
            limit = self._options.leg_limit * widening
            batch = _batch(asked, limit + len(left_out))
            answers = await search_in_order(collection, batch, search.where)
            kept = [[pair for pair in answer if pair[0] not in left_out][:limit] for answer in answers]
            legs = list(zip(asked, kept, strict=True))
            order, passages = await self._order(collection, search, legs, found)
            full = any(len(answer) == limit for answer in kept)
            found = _Found(legs, order, passages, crowded=full and len(order) < max(search.wanted, search.head))
            if not found.crowded:
                break
        return found

    async def _order(
        self, collection: Collection, search: Search, legs: Legs, narrower: _Found
    ) -> tuple[Answer, Mapping[UUID, Passage]]:
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

    def _fuse(self, legs: Legs) -> Answer:
        answers = [answer for _, answer in legs]
        shares = [asked.share for asked, _ in legs]
        if self._options.method == "rrf" and len(legs) > 1:
            return reciprocal_rank(answers, weights=shares)
        if self._options.method == "dbsf" and len(legs) > 1:
            return distribution_based(answers, weights=shares)
        late = self._options.late_weight if any(asked.is_late for asked, _ in legs) else 0.0
        weights = [asked.share * self._weight(asked, late) for asked, _ in legs]
        return convex(
            answers,
            weights=weights if any(weights) else shares,  # one search alone counts, whatever its share among several
            scalings=["max" if asked.is_sparse else "min-max" for asked, _ in legs],
        )

    def _weight(self, asked: WeightedLeg, late: float) -> float:
        """Return the share of a leg's kind; late interaction takes `late`, and the others keep their proportions."""
        dense = self._options.dense_weight
        return late if asked.is_late else (1 - late) * (1 - dense if asked.is_sparse else dense)


def _batch(asked: Sequence[WeightedLeg], limit: int) -> list[Leg]:
    """Return the legs; late interaction is among what the others find."""
    others = [Leg(each.vector, each.query, limit) for each in asked if not each.is_late]
    late = iter([Leg(each.vector, each.query, limit, among=others) for each in asked if each.is_late])
    first = iter(others)
    return [next(late) if each.is_late else next(first) for each in asked]


def _pool_first(fused: Answer, legs: Legs, head: int) -> Answer:
    """Return the order with the RRF pool of `head` hits first; within pool and rest the fused order stays."""
    if head <= 0 or len(fused) <= head:
        return fused
    kept = {key for key, _ in fused}
    by_rank = reciprocal_rank([answer for _, answer in legs], weights=[asked.share for asked, _ in legs])
    pool = {key for key, _ in [each for each in by_rank if each[0] in kept][:head]}
    return [each for each in fused if each[0] in pool] + [each for each in fused if each[0] not in pool]


def _limit_per_document(fused: Sequence[tuple[UUID, float]], passages: Mapping[UUID, Passage], most: int) -> Answer:
    seen: Counter[str] = Counter()
    kept: Answer = []
    for key, score in fused:
        if key in passages:
            seen[passages[key].document_id] += 1
            if seen[passages[key].document_id] <= most:
                kept.append((key, score))
    return kept


def _hits(found: _Found) -> list[Hit]:
    scores: defaultdict[UUID, dict[str, float]] = defaultdict(dict)
    ranks: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    for asked, answer in found.legs:
        for rank, (key, score) in enumerate(answer, start=1):  # of several phrasings the best counts
            scores[key][asked.name] = max(score, scores[key].get(asked.name, -inf))
            ranks[key][asked.name] = min(rank, ranks[key].get(asked.name, rank))
    # A passage deleted between the search and the fetch is left out.
    present = [(key, fused) for key, fused in found.order if key in found.passages]
    return [
        Hit(
            passage=found.passages[key],
            score=fused,
            rank=rank,
            scores={**scores[key], "fused": fused},
            ranks={**ranks[key], "fused": rank},
        )
        for rank, (key, fused) in enumerate(present, start=1)
    ]
