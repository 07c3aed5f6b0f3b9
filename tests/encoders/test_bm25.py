"""Identifiers are found by the words in them, and whole."""

import pytest

from resift.encoders.bm25 import Bm25Encoder, Bm25Options, Tokenizer, split_identifiers


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("getUserName()", "get User Name"),
        ("max_retry_count = 3", "max retry count"),
        ("class HTTPServerError:", "HTTP Server Error"),
        ("parse2Json", "parse 2 Json"),
        ("__init__ and plain words of prose", None),
        ("", None),
    ],
)
def test_identifiers_are_followed_by_their_parts(text: str, parts: str | None) -> None:
    assert split_identifiers(text) == (text if parts is None else f"{text}\n{parts}")


@pytest.mark.parametrize(("tokenizer", "found"), [("words", False), ("code", True)])
def test_words_find_an_identifier_only_where_it_is_taken_apart(tokenizer: Tokenizer, found: bool) -> None:
    source = "def getUserName(userRecord): return cache_lookup(userRecord)"
    bm25 = Bm25Encoder(Bm25Options(100, tokenizer=tokenizer))
    passage = set(bm25.document(source).indices)
    assert bool(passage & set(bm25.query("user name").indices)) is found
    assert passage & set(bm25.query("getUserName").indices)
