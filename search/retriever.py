"""The first stage: encode the query, search its legs as one batch, fuse them, limit hits per document."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from math import inf
from typing import Literal, TypeAlias
from uuid import UUID

from ..core.query import Query
from ..core.values import Hit, Passage, Ranking, Stage
from ..core.vectors import BM25
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders
from ..store.protocols import Leg
from .equal_passages import NOTHING, Selected, different_texts, has_copies, select
from .examples import find_examples
from .fusion import convex, distribution_based, reciprocal_rank
from .legs import Retrieval, WeightedLeg, legs_of
from .protocols import Searchable
from .ties import ScoredIds, search_in_order

Fusion: TypeAlias = Literal["convex", "rrf", "dbsf"]

LegResults: TypeAlias = Sequence[tuple[WeightedLeg, ScoredIds]]

LegScores: TypeAlias = tuple[Mapping[str, float], Mapping[str, int]]
"""By name of a leg, the score and the rank of one hit."""

LIMIT_FACTORS = (1, 4, 16, 64)  # of a leg, tried in order until there are enough hits


@dataclass(frozen=True, slots=True)
class FusionOptions:
    """How legs become one order. RRF always selects the hits to rerank, since it had the best Recall@50."""

    method: Fusion = "convex"
    dense_weight: float = 0.4
    """Share of the dense leg in the convex combination; BM25 has the rest."""
    leg_limit: int = 100
    late_weight: float = 0.3
    """Share of late interaction in the convex combination, if the collection has token vectors."""


@dataclass(frozen=True, slots=True)
class _Ordered:
    order: ScoredIds
    passages: Mapping[UUID, Passage]
    selected: Selected = NOTHING

    def counted(self, retrieval: Retrieval) -> int:
        """Return how many hits there are; equal ones are one if they are collapsed later."""
        if not retrieval.collapses_later:
            return len(self.order)
        return different_texts([self.passages[key] for key, _ in self.order if key in self.passages])


@dataclass(frozen=True, slots=True)
class _Found:
    answers: LegResults
    hits: _Ordered
    crowded: bool
    by_hit: Mapping[UUID, LegScores] = field(default_factory=dict[UUID, LegScores])

    @property
    def order(self) -> ScoredIds:
        return self.hits.order


class Retriever:
    """Searches a collection, or several as one."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        extra_encoders: ExtraEncoders = NO_EXTRA_ENCODERS,
        options: FusionOptions | None = None,
    ) -> None:
        self._encoder = encoder
        self._extra_encoders = extra_encoders
        self._options = options or FusionOptions()

    async def retrieve(self, collection: Searchable, query: Query, retrieval: Retrieval) -> Ranking:
        """Return at least `wanted` and `head` hits, if there are so many, in fused order; those to rerank come first.

        Raises:
            InvalidInput: An example or a weight cannot be used.
            NotFound: An example does not exist.
        """
        start = query.clock()
        examples = await find_examples(collection, [*retrieval.like, *retrieval.unlike])
        batch = await legs_of(collection, query, retrieval, encoder=self._encoder, extra_encoders=self._extra_encoders)
        encoded = Stage(
            name="encode",
            model=BM25 if retrieval.mode == "keyword" else self._encoder.fingerprint,
            received=len(query.texts) + len(examples),
            returned=len(batch.legs),
            milliseconds=1000 * (query.clock() - start),
            unread=batch.unread,
        )
        if not batch.legs:
            return Ranking((), stages=[encoded], notes=batch.notes)
        start = query.clock()
        found = await self._widen(collection, retrieval, batch.legs, left_out=examples)
        took_ms = 1000 * (query.clock() - start)
        hits = _hits(found)
        searched = Stage(
            name="search",
            model="+".join({leg.vector: None for leg in batch.legs}),
            received=sum(len(answer) for _, answer in found.answers),
            returned=len(hits),
            milliseconds=took_ms,
            note=found.hits.selected.note,
        )
        crowded = "The first hits come from a few documents; further hits may come from others."
        return Ranking(hits, stages=[encoded, searched], notes=(*batch.notes, *([crowded] if found.crowded else [])))

    async def _widen(
        self, collection: Searchable, retrieval: Retrieval, legs: Sequence[WeightedLeg], *, left_out: Set[UUID]
    ) -> _Found:
        """Raise the legs' limits until there are enough hits.

        New hits follow earlier ones, which keep their scores in the legs, so that pages agree.
        """
        found = _Found([], _Ordered([], {}), crowded=True)
        for widening in LIMIT_FACTORS:
            limit = self._options.leg_limit * widening
            batch = _batch(legs, limit + len(left_out))
            found_by_leg = await search_in_order(collection, batch, retrieval.where)
            kept = [[pair for pair in answer if pair[0] not in left_out][:limit] for answer in found_by_leg]
            answers = list(zip(legs, kept, strict=True))
            ordered = await self._order(collection, retrieval, answers, narrower=found)
            is_full = any(len(answer) == limit for answer in kept)
            too_few = ordered.counted(retrieval) < max(retrieval.wanted, retrieval.head)
            by_hit = {**_by_hit(answers), **{key: found.by_hit[key] for key, _ in found.order}}
            found = _Found(answers, ordered, crowded=is_full and too_few, by_hit=by_hit)
            if not found.crowded:
                break
        return found

    async def _order(
        self, collection: Searchable, retrieval: Retrieval, answers: LegResults, *, narrower: _Found
    ) -> _Ordered:
        """Return the order of a narrower search, then the hits that these answers add, scored no higher."""
        before = narrower.order
        known, floor = {key for key, _ in before}, min((score for _, score in before), default=inf)
        added = [(key, min(score, floor)) for key, score in self._fuse(answers) if key not in known]

        def ranked(pairs: ScoredIds) -> ScoredIds:
            return [*before, *_pool_first(pairs, answers, retrieval.head - len(before))]

        order = [*before, *added] if retrieval.per_document else ranked(added)
        if not retrieval.per_document:
            first = order[: max(retrieval.wanted, retrieval.head)]
            passages = await collection.fetch([key for key, _ in first])
            looks = retrieval.collapses or retrieval.collapses_later
            if not (looks and has_copies(list(passages.values()))):
                return _Ordered(first, passages)
        passages = await collection.fetch([key for key, _ in order])
        found = select(order, passages, per_document=retrieval.per_document, collapses=retrieval.collapses)
        return _Ordered(ranked(found.order[len(before) :]), passages, selected=found)

    def _fuse(self, answers: LegResults) -> ScoredIds:
        by_leg = [answer for _, answer in answers]
        shares = [leg.share for leg, _ in answers]
        if self._options.method == "rrf" and len(answers) > 1:
            return reciprocal_rank(by_leg, weights=shares)
        if self._options.method == "dbsf" and len(answers) > 1:
            return distribution_based(by_leg, weights=shares)
        late = self._options.late_weight if any(leg.is_late for leg, _ in answers) else 0.0
        weights = [leg.share * self._weight(leg, late) for leg, _ in answers]
        return convex(
            by_leg,
            weights=weights if any(weights) else shares,  # a single leg counts, whatever its share among several
            scalings=["max" if leg.is_sparse else "min-max" for leg, _ in answers],
        )

    def _weight(self, leg: WeightedLeg, late: float) -> float:
        """Return the share of a leg's kind: `late` for late interaction; the others keep their proportions."""
        dense = self._options.dense_weight
        return late if leg.is_late else (1 - late) * (1 - dense if leg.is_sparse else dense)


