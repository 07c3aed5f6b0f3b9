"""From raw scores to probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from types import MappingProxyType
from typing import Any, Literal, TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

StageKind: TypeAlias = Literal["search", "score", "rank"]
"""What a stage gives: candidates, a score for each of a head, or an order of a head without scores."""

Metadata = Mapping[str, Any]
"""What a user says of a document: JSON scalars, or lists of them, by field name."""

EMPTY: Mapping[str, Any] = MappingProxyType({})

TEXT_FIELD = "text"
"""The name of a passage's own text among the fields that have vectors."""

LONGEST_NUMBER = 20  # digits of a number of 64 bits; a UUID of digits alone has 32


@dataclass(frozen=True, slots=True)
class Document:
    """What was ingested. `source` is a path or a URI, or empty for text handed over directly."""

    id: str
    title: str
    text: str
    source: str = ""
    metadata: Metadata = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Passage:
    """What is searched: a piece of a document. Lines count from 1; 0 where the text has none to cite.

    Ordinals count from 0; -1 is a passage that belongs to no stored document, and goes by `document_id` alone.
    """

    document_id: str
    ordinal: int
    text: str
    title: str = ""
    heading: str = ""
    source: str = ""
    start_line: int = 0
    end_line: int = 0
    metadata: Metadata = field(default_factory=lambda: EMPTY)
    key: str = ""
    """The id of its point, a number or a UUID, in a collection that was made elsewhere; it is cited by that."""

    @property
    def id(self) -> str:
        """Return the name by which a passage is cited: `<document id>#<ordinal>`."""
        if self.key:
            return self.key
        return f"{self.document_id}#{self.ordinal}" if self.ordinal >= 0 else self.document_id

    def point_id(self, collection: str) -> UUID:
        """Return the id in the store, so that writing a passage twice is writing it once."""
        return id_of(self.key) if self.key else uuid5(NAMESPACE_URL, f"resift:{collection}/{self.id}")

    @property
    def content(self) -> str:
        """Return the text with its title and heading above it: what models read."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


def id_of(point_id: int | str | UUID) -> UUID:
    """Return a point's id; a number, which only collections made elsewhere have, as the UUID of that value.

    Raises:
        ValueError: When it is neither a number nor a UUID.
    """
    text = str(point_id)
    return UUID(int=int(text)) if text.isdecimal() and len(text) <= LONGEST_NUMBER else UUID(text)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage in an order. `scores` and `ranks` are by stage: dense, bm25, fused, rerank, blend, further ones."""

    passage: Passage
    score: float
    rank: int
    scores: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    ranks: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    was: int = 0
    """Rank before reranking; 0 where nothing was reranked."""
    relevance: float | None = None
    """Calibrated probability that the passage answers the query; None where nothing measured it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a language model was asked: requests, and the tokens that its endpoint counted."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return both together."""
        return Usage(self.calls + other.calls, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Stage:
    """The report of one step: what came in, what went out, how long it took."""

    name: str
    model: str
    received: int
    returned: int
    milliseconds: float
    note: str = ""
    kind: StageKind = "search"
    usage: Usage = NO_USAGE


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order of hits and how it came about. `degraded` says that a stage failed and was left out."""

    hits: Sequence[Hit]
    stages: Sequence[Stage] = ()
    notes: Sequence[str] = ()
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Logistic:
    """Platt scaling: probability = 1 / (1 + exp(-(slope * score + intercept))) (Platt 1999)."""

    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """Return the probability, in 0..1, that belongs to a raw score."""
        exponent = self.slope * score + self.intercept
        return 1 / (1 + exp(-exponent)) if exponent >= 0 else exp(exponent) / (1 + exp(exponent))
