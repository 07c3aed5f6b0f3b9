"""The lines of an exported collection: one that says what follows, and one for each document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import cache
from typing import Any, Literal, TypeVar, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ...core.errors import InvalidInput
from ...core.values import Passage
from ...store.fields import FieldType, check_metadata
from ...store.protocols import Entry, FileState, Point

VERSION = 1

T = TypeVar("T")

_CONFIG = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True, config=_CONFIG, kw_only=True)
class Head:
    """The first line: what made the file, and of what."""

    resift_export: Literal[1] = VERSION
    made_by: str
    collection: str
    documents: int
    passages: int
    chunking: str
    encoder: str
    fields: Mapping[str, FieldType]


@dataclass(frozen=True, slots=True, config=_CONFIG, kw_only=True)
class PassageLine:
    """A passage of a document: what differs from what its document says, and from the default."""

    text: str
    heading: str = ""
    start_line: int = 0
    end_line: int = 0
    page: int = 0
    end_page: int = 0
    repeated: int = 0
    title: str | None = None
    source: str | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, config=_CONFIG, kw_only=True)
class DocumentLine:
    """A document with where it came from. `digest` identifies its version."""

    id: str = Field(min_length=1)
    title: str = ""
    source: str = ""
    digest: str = Field(min_length=1)
    file: FileState | None = None
    metadata: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    passages: Sequence[PassageLine] = Field(min_length=1)

    @property
    def entry(self) -> Entry:
        """Return what the store knows of the document once it holds it."""
        source = self.passages[0].source
        return Entry(
            digest=self.digest,
            passages=len(self.passages),
            source=self.source if source is None else source,
            file=self.file,
        )

    def to_passages(self) -> list[Passage]:
        """Return the passages of the document."""
        return [self._passage(ordinal, each) for ordinal, each in enumerate(self.passages)]

    def to_point(self, passage: Passage, vectors: Mapping[str, Any]) -> Point:
        """Return a passage of the document as it is stored, with its vectors."""
        return Point(passage, self.digest, passages=len(self.passages), vectors=vectors, file=self.file)

    def _passage(self, ordinal: int, line: PassageLine) -> Passage:
        return Passage(
            self.id,
            ordinal,
            text=line.text,
            title=self.title if line.title is None else line.title,
            heading=line.heading,
            source=self.source if line.source is None else line.source,
            start_line=line.start_line,
            end_line=line.end_line,
            page=line.page,
            end_page=line.end_page,
            repeated=line.repeated,
            metadata=self.metadata if line.metadata is None else line.metadata,
        )


def line_of(passages: Sequence[Passage], entry: Entry) -> DocumentLine:
    """Return the line of a document with these passages, in their order."""
    first = passages[0]
    return DocumentLine(
        id=first.document_id,
        title=first.title,
        source=first.source,
        digest=entry.digest,
        file=entry.file,
        metadata=dict(first.metadata),
        passages=[_passage_line(each, first) for each in passages],
    )


def _passage_line(passage: Passage, first: Passage) -> PassageLine:
    return PassageLine(
        text=passage.text,
        heading=passage.heading,
        start_line=passage.start_line,
        end_line=passage.end_line,
        page=passage.page,
        end_page=passage.end_page,
        repeated=passage.repeated,
        title=None if passage.title == first.title else passage.title,
        source=None if passage.source == first.source else passage.source,
        metadata=None if passage.metadata == first.metadata else dict(passage.metadata),
    )


def dump(line: Head | DocumentLine) -> bytes:
    """Return a line as JSON in UTF-8, without what has its default value."""
    return json.dumps(_plain(line), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(line: Head | DocumentLine | PassageLine) -> dict[str, Any]:
    entries = {each.name: getattr(line, each.name) for each in fields(line)}
    if isinstance(line, Head):
        return entries | {"fields": dict(sorted(line.fields.items()))}
    if isinstance(line, PassageLine):
        return {name: value for name, value in entries.items() if name == "text" or value not in _unwritten(name)}
    entries["passages"] = [_plain(each) for each in line.passages]
    entries["file"] = asdict(line.file) if line.file else None
    return {name: value for name, value in entries.items() if value not in ("", None)}


def _unwritten(name: str) -> tuple[Any, ...]:
    """Return what need not be written of a passage. An empty title or source is written: its document may have one."""
    return (None,) if name in ("title", "source") else ("", 0, None)


def read_head(data: bytes, place: str) -> Head:
    """Return the first line of a file.

    Raises:
        InvalidInput: It is not the first line of an export, or a newer version of Resift made it.
    """
    version = _version(data)
    if version > VERSION:
        raise InvalidInput(f"{place}: the file has version {version}, and Resift reads up to {VERSION}. Update Resift.")
    if version != VERSION:
        raise InvalidInput(
            f"{place} is not the first line of a file that `resift export` wrote. Choose such a file; other JSON Lines "
            "are documents for `resift ingest`."
        )
    return _checked(_heads(), data, place)


def read_line(data: bytes, place: str) -> DocumentLine:
    """Return the document in a line.

    Raises:
        InvalidInput: The line is damaged, or holds what no document can have; the message names its place.
    """
    line = _checked(_documents(), data, place)
    try:
        for metadata in (line.metadata, *(each.metadata for each in line.passages if each.metadata is not None)):
            check_metadata(metadata)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error}") from error
    return line


def _version(data: bytes) -> int:
    try:
        loaded: Any = json.loads(data)
    except (ValueError, RecursionError):
        return 0
    version: Any = cast("dict[str, Any]", loaded).get("resift_export") if isinstance(loaded, dict) else 0
    return version if isinstance(version, int) else 0


def _checked(adapter: TypeAdapter[T], data: bytes, place: str) -> T:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = f" `{'.'.join(map(str, first['loc']))}`:" if first["loc"] else ""
        raise InvalidInput(f"{place} is damaged:{where} {first['msg']}. Export again, or correct the line.") from error


@cache
def _heads() -> TypeAdapter[Head]:
    return TypeAdapter(Head)


@cache
def _documents() -> TypeAdapter[DocumentLine]:
    return TypeAdapter(DocumentLine)
