"""The arguments of everything but a search, which `pipeline/request.py` defines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SkipValidation, WithJsonSchema
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from ..ingest.report import ProgressFunction
from ..pipeline.request import DEFAULT, DEFAULT_LIMIT, PYTHON_ONLY, Strings

MAX_NAME_CHARACTERS = 1_000  # of an id, a source, a title: each appears whole in every hit
MAX_PASSAGES = 200  # reranked in one call
MAX_IDS = 1_000  # deleted in one call: each is looked up

DetailLevel: TypeAlias = Literal["concise", "full"]
"""How much of each hit a tool or command shows. The Python API returns everything."""

_CONFIG = ConfigDict(extra="forbid")


class DocumentInput(TypedDict):
    """A document given as text."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # pyright: ignore[reportGeneralTypeIssues]

    text: str
    title: NotRequired[str]
    source: NotRequired[Annotated[str, Field(description="Path or URI to cite", max_length=MAX_NAME_CHARACTERS)]]
    metadata: NotRequired[Annotated[dict[str, Any], Field(description="Fields to filter by")]]
    id: NotRequired[Annotated[str, Field(description="Default: the source or a hash", max_length=MAX_NAME_CHARACTERS)]]


class PassageInput(TypedDict):
    """A passage to rerank, with an id of the caller's."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # pyright: ignore[reportGeneralTypeIssues]

    text: str
    id: NotRequired[Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]]
    title: NotRequired[str]
    source: NotRequired[str]
    date: NotRequired[str]


Paths: TypeAlias = Annotated[
    str | Path | Sequence[str | Path],
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
    Field(description="Files, folders, globs like docs/*.md"),
]
HIT_KEYS = frozenset(
    {
        *("rank", "was", "collection", "document_id", "heading", "score", "relevance"),
        *("also_in", "also_in_more"),
        *("metadata", "scores", "ranks"),
    }
)
"""What a hit has and a passage to rerank has not."""


def listed_once(given: Any) -> Any:
    """Return what a generator or another iterable holds as a list; a text, a mapping or one thing as it is."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return cast("Any", given)
    return list(cast("Iterable[Any]", given))


def _hits_as_passages(given: Any) -> Any:
    """Return the passages with hits of a search among them as passages: an agent passes on what it was given."""
    given = listed_once(given)
    if not isinstance(given, list):
        return given
    return [
        {
            "id" if key == "passage_id" else key: value
            for key, value in cast("dict[str, Any]", each).items()
            if key not in HIT_KEYS
        }
        if isinstance(each, dict) and "passage_id" in each
        else each
        for each in cast("list[Any]", given)
    ]


Passages: TypeAlias = Annotated[
    Sequence[str | PassageInput],
    BeforeValidator(_hits_as_passages),
    Field(description=f"1-{MAX_PASSAGES} texts, or {{id, text, title}}"),
]
Limit: TypeAlias = Annotated[int, Field(description="Maximum number of hits", ge=1, le=MAX_PASSAGES)]


@dataclass(frozen=True, slots=True, config=_CONFIG)
class IngestRequest:
    """Documents to take into a collection, as text or as files."""

    paths: Paths = ()
    _: KW_ONLY
    documents: Annotated[Sequence[DocumentInput], Field(description="Documents as text")] = ()
    glob: Annotated[str, Field(description="Files to take from folders")] = "**/*"
    collection: Annotated[str, Field(description="Created if it does not exist")] = "default"
    metadata: Annotated[Mapping[str, Any], Field(description="Added to every document")] = field(
        default_factory=dict[str, Any]
    )
    prune: Annotated[
        bool, Field(description="Remove documents whose files are gone from these folders", strict=True)
    ] = False
    dry_run: Annotated[bool, PYTHON_ONLY] = False
    """Whether to report what would be done, with `planned` ids, and to change nothing."""
    progress: Annotated[SkipValidation[ProgressFunction | None], PYTHON_ONLY] = None

    @property
    def path_list(self) -> list[str | Path]:
        """Return the paths; a single one may be given alone."""
        return [self.paths] if isinstance(self.paths, str | Path) else list(self.paths)


@dataclass(frozen=True, slots=True, config=_CONFIG)
class RerankRequest:
    """Passages that the caller already has, to be reranked."""

    query: Annotated[str, Field(description="What to find; a full question works best")]
    passages: Passages
    _: KW_ONLY
    limit: Limit = DEFAULT_LIMIT
    reranker: Annotated[str, Field(description='"default" or a configured name')] = DEFAULT
    instruction: Annotated[str, Field(description="What counts as relevant")] = ""


@dataclass(frozen=True, slots=True, config=_CONFIG)
class LlmRerankRequest:
    """Passages that the caller already has, to be ordered by a language model."""

    query: Annotated[str, Field(description="What to find")]
    passages: Annotated[
        Sequence[str | PassageInput],
        BeforeValidator(_hits_as_passages),
        WithJsonSchema({"type": "array", "items": {}}),  # the whole schema is in `rerank`
        Field(description="As in rerank; the first 100 are ordered"),
    ]
    _: KW_ONLY
    instruction: Annotated[str, Field(description="As in rerank")] = ""
    template: Annotated[str, Field(description="Name of a prompt template")] = ""
    limit: Limit = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, config=_CONFIG)
class ReadRequest:
    """A document, or the surroundings of a passage."""

    document_id: Annotated[str, Field(description="Id, path or source; read from `start` on. Or give passage_id")] = ""
    _: KW_ONLY
    start: Annotated[int, Field(description="next_start of the previous call", ge=0)] = 0
    pages: Annotated[str, Field(description="Only these pages, or lines if it has none: 12-14")] = ""
    passage_id: Annotated[str, Field(description="Read around this hit")] = ""
    around: Annotated[int, Field(description="Passages on each side of passage_id", ge=0, le=50)] = 1
    collection: Annotated[str, Field(description="Collection of the document")] = "default"


def _limited(ids: Sequence[str]) -> Sequence[str]:
    if len(ids) > MAX_IDS:  # not in the JSON schema, where each word costs every client tokens
        raise ValueError(
            f"{len(ids):,} ids are more than the limit of {MAX_IDS:,}. Delete by filter, or in several calls"
        )
    return ids


@dataclass(frozen=True, slots=True, config=_CONFIG)
class DeleteRequest:
    """Documents to delete from a collection, or the collection itself."""

    collection: Annotated[str, Field(description="Collection to delete from")]
    _: KW_ONLY
    document_ids: Annotated[Strings, AfterValidator(_limited), Field(description="Ids from hits")] = ()
    filter: Annotated[Mapping[str, Any], Field(description="As in search_and_rerank")] = field(
        default_factory=dict[str, Any]
    )
    everything: Annotated[bool, Field(description="Delete the whole collection", strict=True)] = False
    dry_run: Annotated[bool, PYTHON_ONLY] = False
    """Whether to count what would be deleted, and to delete nothing."""
