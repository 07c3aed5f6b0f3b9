import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.ingest.text.tags import Kind, tokens_of

PIECES = st.lists(st.sampled_from([*"<>/!?-= \n\"'a", "<p>", "<!--", "-->", "<script>", "</script>", '<b x="']))


def read(markup: str) -> list[tuple[Kind, str, int]]:
    return [(token.kind, token.value, token.line) for token in tokens_of(markup)]


def test_tags_are_lower_case_and_stand_on_their_lines() -> None:
    assert read("a\n<P\nclass='x>y' id=z\n>b</p >") == [
        (Kind.TEXT, "a\n", 1),
        (Kind.START, "p", 2),
        (Kind.TEXT, "b", 4),
        (Kind.END, "p", 4),
    ]


@pytest.mark.parametrize(
    "markup",
    ["<!-- a > b -->", "<!-->", "<!--->", "<!-- a --!>", "<!doctype html>", "<?php a ?>", "<![CDATA[a>", "</>"],
)
def test_comments_and_declarations_are_left_out(markup: str) -> None:
    assert read(f"x{markup}y") == [(Kind.TEXT, "x", 1), (Kind.TEXT, "y", 1)]


def test_scripts_and_styles_hold_no_tags() -> None:
    assert read("<script>if (a<b) '</scriptx>'</SCRIPT ><style>p>a{}</style>") == [
        (Kind.START, "script", 1),
        (Kind.END, "script", 1),
        (Kind.START, "style", 1),
        (Kind.END, "style", 1),
    ]


def test_self_closing_tag_is_closed() -> None:
    assert read("<script/>a<br />") == [
        (Kind.START, "script", 1),
        (Kind.END, "script", 1),
        (Kind.TEXT, "a", 1),
        (Kind.START, "br", 1),
        (Kind.END, "br", 1),
    ]


@pytest.mark.parametrize("markup", ["a <b and", "a < b > c", "1 <2", "<", "a <!-- b", "a </b", 'a <b x="c>'[:-1]])
def test_markup_that_never_ends_is_text(markup: str) -> None:
    assert "".join(token.value for token in tokens_of(markup)) == markup


def test_quote_without_its_partner_is_a_character() -> None:
    assert read('<b x="y>a<i>b') == [
        (Kind.START, "b", 1),
        (Kind.TEXT, "a", 1),
        (Kind.START, "i", 1),
        (Kind.TEXT, "b", 1),
    ]


@given(PIECES)
def test_any_markup_is_read_to_its_end(pieces: list[str]) -> None:
    markup = "".join(pieces)
    tokens = list(tokens_of(markup))
    assert [token.line for token in tokens] == sorted(token.line for token in tokens)
    assert all(token.value for token in tokens)
