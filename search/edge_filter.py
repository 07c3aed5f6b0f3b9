"""Conditions as qdrant-edge takes them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .conditions import Dialect, compile_with
from .filters import Condition

if TYPE_CHECKING:
    from qdrant_edge import Filter


def compile_condition(condition: Condition) -> Filter:
    """Return the condition as a filter of qdrant-edge."""
    return compile_with(_dialect(), condition)


@cache
def _dialect() -> Dialect:
    from qdrant_edge import FieldCondition, Filter, MatchPrefix, MatchText, MatchValue, RangeDateTime, RangeFloat

    return Dialect(Filter, FieldCondition, MatchValue, MatchText, MatchPrefix, RangeFloat, RangeDateTime)
