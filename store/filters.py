"""Filters over metadata, parsed from JSON into conditions that every store can compile.

`{"lang": "en", "year": {"gte": 2020}, "tag": ["a", "b"], "not": {"status": "draft"}}`: all entries must hold; a list
matches any of its values. An object gives bounds for numbers or ISO dates (`gte`, `gt`, `lte`, `lt`), or searches a
text for words in any order (`match`) or for its beginning (`prefix`). `not` takes a filter; `any` and `all` take lists
of filters.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from ..core.dates import in_utc, is_date
from ..core.errors import Hint, InvalidFilter, nearest
from ..core.text import composed, listed, unicode_forms
from .fields import BUILT_IN_FIELDS, TEXT, FieldType
from .filter_words import how_to_combine, how_to_compare

Scalar: TypeAlias = str | int | float | bool

BOUNDS = ("gte", "gt", "lte", "lt")

MAX_DEPTH = 16  # of nested filters: the engine compiles them recursively, and a stack overflow ends the process

MAX_VALUES = 1_000  # in one filter: 1,000 take the embedded engine up to 0.1 s, in which nothing else runs

MAX_WORD_CONDITIONS = 16  # `match` in one filter: below 10,000 passages, each reads every text

MAX_MATCH_CHARACTERS = 10_000  # of one `match`

# Fields of our own conditions. No metadata field may begin with "$".
ORDINAL = "$ordinal"

DIGEST = "$digest"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of the values (or is a list that contains one of them)."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field lies within bounds, which are all numbers or all ISO dates."""

    field: str
    bounds: tuple[tuple[str, float | str], ...]

    @property
    def over_dates(self) -> bool:
        """Return whether the bounds are ISO dates."""
        return isinstance(self.bounds[0][1], str)


@dataclass(frozen=True, slots=True)
class Words:
    """The field is a text that contains every word as a whole, in any order and case.

    A word is a run of letters and digits. In a list, one item must contain all the words.
    """

    field: str
    words: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """The field is a text with exactly this beginning (or a list that contains such a text)."""

    field: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold. A missing field satisfies this."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds; without conditions this is always true."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the conditions holds; there must be at least one."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = AnyOf | Range | Words | Prefix | Not | All | Either

FIRST_PASSAGES = AnyOf(ORDINAL, (0,))
"""Holds for exactly one passage of each complete document."""


def parse_filter(filter_: Mapping[str, Any], known: Mapping[str, FieldType]) -> Condition | None:
    """Return the condition that `filter_` describes; None if it is empty.

    Raises:
        InvalidFilter: A field is unknown (the message lists the known ones), a value does not fit its field, or the
            filter is too large.
    """
    if not filter_:
        return None
    _check_size(filter_)
    condition = _all(filter_, known, MAX_DEPTH)
    if (matches := _word_conditions(condition)) > MAX_WORD_CONDITIONS:
        raise InvalidFilter(
            f"The filter has {matches:,} conditions with 'match', more than the limit of {MAX_WORD_CONDITIONS}. "
            "Search for the words in the query, or make several calls."
        )
    return condition


def _check_size(filter_: Mapping[str, Any]) -> None:
    count, waiting = 0, [cast("Any", filter_)]
    while waiting:  # no recursion: its depth is not checked yet
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting += cast("Mapping[str, Any]", each).values()
        elif isinstance(each, list):
            waiting += cast("list[Any]", each)
        else:
            count += 1
    if count > MAX_VALUES:
        raise InvalidFilter(
            f"The filter has {count:,} values, more than the limit of {MAX_VALUES:,}. Use a range or a prefix, or make "
            "several calls."
        )


def _word_conditions(condition: Condition) -> int:
    match condition:
        case Words():
            return 1
        case Not():
            return _word_conditions(condition.condition)
        case All() | Either():
            return sum(map(_word_conditions, condition.conditions))
        case _:
            return 0


def _all(entries: Mapping[str, Any], known: Mapping[str, FieldType], depth: int) -> All:
    if not depth:
        raise InvalidFilter(f"A filter nests at most {MAX_DEPTH} deep. Simplify it.")
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
        if composed(name) in known:
            return _entry(composed(name), value, known, depth)
        raise InvalidFilter(_unknown_field(name, known))
    if isinstance(value, Mapping):
        return _object(name, cast("Mapping[str, Any]", value), known.get(name, "keyword"))
    return _any_of(name, value, known.get(name, "keyword"))


