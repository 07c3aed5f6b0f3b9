"""Conditions as a Qdrant server takes them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .conditions import Dialect, compile_with
from .filters import Condition

if TYPE_CHECKING:
    from qdrant_client.models import Filter


def compile_condition(condition: Condition) -> Filter:
    """Return the condition as a filter of qdrant-client."""
    return compile_with(dialect(), condition)


@cache
def dialect() -> Dialect:
    """Return the classes that a filter of qdrant-client is built from."""
    from qdrant_client.models import DatetimeRange, FieldCondition, Filter, MatchPrefix, MatchText, MatchValue, Range

    return Dialect(Filter, FieldCondition, MatchValue, MatchText, MatchPrefix, Range, DatetimeRange)
