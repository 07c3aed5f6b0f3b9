"""Dates as texts: which texts are dates, and their form in UTC."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.dates import bound, in_utc, is_date, moment_of


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.sampled_from(["", "Z", "+01:00", "-0530", " +0200"]))
def test_every_iso_moment_is_a_date_and_keeps_its_moment_in_utc(moment: Any, zone: str) -> None:
    text = f"{moment.isoformat(' ')}{zone}"
    assert is_date(text)
    assert in_utc(text).endswith("Z")
    assert in_utc(in_utc(text)) == in_utc(text)
    assert moment_of(in_utc(text)) == moment_of(text)
    assert moment_of(text) == datetime.fromisoformat(f"{moment.isoformat()}{zone.strip() or 'Z'}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01T10:30", "2024-05-01T10:30:00Z"),
        ("2024-05-01T10:30Z", "2024-05-01T10:30:00Z"),
        ("2024-05-01 10:30:00", "2024-05-01T10:30:00Z"),
        ("2024-05-01T00:30:00+02:00", "2024-04-30T22:30:00Z"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-15T02:59:43.100000Z"),
        ("2015-01-01 12:00:00 -0600", "2015-01-01T18:00:00Z"),
        ("2024-05-01T10:30:00.123456789Z", "2024-05-01T10:30:00.123456Z"),
        ("soon", "soon"),
    ],
)
def test_time_is_written_in_utc(text: str, expected: str) -> None:
    assert in_utc(text) == expected


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "24-05-01", "2024-05-01T25:00", "2024", "2024-05-01T10", "0001-01-01T00:00+14:00", "x 2024-05-01"],
)
def test_what_is_no_moment_is_no_date(text: str) -> None:
    assert not is_date(text)
    with pytest.raises(ValueError, match="is not a date"):
        moment_of(text)


def test_bound_without_a_time_is_the_whole_day() -> None:
    day = "2024-05-01"
    assert [bound(key, day) for key in ("gte", "lt")] == ["2024-05-01T00:00:00Z"] * 2
    assert [bound(key, day) for key in ("gt", "lte")] == ["2024-05-01T23:59:59.999999Z"] * 2
    assert bound("lte", "2024-05-01T10:00") == "2024-05-01T10:00:00Z"
    assert moment_of(day) == datetime(2024, 5, 1, tzinfo=UTC)
