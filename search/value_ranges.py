"""The range of a numeric or date field, found with the reads that every store has."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..core.dates import is_date, moment_of, written
from ..store.collection import Collection
from ..store.fields import FieldType
from ..store.filters import Range

MAX_ROUNDS = 20  # of reading values beyond the ones known; where values are in no order, three are enough for millions

RANGED: tuple[FieldType, ...] = ("integer", "number", "date")
"""The types of fields that have a range."""

Value: TypeAlias = int | float | str

Extreme: TypeAlias = Callable[[Sequence[Value]], Value]


async def range_of(collection: Collection, field: str) -> tuple[Value, Value] | None:
    """Return the lowest and the highest value of a field that holds numbers or dates; None if there is no value."""
    first = _comparable(await collection.sample(field))
    if not first:
        return None
    lowest = await _extreme(collection, field, first, pick=_lowest, beyond="lt")
    return lowest, await _extreme(collection, field, first, pick=_highest, beyond="gt")


async def _extreme(collection: Collection, field: str, values: Sequence[Value], *, pick: Extreme, beyond: str) -> Value:
    """Return the extreme of a field: look for values beyond the known extreme until there are none.

    Each round reads a page of them in the order of their ids, which says nothing about the values, so that the number
    of values beyond falls a thousandfold per round.
    """
    best = pick(values)
    for _ in range(MAX_ROUNDS):
        found = _comparable(await collection.sample(field, Range(field, ((beyond, _exact(best)),))))
        following = pick([best, *found])
        if following == best:
            break
        best = following
    return best


def _lowest(values: Sequence[Value]) -> Value:
    return min(values, key=_order)


def _highest(values: Sequence[Value]) -> Value:
    return max(values, key=_order)


def _exact(value: Value) -> Value:
    """Return a value as a bound that is one moment: a date alone would be the whole day."""
    return written(moment_of(value)) if isinstance(value, str) else value


def _order(value: Value) -> float:
    if not isinstance(value, str):
        return float(value)
    return moment_of(value).timestamp()


def _comparable(values: Sequence[Any]) -> list[Value]:
    """Return the values that are dates if there are any, else the numbers."""
    dates = [value for value in values if isinstance(value, str) and is_date(value)]
    return [*dates] or [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
