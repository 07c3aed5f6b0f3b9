"""The arguments of everything but a search, which `pipeline/request.py` defines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainValidator,
    SkipValidation,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from ..core.dates import as_texts
from ..core.values import Document, Hit, Passage
from ..evaluation.judged import JudgedSet
from ..evaluation.systems import DEPTHS
from ..ingest.report import ProgressFunction
from ..pipeline.request import DEFAULT, DEFAULT_LIMIT, MAX_RESULTS, PYTHON_ONLY, Strings

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
    id: NotRequired[
        Annotated[
            str,
            Field(
                description="Give it again to replace the text. Default: the source, or a hash of the text",
                max_length=MAX_NAME_CHARACTERS,
            ),
        ]
    ]


class PassageInput(TypedDict):
    """A passage to rerank, with an id of the caller's. The fields that schemas do not show are those of a hit."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # pyright: ignore[reportGeneralTypeIssues]

    text: str
    id: NotRequired[Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]]
    title: NotRequired[str]
    source: NotRequired[str]
    date: NotRequired[str]
    document_id: NotRequired[SkipJsonSchema[Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]]]
    collection: NotRequired[SkipJsonSchema[Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]]]
    heading: NotRequired[SkipJsonSchema[str]]
    metadata: NotRequired[SkipJsonSchema[dict[str, Any]]]


GivenPassage: TypeAlias = str | PassageInput | SkipJsonSchema[InstanceOf[Passage]] | SkipJsonSchema[InstanceOf[Hit]]
"""Hits and passages are for Python, where a search returns them."""

GivenDocument: TypeAlias = DocumentInput | SkipJsonSchema[InstanceOf[Document]]

Paths: TypeAlias = Annotated[
    str | Path | Sequence[str | Path],
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
    Field(description="Files, folders, globs like docs/*.md"),
]

HIT_KEYS = frozenset({"rank", "was", "score", "relevance", "also_in", "also_in_more", "scores", "ranks"})
"""What a hit has and a passage to rerank has not."""


def listed_once(given: Any) -> Any:
    """Return what a generator or another iterable holds as a list; a text, a mapping or one thing as it is."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return cast("Any", given)
    return list(cast("Iterable[Any]", given))


def _as_entries(given: Any) -> Any:
    """Return documents or passages of any kind as a list, without what is null, and with dates as texts."""
    entries = listed_once(given)
    return [_as_entry(each) for each in cast("list[Any]", entries)] if isinstance(entries, list) else entries


def _as_entry(given: Any) -> Any:
    if isinstance(given, Document):  # so that its fields are checked as those of others
        return {each.name: as_texts(getattr(given, each.name)) for each in fields(Document) if each.name != "place"}
    if not isinstance(given, Mapping):
        return given
    kept = {name: as_texts(each) for name, each in cast("Mapping[str, Any]", given).items()}
    kept = {name: each for name, each in kept.items() if each is not None or name == "text"}
    if "passage_id" not in kept:
        return kept
    # An agent passes on the hits that it was given.
    return {"id" if name == "passage_id" else name: each for name, each in kept.items() if name not in HIT_KEYS}


Passages: TypeAlias = Annotated[
    Sequence[GivenPassage],
    BeforeValidator(_as_entries),
    Field(description=f"1-{MAX_PASSAGES} texts, or {{id, text, title}}"),
]
Limit: TypeAlias = Annotated[int, Field(description="Maximum number of hits", ge=1, le=MAX_PASSAGES)]


@dataclass(frozen=True, slots=True, config=_CONFIG)
class IngestRequest:
    """Documents to take into a collection, as text or as files."""

    paths: Paths = ()
    _: KW_ONLY
    documents: Annotated[
        Sequence[GivenDocument], BeforeValidator(_as_entries), Field(description="Documents as text")
    ] = ()
    glob: Annotated[str, Field(description="Files to take from folders")] = "**/*"
    collection: Annotated[str, Field(description="Created if it does not exist")] = "default"
    metadata: Annotated[Mapping[str, Any], BeforeValidator(as_texts), Field(description="Added to every document")] = (
        field(default_factory=dict[str, Any])
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

    @property
    def document_list(self) -> list[DocumentInput]:
        """Return the documents, all in the form that validation gives them."""
        return cast("list[DocumentInput]", self.documents)


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
        Sequence[GivenPassage],
        BeforeValidator(_as_entries),
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
    filter: Annotated[Mapping[str, Any], BeforeValidator(as_texts), Field(description="As in search_and_rerank")] = (
        field(default_factory=dict[str, Any])
    )
    everything: Annotated[bool, Field(description="Delete the whole collection", strict=True)] = False
    dry_run: Annotated[bool, PYTHON_ONLY] = False
    """Whether to count what would be deleted, and to delete nothing."""


def _judged(given: Any) -> Any:
    if isinstance(given, str | Path | JudgedSet):
        return given
    raise ValueError("Input should be the path of a folder or file, or a JudgedSet")


@dataclass(frozen=True, slots=True, config=_CONFIG)
class EvaluateRequest:
    """Judged questions, and what to measure on them."""

    data: Annotated[str | Path | JudgedSet, PlainValidator(_judged)]
    _: KW_ONLY
    collection: str = "default"
    split: str = ""
    reranker: str = DEFAULT
    depth: Annotated[int, Field(ge=0, le=MAX_RESULTS)] = 0
    depths: Annotated[
        Sequence[Annotated[int, Field(ge=1, le=MAX_RESULTS)]], BeforeValidator(listed_once), Field(min_length=1)
    ] = DEPTHS
    queries: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0)] = 0
    progress: Annotated[SkipValidation[ProgressFunction | None], PYTHON_ONLY] = None
