"""Texts from outside can always be written as UTF-8."""

import pytest

from resift.core.text import encodable


@pytest.mark.parametrize(
    ("text", "expected"), [("a\ud83db", "a?b"), ("pl\u00e4in \U0001f600", "pl\u00e4in \U0001f600"), ("", "")]
)
def test_half_a_surrogate_pair_becomes_a_question_mark_in_its_place(text: str, expected: str) -> None:
    assert encodable(text) == expected
    assert encodable(text).encode("utf-8").decode("utf-8") == expected
