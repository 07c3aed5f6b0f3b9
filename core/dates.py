"""Dates and times as texts: which texts are dates, and their one form in UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

_LAST_MOMENT = "T23:59:59.999999Z"  # of a day: engines compare microseconds

MAX_LEVELS = 40  # of lists and mappings that are searched for dates: more than a filter may have

# Also as YAML writes them: a space before the zone, a small "t".
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(?: ?(?P<zone>[Zz]|[+-]\d{2}:?\d{2}))?)?"
)


def is_date(text: str) -> bool:
    """Return whether a text is an existing date, or date and time, in ISO 8601 format."""
    return _read(text) is not None


def is_day(text: str) -> bool:
    """Return whether a text is an existing date without a time."""
    return len(text) == len("2024-05-01") and is_date(text)


def in_utc(text: str) -> str:
    """Return a date as it is, and a date with a time as RFC 3339 in UTC; a time without a zone is in UTC already.

    A fraction of a second keeps six digits. Any other text is returned unchanged.
    """
    moment = None if is_day(text) else _read(text)
    return text if moment is None else written(moment)


def written(moment: datetime) -> str:
    """Return a moment, which has a time zone, as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_texts(value: Any, levels: int = MAX_LEVELS) -> Any:
    """Return JSON that Python made with the dates and times in it as ISO texts. Other values stay as they are."""
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if not levels:
        return value
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {name: as_texts(each, levels - 1) for name, each in entries.items()}
    return [as_texts(each, levels - 1) for each in cast("list[Any]", value)] if isinstance(value, list) else value


def moment_of(text: str) -> datetime:
    """Return the moment of a date, which begins at midnight in UTC.

    Raises:
        ValueError: The text is not a date.
    """
    if (moment := _read(text)) is None:
        raise ValueError(f"{text!r} is not a date")
    return moment


def bound(key: str, text: str) -> str:
    """Return the moment that a bound (gte, gt, lte or lt) of a range means: a date without a time is the whole day."""
    if not is_day(text):
        return in_utc(text)
    return f"{text}{_LAST_MOMENT}" if key in ("gt", "lte") else f"{text}T00:00:00Z"


def _read(text: str) -> datetime | None:
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        return None
    time, zone = parts["time"] or "00:00", (parts["zone"] or "Z").upper()
    try:
        moment = datetime.fromisoformat(f"{parts['day']}T{time}{zone}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the 30th of February; before the year 1 in UTC
        return None
