"""From bytes to text: byte order marks, declared encodings, guesses, and what is refused."""
# ruff: noqa: RUF001  texts of many languages

import codecs
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import UnreadableFile
from resift.core.text import composed
from resift.ingest.parsing import parse_file
from resift.ingest.text.decoding import Decoded, decode, looks_like_text, normalise

JAPANESE = "これは日本語の文章です。東京は日本の首都です。\n"


def test_lone_surrogate_is_replaced_and_a_pair_joined() -> None:
    assert normalise("a\ud800b\ud83d\ude00\0") == "a\ufffdb😀\ufffd"


@given(st.text(st.characters(categories=("L", "N", "P", "Z"))))
def test_text_comes_back_composed_from_every_encoding_with_one_kind_of_line_end(text: str) -> None:
    written = f"Text:\r\n{text}"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert decode(written.encode(encoding), "a.txt") == Decoded(composed(f"Text:\n{text}"))


@pytest.mark.parametrize(
    ("encoding", "label", "text"),
    [
        ("cp1252", "windows-1252", "café"),
        ("cp1252", "windows-1252", "Größe: 5 m²; Temperatur 20°C"),
        ("cp1252", "windows-1252", "El niño pequeño comió piñas en España."),
        ("cp1252", "windows-1252", "Hyvää päivää, mitä kuuluu?"),
        ("cp1252", "windows-1252", "Sofia said “hello” – it’s fine…"),
        ("cp1250", "windows-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy na louce."),
        ("cp1251", "windows-1251", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
        ("koi8_r", "KOI8-R", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
        ("cp1253", "windows-1253", "Η γρήγορη καφέ αλεπού πηδά πάνω από το τεμπέλικο σκυλί."),
        ("cp1256", "windows-1256", "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر"),
        ("shift_jis", "Shift_JIS", JAPANESE),
        ("euc_jp", "EUC-JP", JAPANESE),
        ("gb18030", "GB18030", "这是一个中文句子，用于测试编码检测。我们住在北京。"),
        ("big5", "Big5", "這是一個中文句子，用於測試編碼檢測。我們住在台北。"),
        ("euc_kr", "EUC-KR", "이것은 한국어 문장입니다. 인코딩을 확인합니다."),
        ("utf-16-le", "UTF-16LE", "Plain text without a mark.\n"),
        ("utf-16-be", "UTF-16BE", JAPANESE),
    ],
)
def test_encoding_is_guessed_and_said(encoding: str, label: str, text: str) -> None:
    decoded = decode(text.encode(encoding), "a.txt")
    assert decoded == Decoded(text, f"a.txt was read as {label}, which is a guess.")


@pytest.mark.parametrize(
    "text",
    [
        '<meta charset="iso-8859-2"><p>Příliš žluťoučký kůň',
        "<meta http-equiv=content-type content='text/html; charset=iso-8859-2'>Příliš žluťoučký",
        '<?xml version="1.0" encoding="ISO-8859-2"?>\n<a>Příliš žluťoučký</a>',
        "#!/usr/bin/python\n# -*- coding: latin2 -*-\nx = 'Příliš žluťoučký'",
        '@charset "iso-8859-2";\n/* Příliš žluťoučký */',
    ],
)
def test_declared_encoding_is_used_and_no_guess(text: str) -> None:
    assert decode(text.encode("iso-8859-2"), "a") == Decoded(text)


def test_encoding_of_seven_bits_is_recognised() -> None:
    assert decode(JAPANESE.encode("iso2022_jp"), "a.txt") == Decoded(JAPANESE)


def test_declaration_that_is_wrong_does_not_spoil_utf8() -> None:
    for label in ("iso-8859-1", "utf-16", "rot13", "no-such-encoding"):
        text = f'<meta charset="{label}">é'
        assert decode(text.encode(), "a.html") == Decoded(text)


def test_caller_may_declare_the_encoding() -> None:
    assert decode("ąę".encode("iso-8859-2"), "a", declared="ISO-8859-2") == Decoded("ąę")
    assert decode("“x”".encode("cp1252"), "a", declared="latin-1") == Decoded("“x”")


def test_text_in_utf8_with_a_broken_byte_stays_utf8_and_says_so() -> None:
    data = ("Größe und Übung. " * 10).encode() + b"\xff"
    decoded = decode(data, "a.log")
    assert decoded.text.startswith("Größe")
    assert (decoded.text[-1], decoded.note) == ("\ufffd", "a.log has 1 byte that is not valid UTF-8, shown as \ufffd.")


@pytest.mark.parametrize(
    "data",
    [
        b"ab\0c",
        b"A text with a NUL \0 in the middle of it.",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        codecs.BOM_UTF16_LE + b"\x01\x02\x03\x04",
        codecs.BOM_UTF16_LE + b"\x01",
        codecs.BOM_UTF16_BE + b"\x00\x01\x00\x02",
        b"\xe9\x01\x02",
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
    ],
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        decode(data, "a.bin")
    assert not looks_like_text(data)


def test_random_bytes_are_refused() -> None:
    for _ in range(20):
        with pytest.raises(UnreadableFile):
            decode(os.urandom(2000), "a.bin")


def test_unknown_files_in_folders_are_text_only_in_utf8_or_with_a_mark() -> None:
    assert looks_like_text("é\n".encode())
    assert looks_like_text("né".encode()[:-1])  # cut in the middle of a character
    assert looks_like_text("Ein Text.".encode("utf-16"))
    assert not looks_like_text("Größe".encode("cp1252"))
    assert not looks_like_text("Ein Text.".encode("utf-16-le"))


def test_guess_is_a_note_of_the_document() -> None:
    [part] = parse_file("a.txt", "Größe".encode("cp1252"))
    assert (part.text, part.parsed and part.parsed.notes) == (
        "Größe",
        ("a.txt was read as windows-1252, which is a guess.",),
    )
    parts = parse_file("a.jsonl", '{"text": "Größe"}\n{"text": "Maß"}\n'.encode("cp1252"))
    assert [len(part.parsed.notes) for part in parts if part.parsed] == [1, 0]


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        assert isinstance(decode(data, "a").text, str)
    except UnreadableFile:
        assert not data.isascii() or b"\0" in data
    looks_like_text(data)
