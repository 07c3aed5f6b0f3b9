"""Filters over metadata: from the JSON a caller writes to conditions that every store compiles.

`{"lang": "en", "year": {"gte": 2020}, "tag": ["a", "b"], "not": {"status": "draft"}}`: all entries must hold; a list
means any of its values. An object bounds numbers or ISO dates (`gte`, `gt`, `lte`, `lt`), or asks a text for words in
any order (`match`) or for its beginning (`prefix`). `not` takes a filter, `any` and `all` take lists of filters.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from ..core.errors import Hint, InvalidFilter, nearest
from .fields import BUILT_IN_FIELDS, TEXT, FieldType, is_date

Scalar: TypeAlias = str | int | float | bool

BOUNDS = ("gte", "gt", "lte", "lt")

MAX_DEPTH = 16  # of filters in filters: the engine compiles them by recursion, and a stack that overflows ends it

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
class Words:
    """The field is a text that holds every word, whole, in any order and case; words are runs of letters and digits.

    Of a list, one item has to hold them all.
    """

    field: str
    words: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """The field is a text that begins so, to the letter (or, holding a list, contains such a text)."""

    field: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold; a missing field satisfies it."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds; none at all is always true."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the conditions holds, of which there is at least one."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = AnyOf | Range | Words | Prefix | Not | All | Either

FIRST_PASSAGES = AnyOf(ORDINAL, (0,))
"""Holds for one passage of each complete document."""


def parse_filter(filter_: Mapping[str, Any], known: Mapping[str, FieldType]) -> Condition | None:
    """Return the condition written in `filter_`, or None for an empty one.

    Raises:
        InvalidFilter: On an unknown field (listing the known ones), or a condition that cannot be met.
    """
    if not filter_:
        return None
    return _all(filter_, known, MAX_DEPTH)


def _all(entries: Mapping[str, Any], known: Mapping[str, FieldType], depth: int) -> All:
    if not depth:
        raise InvalidFilter(f"A filter nests at most {MAX_DEPTH} deep. Write it flatter.")
    return All(tuple(_entry(name, value, known, depth) for name, value in entries.items()))


def _entry(name: str, value: Any, known: Mapping[str, FieldType], depth: int) -> Condition:
    if name == "not":
        return Not(_all(_filter_in(name, value, "an object"), known, depth - 1))
    if name in ("any", "all"):
        if not isinstance(value, list) or not value:
            raise InvalidFilter(f"{name!r} takes a list of objects, such as [{{'lang': 'en'}}]; got {value!r:.200}.")
        filters = [_filter_in(name, each, "a list of objects") for each in cast("list[Any]", value)]
        conditions = tuple(_all(each, known, depth - 1) for each in filters)
        return All(conditions) if name == "all" else Either(conditions)
    if name not in known and name not in BUILT_IN_FIELDS:
        raise InvalidFilter(_unknown_field(name, known))
    if isinstance(value, Mapping):
        return _asked(name, cast("Mapping[str, Any]", value), known.get(name, "keyword"))
    return _any_of(name, value, known.get(name, "keyword"))


def _filter_in(name: str, value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise InvalidFilter(f"{name!r} takes {what} of fields, such as {{'lang': 'en'}}; got {value!r:.200}.")
    return cast("Mapping[str, Any]", value)


def _any_of(name: str, value: Any, kind: FieldType) -> AnyOf:
    values: Sequence[Any] = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    if name == TEXT:
        raise InvalidFilter(f"A passage's text is asked for words: {{'text': {{'match': {value!r:.200}}}}}.")
    if not values or not all(isinstance(item, str) or _is_number(item) for item in values):
        raise InvalidFilter(
            f"Filter on {name!r}: {value!r:.200} is not a text, number, true/false, a list of them, or an object such "
            "as {'gte': 2020}, {'match': 'words'} or {'prefix': '/srv/docs/'}."
        )
    if quoted := next((item for item in values if _is_quoted(item, kind)), None):
        raise InvalidFilter(f"Filter on {name!r}: the field holds {kind} values; write {quoted} without quotes.")
    return AnyOf(name, tuple(values))


def _is_quoted(item: Any, kind: FieldType) -> bool:
    """Return whether a text spells a value of a kind that is no text, and so would match nothing."""
    if not isinstance(item, str):
        return False
    if kind == "boolean":
        return item.lower() in ("true", "false")
    return kind in ("integer", "number") and item.strip().lstrip("+-").replace(".", "", 1).isdecimal()


def _asked(name: str, conditions: Mapping[str, Any], kind: FieldType) -> Condition:
    """Return what an object asks of a field."""
    bounds = {key: bound for key, bound in conditions.items() if key in BOUNDS}
    others = {key: text for key, text in conditions.items() if key not in BOUNDS}
    if not conditions or not others.keys() <= _TEXTUAL.keys():
        raise InvalidFilter(
            f"Filter on {name!r}: a range takes {', '.join(BOUNDS)}, a text {', '.join(_TEXTUAL)}; "
            f"got {sorted(conditions)!s:.200}."
        )
    asked: list[Condition] = [_range(name, bounds, kind)] if bounds else []
    asked += [_TEXTUAL[key](name, _text(name, key, text, kind)) for key, text in others.items()]
    return asked[0] if len(asked) == 1 else All(tuple(asked))


_TEXTUAL: Mapping[str, Callable[[str, str], Condition]] = {"match": Words, "prefix": Prefix}


def _text(name: str, key: str, text: Any, kind: FieldType) -> str:
    if not isinstance(text, str) or not text or (key == "match" and not any(letter.isalnum() for letter in text)):
        what = "a text of words" if key == "match" else "a text"
        raise InvalidFilter(f"Filter on {name!r}: {key!r} takes {what}; got {text!r:.200}.")
    if kind in ("integer", "number", "boolean"):
        raise InvalidFilter(f"Filter on {name!r}: the field holds {kind} values, and {key!r} is for texts.")
    return text


def _range(name: str, bounds: Mapping[str, Any], kind: FieldType) -> Range:
    values = list(bounds.values())
    numbers = all(_is_number(value) and not isinstance(value, bool) for value in values)
    if not numbers and not all(isinstance(value, str) and is_date(value) for value in values):
        raise InvalidFilter(
            f"Filter on {name!r}: bounds are all numbers or all ISO dates such as '2024-05-01'; got {values}."
        )
    # An index of integers or dates would take the other's bounds for microseconds.
    if kind in (("date",) if numbers else ("integer", "number", "boolean")):
        raise InvalidFilter(
            f"Filter on {name!r}: the field holds {kind} values, and the bounds are "
            f"{'numbers' if numbers else 'dates'}.",
            hint=Hint.SHOW_FIELDS,
        )
    return Range(name, tuple(bounds.items()))


def _is_number(value: Any) -> bool:
    """Return whether a store can hold the number; NaN makes qdrant-edge panic."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _unknown_field(name: str, known: Mapping[str, FieldType]) -> str:
    fields = sorted({*known, *BUILT_IN_FIELDS})
    return f"Unknown filter field {name!r}.{nearest(name, fields)} Known fields: {', '.join(fields)}."
