"""Filters over metadata: from the JSON a caller writes to conditions that every store compiles.

`{"lang": "en", "year": {"gte": 2020}, "tag": ["a", "b"], "not": {"status": "draft"}}`: all entries must hold; a list
means any of its values; `gte`, `gt`, `lte`, `lt` take numbers or ISO dates.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from ..core.errors import InvalidInput, nearest
from .fields import BUILT_IN_FIELDS, RESERVED_WORDS, FieldType, is_date

Scalar: TypeAlias = str | int | float | bool
BOUNDS = ("gte", "gt", "lte", "lt")
# For our own conditions: no metadata field that a caller may name begins so.
ORDINAL = "$ordinal"
DIGEST = "$digest"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of the values (or, holding a list, contains one of them)."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field lies within bounds; numbers and ISO dates are not mixed."""

    field: str
    bounds: tuple[tuple[str, float | str], ...]

    @property
    def over_dates(self) -> bool:
        """Return whether the bounds are ISO dates."""
        return isinstance(self.bounds[0][1], str)


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold; a missing field satisfies it."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds; none at all is always true."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = AnyOf | Range | Not | All


FIRST_PASSAGES = AnyOf(ORDINAL, (0,))
"""Holds for one passage of each complete document."""


def parse_filter(filter_: Mapping[str, Any], known: Mapping[str, FieldType]) -> Condition | None:
    """Return the condition written in `filter_`, or None for an empty one.

    Raises:
        InvalidInput: On an unknown field (listing the known ones), or a value no filter can hold.
    """
    if not filter_:
        return None
    return _all(filter_, known)


def _all(entries: Mapping[str, Any], known: Mapping[str, FieldType]) -> All:
    return All(tuple(_entry(name, value, known) for name, value in entries.items()))


def _entry(name: str, value: Any, known: Mapping[str, FieldType]) -> Condition:
    if name == "not":
        if not isinstance(value, Mapping) or not value:
            raise InvalidInput(f"'not' takes an object of fields, such as {{'lang': 'en'}}; got {value!r}.")
        return Not(_all(cast("Mapping[str, Any]", value), known))
    if name not in known and name not in BUILT_IN_FIELDS:
        raise InvalidInput(_unknown_field(name, known))
    if isinstance(value, Mapping):
        return _range(name, cast("Mapping[str, Any]", value), known.get(name, "keyword"))
    values: Sequence[Any] = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str) or _is_number(item) for item in values):
        raise InvalidInput(
            f"Filter on {name!r}: {value!r} is not a text, number, true/false, a list of them, or a range such as "
            f"{{'gte': 2020}}."
        )
    return AnyOf(name, tuple(values))


def _range(name: str, bounds: Mapping[str, Any], kind: FieldType) -> Range:
    unknown = [key for key in bounds if key not in BOUNDS]
    if unknown or not bounds:
        raise InvalidInput(f"Filter on {name!r}: a range takes {', '.join(BOUNDS)}; got {sorted(bounds)}.")
    values = list(bounds.values())
    numbers = all(_is_number(value) and not isinstance(value, bool) for value in values)
    if not numbers and not all(isinstance(value, str) and is_date(value) for value in values):
        raise InvalidInput(
            f"Filter on {name!r}: bounds are all numbers or all ISO dates such as '2024-05-01'; got {values}."
        )
    # An index of integers or dates would take the other's bounds for microseconds.
    if kind in (("date",) if numbers else ("integer", "number", "boolean")):
        raise InvalidInput(
            f"Filter on {name!r}: the field holds {kind} values, and the bounds are "
            f"{'numbers' if numbers else 'dates'}. Call list_collections to see its values."
        )
    return Range(name, tuple(bounds.items()))


def _is_number(value: Any) -> bool:
    """Return whether a store can hold the number; NaN makes qdrant-edge panic."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _unknown_field(name: str, known: Mapping[str, FieldType]) -> str:
    if name in RESERVED_WORDS:
        return f"{name!r} is a reserved word, not a field. Filters are an object of fields; 'not' takes another object."
    fields = ", ".join(sorted({*known, *BUILT_IN_FIELDS}))
    return f"Unknown filter field {name!r}.{nearest(name, known)} Known fields: {fields}."