def _filter_in(name: str, value: Any, expected: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise InvalidFilter(f"{name!r} takes {expected} of fields, such as {{'lang': 'en'}}; got {value!r:.200}.")
    return cast("Mapping[str, Any]", value)


def _any_of(name: str, value: Any, kind: FieldType) -> AnyOf:
    values: Sequence[Any] = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    if name == TEXT:
        raise InvalidFilter(f"'text' can only be searched for words. Write {{'text': {{'match': {value!r:.200}}}}}.")
    if not values or not all(isinstance(item, str) or _is_number(item) for item in values):
        raise InvalidFilter(
            f"Filter on {name!r}: {value!r:.200} is not a text, number, true/false, a list of them, or an object such "
            "as {'gte': 2020}, {'match': 'words'} or {'prefix': 'docs/'}."
        )
    if quoted := next((item for item in values if _is_quoted(item, kind)), None):
        raise InvalidFilter(f"Filter on {name!r}: the field holds {kind} values; write {quoted} without quotes.")
    if kind == "date":  # as it is stored, and as versions before 0.4 stored it
        values = [spelling for item in values for spelling in dict.fromkeys((_stored(item), item))]
    # Texts are stored with composed characters, but paths, and what older versions stored, in any form.
    forms = (form for item in values for form in (unicode_forms(item) if isinstance(item, str) else (item,)))
    return AnyOf(name, tuple(forms))


def _stored(item: Scalar) -> Scalar:
    return in_utc(item) if isinstance(item, str) else item


def _is_quoted(item: Any, kind: FieldType) -> bool:
    """Return whether a text spells a number or boolean, which would never match a field of that type."""
    if not isinstance(item, str):
        return False
    if kind == "boolean":
        return item.lower() in ("true", "false")
    return kind in ("integer", "number") and item.strip().lstrip("+-").replace(".", "", 1).isdecimal()


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


def _object(name: str, conditions: Mapping[str, Any], kind: FieldType) -> Condition:
    """Return the condition that an object of bounds or text operators describes."""
    bounds = {key: bound for key, bound in conditions.items() if key in BOUNDS}
    others = {key: text for key, text in conditions.items() if key not in BOUNDS}
    if not conditions or not others.keys() <= _TEXTUAL.keys():
        raise InvalidFilter(
            f"Filter on {name!r}: use {_either(BOUNDS)} for a range, {_either(_TEXTUAL)} for text, a plain value for "
            f"equality, or a list for one of several; got {list(conditions)!s:.200}."
            f"{how_to_compare(name, conditions)}"
        )
    parts: list[Condition] = [_range(name, bounds, kind)] if bounds else []
    parts += [_textual(_TEXTUAL[key], name, _text(name, key, text, kind)) for key, text in others.items()]
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _textual(condition: Callable[[str, str], Condition], name: str, text: str) -> Condition:
    conditions = tuple(condition(name, form) for form in unicode_forms(text))
    return conditions[0] if len(conditions) == 1 else Either(conditions)


_TEXTUAL: Mapping[str, Callable[[str, str], Condition]] = {"match": Words, "prefix": Prefix}


def _text(name: str, key: str, text: Any, kind: FieldType) -> str:
    if not isinstance(text, str) or not text or (key == "match" and not any(letter.isalnum() for letter in text)):
        expected = "a text of words" if key == "match" else "a text"
        raise InvalidFilter(f"Filter on {name!r}: {key!r} takes {expected}; got {text!r:.200}.")
    if kind in ("integer", "number", "boolean"):
        raise InvalidFilter(f"Filter on {name!r}: the field holds {kind} values, but {key!r} is for texts.")
    if key == "match" and len(text) > MAX_MATCH_CHARACTERS:
        raise InvalidFilter(
            f"Filter on {name!r}: 'match' has {len(text):,} characters, more than the limit of "
            f"{MAX_MATCH_CHARACTERS:,}. Give the few words that matter."
        )
    return text


def _range(name: str, bounds: Mapping[str, Any], kind: FieldType) -> Range:
    values = list(bounds.values())
    numbers = all(_is_number(value) and not isinstance(value, bool) for value in values)
    if not numbers and not all(isinstance(value, str) and is_date(value) for value in values):
        raise InvalidFilter(
            f"Filter on {name!r}: bounds must be all numbers or all ISO dates such as '2024-05-01'; got {values}."
        )
    # The engine stores dates as microseconds, and would compare those with a number.
    if kind in (("date",) if numbers else ("integer", "number", "boolean")):
        raise InvalidFilter(
            f"Filter on {name!r}: the field holds {kind} values, but the bounds are "
            f"{'numbers' if numbers else 'dates'}.",
            hint=Hint.SHOW_FIELDS,
        )
    return Range(name, tuple(bounds.items()))


def _is_number(value: Any) -> bool:
    """Return whether a store can hold the number; NaN makes qdrant-edge panic."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _unknown_field(name: str, known: Mapping[str, FieldType]) -> str:
    fields = sorted({*known, *BUILT_IN_FIELDS})
    hint = how_to_combine(name) or nearest(name, fields)
    return f"Unknown filter field {name!r}.{hint} Known fields: {listed(fields)}."
