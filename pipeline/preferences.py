"""Recency and boosts of a request, which override those in the settings, and the order by them and by diversity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, cast

from ..core.errors import InvalidInput, nearest
from ..core.query import Query
from ..core.text import listed
from ..core.values import Ranking
from ..rerank.blend import with_shares
from ..rerank.signals import BOOSTED_BY_PATH, MAX_FACTOR, UNDATED, MetadataSignals, Mix, values_not_boosted
from ..rerank.stages.cascade import PlannedStage
from ..rerank.stages.diversity import diversify
from ..rerank.stages.metadata import METADATA, weigh_metadata
from ..rerank.stages.order import PlannedOrder, scored_by_rank
from ..rerank.stages.score import PlannedScore
from ..search.equal_passages import collapsed, first_texts
from ..store.fields import FieldType
from .request import MAX_BOOSTED, SearchRequest
from .scope import Scope

REORDERED_HITS = 100  # reordered by metadata or diversity if nothing is reranked: the hits of one leg

MAX_VALUES = 6  # of a field that a note shows

_RECENCY = "`recency` takes {'field': a date field, 'half_life_days': above 0, 'weight': 0 to 1}"

_BOOST = (
    f"`boost` takes factors from 0 (last) to {MAX_FACTOR:g} (first), 1 being neutral: {{'field': {{'value': 1.2}}}}"
)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a request prefers besides relevance: metadata, one of equal passages, diversity."""

    request: SearchRequest
    metadata: MetadataSignals
    stages: Sequence[PlannedStage]

    @property
    def uses_metadata(self) -> bool:
        """Return whether metadata changes the order.

        Shares in the settings apply to reranked hits; without a reranker only what the request asks for counts.
        """
        return bool(self.metadata.shares and (self.stages or self.request.recency or self.request.boost))

    @property
    def decides_among_equals(self) -> bool:
        """Return whether the best of equal passages is known only at the end: by metadata, or what a model is told."""
        is_told = bool(self.request.instruction) and any(each.stage.takes_instructions for each in self.stages)
        return is_told or self.uses_metadata

    def weighed(self, ranking: Ranking, query: Query) -> Ranking:
        """Return the ranking of retrieval with metadata weighed in, if no stage that scores will do so."""
        if not self.uses_metadata or any(isinstance(stage, PlannedScore) for stage in self.stages):
            return ranking
        depth = self.stages[0].depth if self.stages else REORDERED_HITS
        if self.request.collapse and not self.stages:
            depth = first_texts([hit.passage for hit in ranking.hits], REORDERED_HITS)
        return weigh_metadata(ranking, query, mix=self._mix(query), depth=depth)

    async def applied(self, ranking: Ranking, query: Query, *, before: Ranking, scope: Scope) -> Ranking:
        """Return the ranking of all stages with what is known only at its end: the best of equals, and diversity.

        `before` is the ranking before the last stage. Where that ordered hits without scores, metadata is weighed into
        their order first.
        """
        if self.uses_metadata and (depth := self._ordered(ranking)):
            scored = scored_by_rank(ranking, before, depth)
            with_metadata = weigh_metadata(scored, query, mix=self._mix(query), depth=depth, name=METADATA)
            ranking = with_metadata if len(with_metadata.stages) > len(ranking.stages) else ranking
        notes = [*ranking.notes, *self._notes(ranking, scope.fields)]
        ranking = replace(ranking, notes=notes)
        ranking = collapsed(ranking) if self.request.collapse else ranking
        if not self.request.diversity:
            return ranking
        # counted once more: where equal passages became one hit, the head is shorter
        vectors = await scope.dense_vectors(ranking.hits[: self._head(ranking)])
        scored = scored_by_rank(ranking, before, self._ordered(ranking))
        return diversify(scored, query, vectors=vectors, diversity=self.request.diversity)

    def _mix(self, query: Query) -> Mix:
        return Mix(with_shares({"fused": 1.0}, self.metadata.shares), self.metadata, now=query.now)

    def _ordered(self, ranking: Ranking) -> int:
        """Return how many hits, the first of a ranking, the last stage ordered without scores."""
        last = self.stages[-1] if self.stages else None
        return last.ordered(ranking) if isinstance(last, PlannedOrder) else 0

    def _head(self, ranking: Ranking) -> int:
        """Return how many hits, the first of a ranking, are in an order that the preferences may change."""
        return self._ordered(ranking) or (self.stages[0].depth if self.stages else REORDERED_HITS)

    def _notes(self, ranking: Ranking, fields: Mapping[str, FieldType]) -> list[str]:
        """Return notes on preferences that changed nothing: which values and which dates there are."""
        notes: list[str] = []
        boost, name = self.request.boost, self.metadata.recency_field
        if self.request.recency and UNDATED in ranking.notes and fields[name] != "date":
            dated = sorted(each for each, kind in fields.items() if kind == "date")
            notes.append(f"{name!r} holds {fields[name]} values. Date fields: {listed(dated) or 'none'}.")
        hits = [hit.passage for hit in ranking.hits[: self._head(ranking)]]
        if hits and boost and (found := values_not_boosted(hits, boost)):
            values = [f" {field!r} of the hits: {_most_common(counts)}." for field, counts in found.items() if counts]
            notes.append(f"No hit has a value that `boost` names: it changed nothing.{''.join(values)}")
        return notes


