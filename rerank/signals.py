"""The signals of a final score, from the scores of both stages and from metadata."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, cast

from ..core.dates import is_date, moment_of
from ..core.text import composed
from ..core.values import EMPTY, Hit, Logistic, Passage
from ..search.fusion import Scaling, scale
from .blend import Weights

FROM_METADATA = ("recency", "boost")

MAX_FACTOR = 2.0  # as far above the neutral factor, 1, as 0 is below it; half of a factor is in 0..1

NEUTRAL = 1.0  # the factor of a value that has none

BOOSTED_BY_PATH = "source"  # a built-in field: the factor of a folder applies to all sources below it

_DAY_S = 86_400.0

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class MetadataSignals:
    """How metadata counts in a final score. Recency is off without a field, and boosts without values."""

    recency_field: str = ""
    recency_half_life_days: float = 365.0
    recency_weight: float = 0.1
    boost: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: EMPTY)
    """Factors by metadata field and value: 0 ranks last, 1 is neutral, 2 ranks first."""
    boost_weight: float = 0.2

    @property
    def shares(self) -> dict[str, float]:
        """Return the share in the final score of each signal that is on."""
        recency = {"recency": self.recency_weight} if self.recency_field and self.recency_weight else {}
        return recency | ({"boost": self.boost_weight} if self.boost and self.boost_weight else {})


NO_METADATA = MetadataSignals()

UNDATED = "No hit has a date to weigh: recency changed nothing."


@dataclass(frozen=True, slots=True)
class Mix:
    """How the final scores and the relevance of a head are computed."""

    weights: Weights
    metadata: MetadataSignals = NO_METADATA
    now: datetime = _EPOCH
    """The time from which ages are counted."""
    calibration: Logistic | None = None
    """Replaces the reranker's own calibration, if set."""
    note: str = ""
    """For the stage's report: where the weights come from."""


def signals_of(head: Sequence[Hit], reranked: Sequence[float], mix: Mix) -> dict[str, list[float]]:
    """Return the signals that have a weight in the mix, by name: one value in 0..1 for each hit.

    A signal for which no hit has a value is left out. Scores are scaled over the head; a hit that a search did not
    find has 0 for it. Recency and boost are not scaled, since they are comparable between heads.
    """
    passages = [hit.passage for hit in head]
    makers: dict[str, Callable[[], list[float] | None]] = {
        "fused": lambda: scale([hit.score for hit in head], "min-max"),
        "rerank": lambda: scale(reranked, "min-max"),
        "dense": lambda: _leg(head, "dense", "min-max"),
        "bm25": lambda: _leg(head, "bm25", "max"),
        "recency": lambda: recency(passages, mix.metadata, now=mix.now),
        "boost": lambda: boost(passages, mix.metadata.boost),
    }
    made = {name: makers[name]() for name in mix.weights if name in makers}
    return {name: values for name, values in made.items() if values is not None}


def recency(passages: Sequence[Passage], options: MetadataSignals, *, now: datetime) -> list[float] | None:
    """Return 2^(-age / half-life) for the date in each passage's metadata, in 0..1; None if no passage has a date.

    A passage without a date has the mean of the others, so that it neither gains nor loses; a constant such as 0.5
    would put it before every old passage. A future date counts as now; of several dates the latest counts.
    """
    ages = [_age_days(passage.metadata.get(options.recency_field), now) for passage in passages]
    known = {place: 2.0 ** (-age / options.recency_half_life_days) for place, age in enumerate(ages) if age is not None}
    if not known:
        return None
    neutral = fmean(known.values())
    return [known.get(place, neutral) for place in range(len(passages))]


def notes_on_dates(head: Sequence[Hit], mix: Mix) -> list[str]:
    """Return a note if recency has a weight in the mix and no hit has a date."""
    if not mix.weights.get("recency"):
        return []
    return [] if recency([hit.passage for hit in head], mix.metadata, now=mix.now) else [UNDATED]


def boost(passages: Sequence[Passage], values: Mapping[str, Mapping[str, float]]) -> list[float] | None:
    """Return half of the factor of each passage's metadata, in 0..1, as a mean over the fields; None without fields.

    The factor is 1 for a missing value and for one without a factor; of several values the highest factor counts. For
    the built-in field "source", the values are parts of the document's path, such as a folder.
    """
    if not values:
        return None
    tables = _composed(values)
    return [fmean(_factor(passage, name, table) / MAX_FACTOR for name, table in tables.items()) for passage in passages]


def values_not_boosted(
    passages: Iterable[Passage], values: Mapping[str, Mapping[str, float]]
) -> dict[str, Counter[str]]:
    """Return by field how many passages have each value; none if one of them has a factor of its own."""
    found, tables = {name: Counter[str]() for name in values}, _composed(values)
    for passage in passages:
        for name, table in tables.items():
            if _named_factors(passage, name, table):
                return {}
            if name != BOOSTED_BY_PATH:
                found[name].update(_key(each) for each in _several(passage.metadata.get(name)) if each is not None)
    return found


def _composed(values: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return factors by values with composed characters, which metadata is stored with."""
    return {name: {composed(key): factor for key, factor in table.items()} for name, table in values.items()}


def _leg(head: Sequence[Hit], name: str, scaling: Scaling) -> list[float] | None:
    found = [place for place, hit in enumerate(head) if name in hit.scores]
    scaled = dict(zip(found, scale([head[place].scores[name] for place in found], scaling), strict=True))
    return [scaled.get(place, 0.0) for place in range(len(head))] if found else None


def _age_days(value: Any, now: datetime) -> float | None:
    moments = [moment_of(each) for each in _several(value) if isinstance(each, str) and is_date(each)]
    return max(0.0, (now - max(moments)).total_seconds() / _DAY_S) if moments else None


def _factor(passage: Passage, name: str, table: Mapping[str, float]) -> float:
    return max(_named_factors(passage, name, table), default=NEUTRAL)


def _named_factors(passage: Passage, name: str, table: Mapping[str, float]) -> list[float]:
    if name == BOOSTED_BY_PATH:
        source = f"/{composed(passage.source)}/"
        return [factor for key, factor in table.items() if f"/{key.strip('/')}/" in source]
    return [table[key] for key in map(_key, _several(passage.metadata.get(name))) if key in table]


def _key(value: Any) -> str:
    """Return a metadata value as JSON's object keys can write it."""
    return str(value).lower() if isinstance(value, bool) else composed(str(value))


def _several(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]
