"""Recency and boosts of a request, which override those in the settings, and the order by them and by diversity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
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


def preferences(request: SearchRequest, settings: MetadataSignals, known: Mapping[str, FieldType]) -> MetadataSignals:
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


def weighed(
    ranking: Ranking,
    query: Query,
    *,
    request: SearchRequest,
    metadata: MetadataSignals,
    stages: Sequence[PlannedStage],
) -> Ranking:
    """Return the ranking with metadata weighed in, if no stage that scores will do so.

    Shares in the settings apply to reranked hits; without a reranker only what the request asks for counts.
    """
    if not _counts(request, metadata, stages) or any(isinstance(stage, PlannedScore) for stage in stages):
        return ranking
    mix = Mix(with_shares({"fused": 1.0}, metadata.shares), metadata, now=query.now)
    depth = stages[0].depth if stages else REORDERED_HITS
    if request.collapse and not stages:
        depth = first_texts([hit.passage for hit in ranking.hits], REORDERED_HITS)
    return weigh_metadata(ranking, query, mix=mix, depth=depth)


async def with_preferences(
    ranking: Ranking,
    query: Query,
    *,
    before: Ranking,
    request: SearchRequest,
    metadata: MetadataSignals,
    stages: Sequence[PlannedStage],
    scope: Scope,
) -> Ranking:
    """Return the ranking of all stages with what is known only at its end: the best of equal passages, and diversity.

    `before` is the ranking before the last stage. Where that ordered hits without scores, metadata is weighed into
    its order first.
    """
    if (depth := _ordered(ranking, stages)) and _counts(request, metadata, stages):
        mix = Mix(with_shares({"fused": 1.0}, metadata.shares), metadata, now=query.now)
        scored = scored_by_rank(ranking, before, depth)
        weighed = weigh_metadata(scored, query, mix=mix, depth=depth, name=METADATA)
        ranking = weighed if len(weighed.stages) > len(ranking.stages) else ranking
    head = depth or (stages[0].depth if stages else REORDERED_HITS)
    new = _notes(ranking, request, metadata, fields=scope.fields, head=head)
    ranking = replace(ranking, notes=[*ranking.notes, *new])
    ranking = collapsed(ranking) if request.collapse else ranking
    if not request.diversity:
        return ranking
    depth = _ordered(ranking, stages)
    head = depth or (stages[0].depth if stages else REORDERED_HITS)
    vectors = await scope.dense_vectors(ranking.hits[:head])
    scored = scored_by_rank(ranking, before, depth)
    return diversify(scored, query, vectors=vectors, diversity=request.diversity)


def _ordered(ranking: Ranking, stages: Sequence[PlannedStage]) -> int:
    """Return how many hits, the first of a ranking, the last stage ordered without scores."""
    last = stages[-1] if stages else None
    return last.ordered(ranking) if isinstance(last, PlannedOrder) else 0


def prefers_among_equals(request: SearchRequest, metadata: MetadataSignals, stages: Sequence[PlannedStage]) -> bool:
    """Return whether the best of equal passages is known only at the end: metadata counts, or what a model is told."""
    is_told = bool(request.instruction) and any(each.stage.takes_instructions for each in stages)
    return is_told or _counts(request, metadata, stages)


def _counts(request: SearchRequest, metadata: MetadataSignals, stages: Sequence[PlannedStage]) -> bool:
    return bool(metadata.shares and (stages or request.recency or request.boost))


def _notes(
    ranking: Ranking, request: SearchRequest, metadata: MetadataSignals, *, fields: Mapping[str, FieldType], head: int
) -> list[str]:
    """Return notes on the preferences of a request that changed nothing: which values and which dates there are."""
    notes: list[str] = []
    name, hits = metadata.recency_field, [hit.passage for hit in ranking.hits[:head]]
    if request.recency and UNDATED in ranking.notes and fields[name] != "date":
        dated = sorted(each for each, kind in fields.items() if kind == "date")
        notes.append(f"{name!r} holds {fields[name]} values. Date fields: {listed(dated) or 'none'}.")
    if hits and request.boost and (found := values_not_boosted(hits, request.boost)):
        values = [f" {name!r} of the hits: {_most_common(counts)}." for name, counts in found.items() if counts]
        notes.append(f"No hit has a value that `boost` names: it changed nothing.{''.join(values)}")
    return notes


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