def signals_of(request: SearchRequest, settings: MetadataSignals, known: Mapping[str, FieldType]) -> MetadataSignals:
    """Return how metadata counts in the scores of a request; `known` are the collection's fields.

    Raises:
        InvalidInput: A field is unknown, or a number is out of range.
    """
    signals = settings
    if request.recency:
        signals = _with_recency(signals, request.recency, known)
    if request.boost:
        _check_boost(request.boost, known)
        signals = replace(signals, boost=request.boost)
    if sum(signals.shares.values()) > 1:
        shares = ", ".join(f"{name} {share:g}" for name, share in signals.shares.items())
        raise InvalidInput(f"The weights of recency and boost must sum to at most 1; they are {shares}.")
    return signals


def _most_common(counts: Counter[str]) -> str:
    return listed((value for value, _ in counts.most_common()), most=MAX_VALUES)


def _with_recency(
    signals: MetadataSignals, recency: Mapping[str, Any], known: Mapping[str, FieldType]
) -> MetadataSignals:
    name = recency.get("field")
    half_life, weight = (
        recency.get("half_life_days", signals.recency_half_life_days),
        recency.get("weight", signals.recency_weight),
    )
    if not isinstance(name, str) or not recency.keys() <= {"field", "half_life_days", "weight"}:
        raise InvalidInput(f"{_RECENCY}; got {dict(recency)!s:.200}.")
    if not _is_number(half_life) or half_life <= 0 or not _is_number(weight) or not 0 <= weight <= 1:
        raise InvalidInput(f"{_RECENCY}; got {dict(recency)!s:.200}.")
    _check_field(name, known, "recency")
    if known[name] in ("integer", "number", "boolean"):
        raise InvalidInput(
            f"Recency by {name!r}: the field holds {known[name]} values, not ISO dates. Choose a date field."
        )
    return replace(signals, recency_field=name, recency_half_life_days=float(half_life), recency_weight=float(weight))


def _check_boost(boost: Mapping[str, Any], known: Mapping[str, FieldType]) -> None:
    for name, factors in boost.items():
        table: Mapping[str, Any] = cast("Mapping[str, Any]", factors) if isinstance(factors, Mapping) else {}
        if not table or not all(_is_number(each) and 0 <= each <= MAX_FACTOR for each in table.values()):
            raise InvalidInput(f"{_BOOST}; got {name!r}: {factors!r:.200}.")
        if name != BOOSTED_BY_PATH:
            _check_field(name, known, "boost")
    if (count := sum(map(len, boost.values()))) > MAX_BOOSTED:
        raise InvalidInput(f"`boost` has {count:,} values, more than the limit of {MAX_BOOSTED:,}. Boost fewer.")


def _check_field(name: str, known: Mapping[str, FieldType], what: str) -> None:
    if name not in known:
        fields = sorted({*known, BOOSTED_BY_PATH} if what == "boost" else known)
        raise InvalidInput(f"Unknown field {name!r} in `{what}`.{nearest(name, fields)} Known: {listed(fields)}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