def _batch(legs: Sequence[WeightedLeg], limit: int) -> list[Leg]:
    """Return the legs for the store; a late-interaction leg searches only among the hits of the others."""
    others = [Leg(each.vector, each.query, limit=limit) for each in legs if not each.is_late]
    late = iter([Leg(each.vector, each.query, limit=limit, among=others) for each in legs if each.is_late])
    first = iter(others)
    return [next(late) if each.is_late else next(first) for each in legs]


def _pool_first(fused: ScoredIds, answers: LegResults, head: int) -> ScoredIds:
    """Return the fused order with the `head` hits that RRF selects moved to the front."""
    if head <= 0 or len(fused) <= head:
        return fused
    kept = {key for key, _ in fused}
    by_rank = reciprocal_rank([answer for _, answer in answers], weights=[leg.share for leg, _ in answers])
    pool = {key for key, _ in [each for each in by_rank if each[0] in kept][:head]}
    return [each for each in fused if each[0] in pool] + [each for each in fused if each[0] not in pool]


def _by_hit(answers: LegResults) -> dict[UUID, LegScores]:
    scores: defaultdict[UUID, dict[str, float]] = defaultdict(dict)
    ranks: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    for leg, answer in answers:
        for rank, (key, score) in enumerate(answer, start=1):  # the best of several phrasings counts
            scores[key][leg.name] = max(score, scores[key].get(leg.name, -inf))
            ranks[key][leg.name] = min(rank, ranks[key].get(leg.name, rank))
    return {key: (scores[key], ranks[key]) for key in scores}


def _hits(found: _Found) -> list[Hit]:
    passages, copies = found.hits.passages, found.hits.selected.copies
    # A passage deleted between the search and the fetch is left out.
    present = [(key, fused, *found.by_hit[key]) for key, fused in found.order if key in passages]
    return [
        Hit(
            passage=passages[key],
            score=fused,
            rank=rank,
            scores={**scores, "fused": fused},
            ranks={**ranks, "fused": rank},
            also_in=tuple(passages[each] for each in copies.get(key, ())),
        )
        for rank, (key, fused, scores, ranks) in enumerate(present, start=1)
    ]
