"""The arguments of a search, defined once: MCP schemas, command-line options and the Python API are made from here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, field, replace
from datetime import datetime
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.dataclasses import dataclass

from ..core.dates import as_texts
from ..core.errors import InvalidInput
from ..core.query import Mode, Query
from ..core.text import clean, composed
from ..core.values import TEXT_FIELD

DEFAULT, NO_RERANKER = "default", "none"
MAX_PHRASINGS = 8  # each costs one more search, and more of them find little that is new
MAX_EXAMPLES = 20
MAX_QUERY_CHARACTERS = 10_000  # a question, not a document: no model reads more
MAX_INSTRUCTION_CHARACTERS = 10_000  # a list of sources or criteria, not a document
MAX_BOOSTED = 1_000  # values in one request: each may be compared with each passage
DEFAULT_LIMIT = 10
MAX_FEEDBACK = 2  # best passages to search with once more: those after the second are too often wrong
MAX_RESULTS = 200  # hits that can be paged through: deeper than any reranker reads

EVERY_COLLECTION = "*"

PYTHON_ONLY = object()
"""Marks an argument that the Python API takes, but neither MCP nor the command line."""

_CONFIG = ConfigDict(extra="forbid")


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Strings: TypeAlias = Annotated[Sequence[str], BeforeValidator(_as_list)]
"""Several strings; a single one may be given alone."""


def _as_names(given: Any) -> Any:
    names = _as_list(given)
    if not isinstance(names, list | tuple):
        return given
    parts = [each.split(",") if isinstance(each, str) else [each] for each in cast("Sequence[Any]", names)]
    return [name.strip() if isinstance(name, str) else name for each in parts for name in each]


CollectionChoice: TypeAlias = Annotated[
    Sequence[str],
    BeforeValidator(_as_names),
    WithJsonSchema({"type": "string"}),
    Field(description='Collection to search; several: "a,b"; all: "*"', validate_default=True),
]
"""One name, several in a list or separated by commas, or "*". Schemas say "string": some clients refuse unions."""


@dataclass(frozen=True, slots=True, config=_CONFIG)
class HybridSearchRequest:
    """A search without reranking."""

    query: Annotated[str, Field(description="What to find; a full question works best")] = ""
    """May be empty if `like` names passages to search by; nothing is reranked then."""
    _: KW_ONLY
    collection: CollectionChoice = "default"
    limit: Annotated[int, Field(description="Maximum number of hits", ge=1, le=MAX_RESULTS)] = DEFAULT_LIMIT
    mode: Annotated[Mode, Field(description="dense: by meaning; keyword: by words; hybrid: both")] = "hybrid"
    filter: Annotated[
        Mapping[str, Any],
        BeforeValidator(as_texts),
        Field(
            description='{"lang": "en", "year": {"gte": 2020}, "tag": ["a", "b"], "title": {"match": "some words"}, '
            '"source": {"prefix": "docs/"}, "not": {"draft": true}, "any": [{...}, {...}]}'
        ),
    ] = field(default_factory=dict[str, Any])
    per_document: Annotated[int, Field(description="Maximum hits per document; 0: no limit", ge=0, le=100)] = 0
    offset: Annotated[int, Field(description="next_offset of the previous page", ge=0, le=MAX_RESULTS - 1)] = 0
    queries: Annotated[Strings, Field(description="Other phrasings, searched together")] = ()
    """Passages are reranked by `query` alone."""
    fields: Annotated[
        Mapping[str, float], Field(description='Weights of dense vectors: {"title": 0.6, "text": 0.4}')
    ] = field(default_factory=dict[str, float])
    like: Annotated[Strings, Field(description="passage_ids: find similar ones")] = ()
    unlike: Annotated[Strings, Field(description="passage_ids: avoid similar ones")] = ()
    diversity: Annotated[float, Field(description="MMR: 0 off, 1 most diverse", ge=0, le=1)] = 0.0
    recency: Annotated[
        Mapping[str, Any], Field(description='Prefer newer: {"field": "date", "half_life_days": 30}')
    ] = field(default_factory=dict[str, Any])
    boost: Annotated[
        Mapping[str, Mapping[str, float]],
        Field(description='Factors 0-2 by value: {"kind": {"docs": 1.5, "chat": 0.5}}'),
    ] = field(default_factory=dict[str, Mapping[str, float]])


@dataclass(frozen=True, slots=True, config=_CONFIG)
class SearchRequest(HybridSearchRequest):
    """A search, and how its hits are reranked."""

    _: KW_ONLY
    depth: Annotated[int, Field(description="Hits to rerank; 0: 50 or as tuned", ge=0, le=MAX_RESULTS)] = 0
    reranker: Annotated[str, Field(description='"default", "none" or a configured name')] = DEFAULT
    instruction: Annotated[str, Field(description="What counts as relevant, if the reranker follows it")] = ""
    time_budget_ms: Annotated[float, Field(description="Time limit for reranking; 0: none", ge=0)] = 0
    min_relevance: Annotated[float, Field(description="Leave out less relevant hits, 0-1", ge=0, le=1)] = 0.0
    collapse: Annotated[bool, PYTHON_ONLY] = True
    """Whether passages of the same text are one hit, which names the others."""
    rephrase: Annotated[bool, PYTHON_ONLY] = True
    """Whether a language model may write phrasings if there are no `queries` and the settings ask for some."""
    rerank_weight: Annotated[float | None, PYTHON_ONLY, Field(ge=0, le=1)] = None
    """Share of the reranker in the final score, retrieval having the rest. None: as tuned, or as configured."""
    feedback: Annotated[int | None, PYTHON_ONLY, Field(ge=0, le=MAX_FEEDBACK)] = None
    """How many of the best reranked passages to search with once more; 0: none. None: as configured."""

    @property
    def named(self) -> list[str]:
        """Return the collections that are named; none if every collection is meant."""
        return [] if EVERY_COLLECTION in self.collection else list(dict.fromkeys(self.collection))

    @property
    def is_plain(self) -> bool:
        """Return whether this is a hybrid search of passage texts alone, for which weights are tuned."""
        fields = {name for name, weight in self.fields.items() if weight}
        return self.mode == "hybrid" and fields <= {TEXT_FIELD} and not self.like and not self.unlike

    @property
    def reorders(self) -> bool:
        """Return whether metadata or diversity reorder the head without a model."""
        return bool(self.recency or self.boost or self.diversity)


def prepare(request: SearchRequest) -> SearchRequest:
    """Return the request with clean texts, and with a limit that stays within the hits that can be paged through.

    Raises:
        InvalidInput: The request has nothing to search by, too many phrasings or examples, or examples in keyword mode.
    """
    query = "" if request.like and not request.query.strip() else clean_query(request.query)
    if len(request.queries) > MAX_PHRASINGS:
        raise InvalidInput(f"`queries` takes at most {MAX_PHRASINGS} phrasings, got {len(request.queries)}.")
    if len(request.like) + len(request.unlike) > MAX_EXAMPLES:
        raise InvalidInput(f"`like` and `unlike` take at most {MAX_EXAMPLES} passages together. Choose the best ones.")
    if request.mode == "keyword" and (request.like or request.unlike):
        raise InvalidInput("`like` and `unlike` compare dense vectors. Use mode 'hybrid' or 'dense'.")
    return replace(
        request,
        query=query,
        queries=tuple(clean_query(each) for each in request.queries),
        instruction=clean_instruction(request.instruction),
        limit=min(request.limit, MAX_RESULTS - request.offset),
        recency={key: composed(value) if isinstance(value, str) else value for key, value in request.recency.items()},
        boost={composed(name): factors for name, factors in request.boost.items()},
    )


def query_of(request: SearchRequest, *, clock: Callable[[], float], now: datetime) -> Query:
    """Return the query of a prepared request."""
    return Query(
        request.query,
        phrasings=tuple(request.queries),
        instruction=request.instruction,
        clock=clock,
        now=now,
    )


def clean_query(query: str) -> str:
    """Return the query without surrounding space and unpaired surrogates.

    Raises:
        InvalidInput: It is empty, or longer than `MAX_QUERY_CHARACTERS`.
    """
    if not query.strip():
        raise InvalidInput("The query is empty. Ask in words, such as 'how do I rotate the API key'.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(
            f"The query has {len(query):,} characters, more than the limit of {MAX_QUERY_CHARACTERS:,}. Ask a shorter "
            "question; to search with a document, ingest it and ask about it."
        )
    return clean(query)


def clean_instruction(instruction: str) -> str:
    """Return the instruction without surrounding space and unpaired surrogates.

    Raises:
        InvalidInput: It is longer than `MAX_INSTRUCTION_CHARACTERS`.
    """
    if len(instruction) > MAX_INSTRUCTION_CHARACTERS:
        raise InvalidInput(
            f"The instruction has {len(instruction):,} characters, more than the limit of "
            f"{MAX_INSTRUCTION_CHARACTERS:,}. Shorten it to what counts."
        )
    return clean(instruction)
