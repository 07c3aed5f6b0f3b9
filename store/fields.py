"""Metadata fields: the values they may hold, and the types that a collection learns of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import isfinite
from typing import Any, Literal, TypeAlias, cast

from ..core.dates import in_utc, is_date
from ..core.errors import InvalidInput
from ..core.text import composed
from ..core.values import Metadata, Passage

FieldType: TypeAlias = Literal["keyword", "integer", "number", "boolean", "date", "mixed"]

TEXT = "text"

BUILT_IN_FIELDS = ("document_id", "source", "title", TEXT)
"""Fields that every passage has besides its metadata."""

RESERVED_WORDS = ("not", "any", "all")
"""Words of the filter language, which cannot be the names of fields."""

MAX_FIELDS = 200  # each field costs an index; rarer data belongs in the text

REVISION = "revision"
"""A fact about a document at a URL, by which Resift asks whether it has changed; callers are not told of it."""

FILE_FACTS = ("path", "modified", "format", "pages", REVISION)
"""Fields that a document read from a file has besides its own, unless it has one of that name."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A value that does not fit the type that a field has in a collection."""

    field: str
    kind: FieldType
    """The type of the field; "mixed" if the value is a list of several types, from which no type can be learned."""
    value: Any


@dataclass(frozen=True, slots=True)
class Held:
    """The metadata of a document as it is stored, with dates in UTC, and what was left out of it."""

    metadata: Metadata
    fields: Mapping[str, FieldType]
    """The fields of the collection, with those of this document."""
    clashes: tuple[Clash, ...] = ()


def is_file_fact(passage: Passage, name: str) -> bool:
    """Return whether a metadata field of a passage is a fact about its file, rather than said by the document."""
    path = passage.metadata.get("path")
    if name not in FILE_FACTS or not isinstance(path, str) or not path:
        return False
    return passage.document_id == path or passage.document_id.startswith(f"{path}/")  # a document inside a file


def cleaned(metadata: Mapping[str, Any]) -> Metadata:
    """Return the metadata without fields that are null, its names and texts with composed characters."""
    return {composed(name): _composed(value) for name, value in metadata.items() if value is not None}


def _composed(value: Any) -> Any:
    if isinstance(value, list):
        return [_composed(item) for item in cast("list[Any]", value)]
    return composed(value) if isinstance(value, str) else value


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Refuse metadata that no filter could use; null values are accepted.

    Raises:
        InvalidInput: A field's name is not usable in a filter, or its value is neither a scalar nor a list of scalars.
    """
    for name, value in metadata.items():
        if (
            not name
            or name[0] == "$"
            or '"' in name
            or "\\" in name
            or name in RESERVED_WORDS
            or name in BUILT_IN_FIELDS
        ):
            raise InvalidInput(f"Metadata field {name!r} has a name that is reserved or unusable. Rename it.")
        items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        if value is not None and not all(isinstance(item, str | int | float | bool) for item in items):
            raise InvalidInput(
                f"Metadata field {name!r} holds {value!r:.80}. Use a text, a number, true/false, or a list."
            )
        if any(isinstance(item, float) and not isfinite(item) for item in items):
            raise InvalidInput(f"Metadata field {name!r} holds a number that is not finite. Leave it out.")
        if any(isinstance(item, int) and not -(2**63) <= item < 2**63 for item in items):
            raise InvalidInput(f"Metadata field {name!r} holds an integer of more than 64 bits. Write it as a text.")


def type_of(value: Any) -> FieldType:
    """Return the type of a metadata value; a list has the narrowest type that fits all its items."""
    if isinstance(value, list):
        types: list[FieldType] = [type_of(item) for item in cast("list[Any]", value)]
        return reduce(widen, types) if types else "keyword"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "date" if is_date(value) else "keyword"


def widen(known: FieldType, seen: FieldType) -> FieldType:
    """Return the narrowest type that fits values of both types."""
    if known == seen:
        return known
    pair = {known, seen}
    if pair == {"integer", "number"}:
        return "number"
    if pair == {"date", "keyword"}:
        return "keyword"
    return "mixed"


def widened(one: Mapping[str, FieldType], other: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """Return the fields of both mappings, each with a type that fits the values of both."""
    return {**one, **{name: widen(one.get(name, kind), kind) for name, kind in other.items()}}


def hold(known: Mapping[str, FieldType], metadata: Metadata) -> Held:
    """Hold the metadata of one document to the types of a collection's fields; the first value of a field decides.

    Only integers become numbers later, since nothing is lost. Every text fits a field of texts. A value that does not
    fit is left out.

    Raises:
        InvalidInput: The collection would have more than `MAX_FIELDS` fields besides facts about files.
    """
    fields, kept, clashes = dict(known), dict[str, Any](), list[Clash]()
    for name, value in metadata.items():
        before = fields.get(name)
        after = _fitting(before, value)
        if after is None:
            clashes.append(Clash(name, before or "mixed", value))
            continue
        kept[name] = _in_utc(value) if after == "date" else value
        if value != []:  # nothing is known of the items to come
            fields[name] = after
    check_number(fields)
    return Held(kept, fields, tuple(clashes))


def check_number(fields: Mapping[str, FieldType]) -> None:
    """Refuse more fields than a collection may have.

    Raises:
        InvalidInput: There are more than `MAX_FIELDS` fields besides facts about files.
    """
    if len(fields.keys() - {*FILE_FACTS}) > MAX_FIELDS:
        raise InvalidInput(
            f"The collection would have more than {MAX_FIELDS} metadata fields. Put rare ones into the text."
        )


def _fitting(known: FieldType | None, value: Any) -> FieldType | None:
    """Return the type of a field after a value is added to it; None if the value does not fit."""
    seen = type_of(value)
    if known is None:
        return None if seen == "mixed" else seen
    if known in (seen, "mixed") or value == []:
        return known
    if {known, seen} == {"integer", "number"}:
        return "number"
    return known if (known, seen) == ("keyword", "date") else None


def _in_utc(value: Any) -> Any:
    return [in_utc(item) for item in cast("list[str]", value)] if isinstance(value, list) else in_utc(value)
