import codecs
import os
from pathlib import Path

import pytest

from resift.core.errors import NotFound, UnreadableFile
from resift.core.values import Document
from resift.ingest.files.roots import Roots
from resift.ingest.parsers.registry import BUILT_IN, installed_parsers
from resift.ingest.parsing import failing_alone
from resift.ingest.reader import read_document


def read(folder: Path, name: str, data: str | bytes, max_bytes: int = 1000) -> Document:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return read_document(folder / name, roots=Roots.of([folder]), max_bytes=max_bytes)


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.md", "intro\n\n## Two\n\n# The *whole* `story`\n", "The whole story"),
        ("a.md", "---\ntitle: From above\n---\n# Below\n", "From above"),
        ("a.md", "```\n# no heading\n```\n", "a.md"),
        ("a.html", "<title> A &amp;\n B </title><h1>C</h1>", "A & B"),
        ("a.html", "<header><p>x</p></header><article><header><h1>C</h1></header></article>", "C"),
        ("a.html", "<p>x", "a.html"),
        ("edge.py", '"""The embedded store.\n\nMore."""\n', "edge.py: The embedded store."),
        ("edge.py", "def broken(:\n", "edge.py"),
        ("a.txt", "First line\n", "a.txt"),
    ],
)
def test_title_comes_from_the_text_or_else_the_file_name(tmp_path: Path, name: str, text: str, title: str) -> None:
    assert read(tmp_path, name, text).title == title


def test_source_and_id_are_the_path(tmp_path: Path) -> None:
    document = read(tmp_path, "a.txt", "x")
    assert document.id == document.source == (tmp_path / "a.txt").as_posix()


def test_front_matter_becomes_metadata(tmp_path: Path) -> None:
    text = (
        "---\ndate: 2024-05-01\nversion: \"1.10\"\ntags: [a, 'b']\nkinds:\n  - x\n  - y\nmore:\n  deep: 1\n---\ntext\n"
    )
    assert read(tmp_path, "a.md", text).metadata == {
        "date": "2024-05-01",
        "version": "1.10",
        "tags": ["a", "b"],
        "kinds": ["x", "y"],
    }


def test_rule_at_the_top_of_prose_is_not_front_matter(tmp_path: Path) -> None:
    assert read(tmp_path, "a.md", "---\nJust prose here.\n---\n").metadata == {}


def test_language_is_metadata_of_source_code_only(tmp_path: Path) -> None:
    assert read(tmp_path, "a.rs", "fn main() {}").metadata == {"language": "rust"}
    assert read(tmp_path, "a.txt", "x").metadata == {}


@pytest.mark.parametrize("data", [b"", b" \n\t\n"])
def test_empty_file_is_unreadable(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="has no text"):
        read(tmp_path, "a.txt", data)


def test_binary_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="binary: byte 2 is NUL"):
        read(tmp_path, "a.txt", b"ab\0c")


def test_bytes_that_are_no_text_name_the_first_one(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="not valid UTF-8: byte 3 cannot be decoded, and no other encoding fits"):
        read(tmp_path, "a.txt", b"caf\xe9\x01\x02")


def test_too_large_names_size_limit_and_setting(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"2,000 bytes; the limit is 1,000.*RESIFT_INGEST__MAX_BYTES"):
        read(tmp_path, "a.txt", "x" * 2000)


def test_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="not a regular file"):
        read_document(tmp_path, roots=Roots.of([tmp_path]), max_bytes=10)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.txt").chmod(0)
    with pytest.raises(UnreadableFile, match="permissions"):
        read_document(tmp_path / "a.txt", roots=Roots.of([tmp_path]), max_bytes=10)


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "é\r\nb\rc".encode(),
        codecs.BOM_UTF16_LE + "é\r\nb\rc".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "é\r\nb\rc".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "é\r\nb\rc".encode("utf-32-le"),
    ],
)
def test_byte_order_mark_decides_and_newlines_are_one_kind(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, "a.txt", data).text == "é\nb\nc"


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("a.MD", "", "markdown"),
        ("https://example.org/x.html?y=1#z", "", "html"),
        ("/a#b/c.py", "", "code"),
        ("", "<!DOCTYPE html><p>x", "html"),
        ("", "# Title\n\ntext", "markdown"),
        ("", "see [here](http://x)", "markdown"),
        ("", "plain\n- list", "text"),
    ],
)
def test_parser_is_chosen_by_suffix_or_else_by_the_look_of_the_text(source: str, text: str, expected: str) -> None:
    assert installed_parsers().for_text(source, text) is BUILT_IN[expected]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError("bad digits"), "ValueError: bad digits"),
        (OverflowError("too large"), "OverflowError: too large"),
        (RecursionError("maximum depth"), "its parts are nested too deeply"),
        (MemoryError(), "it needs more memory than is free"),
    ],
)
def test_whatever_a_document_raises_is_an_error_that_names_it(error: Exception, cause: str) -> None:
    with (
        pytest.raises(UnreadableFile, match=f"^a.html cannot be turned into passages: {cause}. "),
        failing_alone("a.html"),
    ):
        raise error


def test_expected_error_keeps_its_words() -> None:
    with pytest.raises(NotFound, match=r"^as it is$"), failing_alone("a.html"):
        raise NotFound("as it is")
