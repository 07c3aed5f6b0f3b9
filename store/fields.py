"""Metadata fields: the values they may hold, and the types that a collection learns of them."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from math import isfinite
from typing import Any, Literal, TypeAlias, cast

from ..core.errors import InvalidInput
from ..core.values import Metadata

FieldType: TypeAlias = Literal["keyword", "integer", "number", "boolean", "date", "mixed"]

TEXT = "text"

BUILT_IN_FIELDS = ("document_id", "source", "title", TEXT)
"""Fields that every passage has besides its metadata."""

RESERVED_WORDS = ("not", "any", "all")
"""Words of the filter language, which cannot be the names of fields."""

MAX_FIELDS = 200  # each field costs an index; rarer data belongs in the text

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?)?")


def is_date(value: str) -> bool:
    """Return whether `value` is an existing date, or date and time, in ISO 8601 format."""
    if not _ISO_DATE.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def without_nulls(metadata: Mapping[str, Any]) -> Metadata:
    """Return the metadata without fields that are null."""
    return {name: value for name, value in metadata.items() if value is not None}


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


def learn_fields(known: Mapping[str, FieldType], metadata: Metadata) -> dict[str, FieldType]:
    """Return the known fields, widened by the metadata of one document.

    Raises:
        InvalidInput: The collection would have more than `MAX_FIELDS` fields.
    """
    learned = dict(known)
    for name, value in metadata.items():
        seen = type_of(value)
        learned[name] = widen(learned[name], seen) if name in learned else seen
    if len(learned) > MAX_FIELDS:
        raise InvalidInput(
            f"The collection would have more than {MAX_FIELDS} metadata fields. Put rare ones into the text."
        )
    return learned
