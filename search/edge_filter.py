"""Conditions compiled for qdrant-edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..core.values import Metadata
from .fields import BUILT_IN_FIELDS
from .filters import DIGEST, ORDINAL, AnyOf, Condition, Not, Range, Scalar

if TYPE_CHECKING:
    from qdrant_edge import FieldCondition, Filter

FLAGS = "flags"
"""Payload key under which booleans stand again as text: qdrant-edge 0.9 matches no boolean."""

EXACT_FLOAT = 2**53  # whole numbers above it, such as ids of 64 bits, share their float with neighbours


def path_of(field: str) -> str:
    """Return the payload path of a metadata or built-in field."""
    if field in (ORDINAL, DIGEST):
        return field.removeprefix("$")
    return field if field in BUILT_IN_FIELDS else f'metadata."{field}"'


def flag_path_of(field: str) -> str:
    """Return the payload path of a boolean metadata field's text twin."""
    return f'{FLAGS}."{field}"'


def flags_of(metadata: Metadata) -> dict[str, list[str]]:
    """Return the text twins of the booleans in a document's metadata, alone or in lists."""
    flags: dict[str, list[str]] = {}
    for name, value in metadata.items():
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        if found := [_flag(item) for item in items if isinstance(item, bool)]:
            flags[name] = found
    return flags


def compile_condition(condition: Condition) -> Filter:
    """Return the condition as qdrant-edge takes it."""
    from qdrant_edge import Filter

    match condition:
        case AnyOf():
            return Filter(should=[_equals(condition.field, value) for value in condition.values])
        case Range():
            return Filter(must=[_range(condition)])
        case Not():
            return Filter(must_not=[compile_condition(condition.condition)])
        case _:
            return Filter(must=[compile_condition(each) for each in condition.conditions])


def _equals(field: str, value: Scalar) -> FieldCondition:
    from qdrant_edge import FieldCondition, MatchValue, RangeFloat

    if isinstance(value, bool):
        return FieldCondition(flag_path_of(field), match=MatchValue(_flag(value)))
    if isinstance(value, str):
        return FieldCondition(path_of(field), match=MatchValue(value))
    if isinstance(value, int) and EXACT_FLOAT < abs(value) < 2**63:
        return FieldCondition(path_of(field), match=MatchValue(value))
    # 2020 and 2020.0 are one number; MatchValue knows integers only, so both go through a range.
    return FieldCondition(path_of(field), range=RangeFloat(gte=float(value), lte=float(value)))


def _range(condition: Range) -> FieldCondition:
    from qdrant_edge import FieldCondition, RangeDateTime, RangeFloat

    if condition.over_dates:
        dates = {key: str(value).replace(" ", "T") for key, value in condition.bounds}
        return FieldCondition(path_of(condition.field), range=RangeDateTime(**dates))
    numbers = {key: float(value) for key, value in condition.bounds}
    return FieldCondition(path_of(condition.field), range=RangeFloat(**numbers))


def _flag(value: bool) -> str:
    return "true" if value else "false"
