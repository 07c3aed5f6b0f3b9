"""Documents, passages, hits and rankings: the values that every layer shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from types import MappingProxyType
from typing import Any, Literal, TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

from .citations import Citation
from .text import counted, cut

StageKind: TypeAlias = Literal["search", "score", "rank"]
"""What a stage returns: candidates, a score for each hit of the head, or an order of the head without scores."""

Metadata = Mapping[str, Any]
"""What users record about a document: JSON scalars, or lists of them, by field name."""

EMPTY: Mapping[str, Any] = MappingProxyType({})

TEXT_FIELD = "text"
"""The name of a passage's own text among the fields that have vectors."""

LONGEST_NUMBER = 20  # digits of a 64-bit number; a UUID that consists of digits has 32


MAX_SHOWN_CHARACTERS = 60  # of a text in the short form of a value, which a prompt or a notebook shows


def _short(text: str) -> str:
    return repr(cut(text, MAX_SHOWN_CHARACTERS))


@dataclass(frozen=True, slots=True)
class Document:
    """A document to ingest. `source` is a path or a URI; it is empty for text that was passed directly."""

    id: str
    title: str
    text: str
    source: str = ""
    metadata: Metadata = field(default_factory=lambda: EMPTY)
    place: str = field(default="", repr=False, compare=False, kw_only=True)
    """Where a call gave it, such as `documents.3 ("Spec")`, if the caller gave neither a source nor an id."""

    @property
    def name(self) -> str:
        """Return what messages call it: what its caller knows it by."""
        return self.place or self.source or self.id


@dataclass(frozen=True, slots=True, repr=False)
class Passage:
    """The unit of search: a piece of a document. Lines and pages count from 1; 0 means that the source has none.

    Ordinals count from 0. A passage that belongs to no stored document has the ordinal -1, and `document_id` as its id.
    """

    document_id: str
    ordinal: int
    text: str
    title: str = ""
    heading: str = ""
    source: str = ""
    start_line: int = 0
    end_line: int = 0
    page: int = 0
    end_page: int = 0
    repeated: int = 0
    """How many characters at its beginning an earlier passage has as well: an overlap, or the header of a table."""
    metadata: Metadata = field(default_factory=lambda: EMPTY)
    key: str = ""
    """The id of its point, a number or a UUID, in a collection that another program made; it is also the passage id.

    Of a hit that a caller passes on, its passage id.
    """
    collection: str = ""
    """The collection that it was found in, if several were searched."""

    def __repr__(self) -> str:
        title = f"title={_short(self.title)}, " if self.title else ""
        return f"Passage({self.id!r}, {title}text={_short(self.text)})"

    @property
    def id(self) -> str:
        """Return the passage id: `<document id>#<ordinal>`."""
        if self.key:
            return self.key
        return f"{self.document_id}#{self.ordinal}" if self.ordinal >= 0 else self.document_id

    @property
    def is_stored(self) -> bool:
        """Return whether the passage belongs to a stored document, rather than being a text of the caller's."""
        return self.ordinal >= 0 or bool(self.key)

    def point_id(self, collection: str) -> UUID:
        """Return the id in the store; it is stable, so that writing a passage again replaces it."""
        return id_of(self.key) if self.key else uuid5(NAMESPACE_URL, f"resift:{collection}/{self.id}")

    @property
    def citation(self) -> str:
        """Return its source with its pages, or else its lines, as in `report.pdf:p.12` or `setup.md:10-24`."""
        return self.cite(self.source)

    def cite(self, source: str) -> str:
        """Return the citation of its place in a source that has another name."""
        if self.page:
            return str(Citation(source, first=self.page, last=self.end_page, is_page=True))
        return str(Citation(source, first=self.start_line, last=self.end_line))

    @property
    def own_text(self) -> str:
        """Return the text without what an earlier passage has; it may begin with the blanks between them."""
        return self.text[self.repeated :]

    @property
    def content(self) -> str:
        """Return what models read: the text below its title and heading."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


def id_of(point_id: int | str | UUID) -> UUID:
    """Return a point's id as a UUID. A number becomes the UUID of that value; only other programs use numbers.

    Raises:
        ValueError: The id is neither a number nor a UUID.
    """
    text = str(point_id)
    return UUID(int=int(text)) if text.isdecimal() and len(text) <= LONGEST_NUMBER else UUID(text)


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """A passage in a ranking. `scores` and `ranks` are by stage, such as dense, bm25, fused, rerank and blend."""

    passage: Passage
    score: float
    rank: int
    scores: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    ranks: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    was: int = 0
    """Rank before reranking; 0 if nothing was reranked."""
    relevance: float | None = None
    """Calibrated probability that the passage answers the query; None if no calibrated model scored it."""
    also_in: Sequence[Passage] = ()
    """Passages of the same text that the search found as well and that this hit stands for, best first."""

    def __repr__(self) -> str:
        relevance = "" if self.relevance is None else f", relevance={self.relevance:.2f}"
        return f"Hit(#{self.rank}, score={self.score:.3f}{relevance}, {self.passage!r})"


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls of a language model cost: requests, and tokens as its endpoint counts them."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum of both."""
        return Usage(self.calls + other.calls, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Stage:
    """The report of one stage: how many hits it received and returned, and how long it took."""

    name: str
    model: str
    received: int
    returned: int
    milliseconds: float
    note: str = ""
    kind: StageKind = "search"
    usage: Usage = NO_USAGE
    out_of_time: bool = False
    """Whether the time budget ended before it had read all that it would have read."""
    unread: bool = False
    """Whether the encoder could not read the query, so that nothing was searched for by meaning."""
    cached: int = 0
    """How many of the scores were known from earlier searches."""


@dataclass(frozen=True, slots=True, repr=False)
class Ranking:
    """Hits in order, with the reports of the stages. `degraded` means that a stage failed and was skipped."""

    hits: Sequence[Hit]
    stages: Sequence[Stage] = ()
    notes: Sequence[str] = ()
    degraded: bool = False
    unread: bool = False
    """Whether it is degraded for no other reason than that a reranker cannot read the query."""
    failure: str = ""
    """Why it is degraded: the note on the first stage that failed."""

    def __repr__(self) -> str:
        first = f", first={self.hits[0]!r}" if self.hits else ""
        degraded = ", degraded=True" if self.degraded else ""
        return f"Ranking({counted(len(self.hits), 'hit')}{first}{degraded})"


@dataclass(frozen=True, slots=True)
class Logistic:
    """Platt scaling: probability = 1 / (1 + exp(-(slope * score + intercept))) (Platt 1999)."""

    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """Return the probability, in 0..1, for a raw score."""
        exponent = self.slope * score + self.intercept
        return 1 / (1 + exp(-exponent)) if exponent >= 0 else exp(exponent) / (1 + exp(exponent))
