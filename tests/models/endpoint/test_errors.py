"""Endpoints' error messages as they are shown, and the waits that they ask for."""

from datetime import UTC, datetime

import pytest

from resift.core.masking import SECRETS
from resift.models.endpoint.errors import MAX_MESSAGE_CHARACTERS, excerpt, parse_retry_after

KEY = "sk-never-to-be-seen"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"bad key {KEY}", "bad key ***."),
        ("no such\n  model\t!", "no such model !"),
        ("\x1b[2Jcleared", "[2Jcleared."),
        ("", "no reason given."),
        ("x" * 1000, "x" * MAX_MESSAGE_CHARACTERS + "."),
    ],
)
def test_words_of_an_endpoint_are_one_short_sentence_without_the_key(text: str, shown: str) -> None:
    SECRETS.add(KEY)
    assert excerpt(text) == shown


def test_key_is_masked_where_the_text_is_cut() -> None:
    SECRETS.add(KEY)
    assert "sk-" not in excerpt(f"{'x' * (MAX_MESSAGE_CHARACTERS - 5)}{KEY}")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("Sat, 21 Nov 2026 12:01:00 GMT", 60.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:01:00 -0000", 0.0),
    ],
)
def test_time_to_wait_is_a_number_or_a_date(retry_after: str, seconds: float) -> None:
    assert parse_retry_after(retry_after, NOW) == seconds
