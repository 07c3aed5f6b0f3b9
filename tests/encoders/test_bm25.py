"""Identifiers are found by the words in them, and whole; texts without blanks by pairs of characters."""

import pytest

from resift.encoders.bm25 import Bm25Encoder, Bm25Options, Tokenizer, has_unspaced, split_identifiers, split_unspaced


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


SPLITS = Bm25Encoder(Bm25Options(100, splits_unspaced=True))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("如何重置路由器。按住按钮十秒钟。", "路由器"),
        ("数据库连接池的大小默认为十。", "连接池有多大"),
        ("猫每天睡十六个小时。", "猫"),
        ("サーバーを再起動するには、ボタンを押します。", "サーバー再起動"),
        ("ฐานข้อมูลเชื่อมต่อผ่านพอร์ต 5432", "ฐานข้อมูล"),
        ("ភាសាខ្មែរ", "ខ្មែរ"),
        ("Redis的连接池 has 10 connections", "连接池"),
    ],
)
def test_texts_without_blanks_are_found_by_parts_of_their_sentences(text: str, query: str) -> None:
    assert {*SPLITS.document(text).indices} & {*SPLITS.query(query).indices}
    assert not {*SPLITS.document(text).indices} & {*SPLITS.query("发票 請求 ใบแจ้งหนี้ invoice").indices}
    assert has_unspaced(text)


def test_collections_of_older_versions_have_a_word_for_each_sentence() -> None:
    whole = Bm25Encoder(Bm25Options(100))
    assert len(whole.document("数据库连接池的大小。默认为十。").indices) == 2
    assert not {*whole.document("数据库连接池").indices} & {*whole.query("连接池").indices}


def test_order_of_characters_counts_in_a_query_of_several() -> None:
    assert not {*SPLITS.document("中国人").indices} & {*SPLITS.query("国中").indices}
    assert len(SPLITS.query("数据库").indices) == 2, "a query has no single characters, which nearly every passage has"


@pytest.mark.parametrize(
    "text", ["getUserName() in 2 places", "Crêpes für Zoë", "как сбросить роутер", "데이터 베이스", ""]
)
def test_texts_with_blanks_are_indexed_as_they_were(text: str) -> None:
    assert split_unspaced(text, alone=True) == text
    assert SPLITS.document(text) == Bm25Encoder(Bm25Options(100)).document(text)
    assert not has_unspaced(text)
