"""Compile conditions into filters of either engine, whose filter classes differ only slightly in their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, nextafter
from typing import Any, cast

from ..core.dates import bound
from ..core.values import Metadata
from .fields import BUILT_IN_FIELDS, TEXT, FieldType
from .filters import DIGEST, ORDINAL, All, AnyOf, Condition, Either, Not, Prefix, Range, Scalar, Words

FLAGS = "flags"
"""The payload key of a copy of the booleans as texts, because qdrant-edge 0.9 cannot match booleans."""

INDEXED_FOR_WORDS = ("title", TEXT)  # other texts are short and indexed for equality and prefixes

PASSAGES_WORTH_AN_INDEX = 10_000  # below, scanning the texts of all passages takes less than 90 ms

EXACT_FLOAT = 2**53  # larger integers, such as 64-bit ids, are not all distinct as floats


@dataclass(frozen=True, slots=True)
class Dialect:
    """The classes of one engine from which filters are built, each called with keyword arguments."""

    filter: Callable[..., Any]
    field: Callable[..., Any]
    value: Callable[..., Any]
    words: Callable[..., Any]
    prefix: Callable[..., Any]
    numbers: Callable[..., Any]
    dates: Callable[..., Any]


def path_of(field: str) -> str:
    """Return the payload path of a metadata or built-in field."""
    if field in (ORDINAL, DIGEST):
        return field.removeprefix("$")
    return field if field in BUILT_IN_FIELDS else f'metadata."{field}"'


def flag_path_of(field: str) -> str:
    """Return the payload path of the text copy of a boolean metadata field."""
    return f'{FLAGS}."{field}"'


def index_path(field: str, kind: FieldType) -> str:
    """Return the payload path by which a metadata field of this type is indexed and counted."""
    return flag_path_of(field) if kind == "boolean" else path_of(field)


def flags_of(metadata: Metadata) -> dict[str, list[str]]:
    """Return a document's booleans, alone or in lists, as texts."""
    flags: dict[str, list[str]] = {}
    for name, value in metadata.items():
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        if found := [_flag(item) for item in items if isinstance(item, bool)]:
            flags[name] = found
    return flags


def compile_with(dialect: Dialect, condition: Condition) -> Any:
    """Return the condition as a filter of the dialect's engine."""
    match condition:
        case AnyOf():
            return dialect.filter(should=[_equals(dialect, condition.field, value) for value in condition.values])
        case Range():
            return dialect.filter(must=[_range(dialect, condition)])
        case Words() | Prefix():
            return dialect.filter(must=[_text(dialect, condition)])
        case Not():
            return dialect.filter(must_not=[compile_with(dialect, condition.condition)])
        case Either():
            return dialect.filter(should=[compile_with(dialect, each) for each in condition.conditions])
        case All():
            return dialect.filter(must=[compile_with(dialect, each) for each in condition.conditions])


def words_queried(condition: Condition) -> set[str]:
    """Return the fields that the condition searches for words, at any depth."""
    match condition:
        case Words():
            return {condition.field}
        case Not():
            return words_queried(condition.condition)
        case All() | Either():
            return {field for each in condition.conditions for field in words_queried(each)}
        case _:
            return set()


def fields_in(condition: Condition) -> set[str]:
    """Return the fields that the condition uses, at any depth."""
    match condition:
        case Not():
            return fields_in(condition.condition)
        case All() | Either():
            return {field for each in condition.conditions for field in fields_in(each)}
        case _:
            return {condition.field}


def _text(dialect: Dialect, condition: Words | Prefix) -> Any:
    if isinstance(condition, Words):
        match = dialect.words(text=condition.words)
    else:
        match = dialect.prefix(prefix=condition.prefix)
    return dialect.field(key=path_of(condition.field), match=match)


def _equals(dialect: Dialect, field: str, value: Scalar) -> Any:
    if isinstance(value, bool):
        return dialect.field(key=flag_path_of(field), match=dialect.value(value=_flag(value)))
    if isinstance(value, str):
        return dialect.field(key=path_of(field), match=dialect.value(value=value))
    if isinstance(value, int) and EXACT_FLOAT < abs(value) < 2**63:
        return dialect.field(key=path_of(field), match=dialect.value(value=value))
    # 2020 and 2020.0 must be equal, but a match accepts only integers, so both are compared as a range.
    return dialect.field(key=path_of(field), range=_numbers(dialect, {"gte": float(value), "lte": float(value)}))


def _range(dialect: Dialect, condition: Range) -> Any:
    if condition.over_dates:
        dates = {key: bound(key, str(value)) for key, value in condition.bounds}
        return dialect.field(key=path_of(condition.field), range=dialect.dates(**dates))
    numbers = {key: float(value) for key, value in condition.bounds}
    return dialect.field(key=path_of(condition.field), range=_numbers(dialect, numbers))


def _numbers(dialect: Dialect, bounds: Mapping[str, float]) -> Any:
    """Return a range of numbers. Bounds beyond 64 bits are written so that the engine may round them to 64 bits.

    For a field of integers it takes the nearest integer there is, which must neither meet "at least" nor fail "below".
    """
    rounded: dict[str, float] = {}
    for key, given in bounds.items():
        name, number = key, given
        if given > 2**63 and key in _ABOVE:
            name, number = _ABOVE[key], nextafter(given, -inf)
        elif given < -(2**63) and key in _BELOW:
            name, number = _BELOW[key], nextafter(given, inf)
        tighter = max if name.startswith("g") else min
        rounded[name] = tighter(number, rounded.get(name, number))
    return dialect.numbers(**rounded)


_ABOVE = {"gte": "gt", "lt": "lte"}
_BELOW = {"lte": "lt", "gt": "gte"}


def _flag(value: bool) -> str:
    return "true" if value else "false"
