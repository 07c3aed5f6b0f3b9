"""Zip archives: what is taken from them, what is left out, and bombs."""

import re
import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import BlankFile, ResiftError, UnreadableFile
from resift.ingest.packed.zip_members import MAX_MEMBERS
from resift.ingest.parsers.archive import ZipContainer
from resift.ingest.parsers.protocols import Content, InnerDocument
from resift.ingest.parsers.registry import has_parser
from resift.ingest.parsing import Part, parse_file


def packed(*files: tuple[str | zipfile.ZipInfo, bytes | str]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def split(data: bytes) -> list[InnerDocument]:
    return list(ZipContainer(has_parser=has_parser).split(Content("a.zip", data=data)))


def parts_of(data: bytes) -> dict[str, Part]:
    return {part.name: part for part in parse_file("papers/a.zip", data)}


def test_files_are_documents_of_their_own_read_by_their_formats() -> None:
    inner = packed(("deep.txt", "Deep text."))
    parts = parts_of(packed(("docs/a.md", "# Pumps\n\nText."), ("b.csv", "Part,Price\nSeal,2\n"), ("more.zip", inner)))
    assert {name: part.format for name, part in parts.items()} == {
        "docs/a.md": "markdown",
        "b.csv": "tables",
        "more.zip/deep.txt": "text",
    }
    assert all(part.parsed and not part.problem for part in parts.values())


def test_what_a_folder_would_leave_out_is_left_out_and_counted() -> None:
    names = (
        ".git/config",
        "a/.hidden.md",
        "node_modules/x.js",
        "node_modules/deep/y.js",
        "node_modules/.env",
        ".env.local",
        "id_rsa",
        "a.mp3",
        "lib.min.js",
        "__MACOSX/a.md",
    )
    files = [(name, "x = 1") for name in names]
    [document] = split(
        packed(*files, ("empty.md", ""), ("data.unknown", b"\0\1"), ("Makefile", "all:"), ("folder/", ""))
    )
    assert (document.name, document.data) == ("Makefile", b"all:")
    assert document.note == (
        "Of the files in it, these were left out: 2 generated folders, 2 secret files, 1 binary file, 1 empty file, "
        "1 folder of version control, 1 hidden file, 1 minified file, 1 .mp3 file."
    )
    [part] = parts_of(packed(*files, ("a.md", "Text."))).values()
    assert part.parsed
    assert re.match(r"\S+\.zip: Of the files in it", part.parsed.notes[0])


def test_questions_of_an_evaluation_are_left_out_as_in_a_folder() -> None:
    question = '{"query": "how are pumps sealed", "relevant": ["a.md"]}\n'
    [document] = split(packed(("questions.jsonl", question * 2), ("records.jsonl", '{"text": "A pump."}\n')))
    assert document.name == "records.jsonl"
    assert document.note == "Of the files in it, these were left out: 1 question file."
    with pytest.raises(BlankFile, match="question file"):
        split(packed(("questions.jsonl", question)))


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def test_names_that_lead_out_and_links_are_problems_of_their_own() -> None:
    data = packed(
        ("/etc/a.md", "x"), ("../b.md", "x"), ("C:\\c.md", "x"), (link("d.md"), "/etc/passwd"), ("e.md", "Text.")
    )
    found = {document.name: document for document in split(data)}
    assert {name for name, each in found.items() if "leads out" in each.problem} == {"etc/a.md", "../b.md", "C:\\c.md"}
    assert "is a link" in found["d.md"].problem
    assert all(not each.data for each in found.values() if each.problem)
    assert found["e.md"].data == b"Text."


def test_encrypted_member_is_a_problem_of_its_own() -> None:
    data = bytearray(packed(("a.md", "Text."), ("b.md", "More.")))
    data[data.index(b"PK\1\2") + 8] |= 1  # in the directory, of the first member
    first, second = split(bytes(data))
    assert "is encrypted" in first.problem
    assert second.data == b"More."


def test_damaged_member_is_a_problem_of_its_own() -> None:
    data = bytearray(packed(("a.md", "Text " * 50), ("b.md", "More.")))
    at = data.index(b"a.md") + 6
    data[at : at + 6] = b"\xff" * 6
    first, second = split(bytes(data))
    assert "damaged in its archive" in first.problem
    assert second.data == b"More."


def test_bombs_are_refused_before_they_unpack() -> None:
    with pytest.raises(UnreadableFile, match="as a zip bomb does"):
        split(packed(("a.txt", bytes(30_000_000))))


@pytest.mark.slow
def test_archive_of_too_many_files_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="the limit is 20,000"):
        split(packed(*((f"{number}.txt", "x") for number in range(MAX_MEMBERS + 1))))


def test_bomb_that_lies_about_its_size_is_stopped() -> None:
    data = bytearray(packed(("a.txt", bytes(30_000_000))))
    directory = data.index(b"PK\1\2")
    data[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
    data[22:26] = (1000).to_bytes(4, "little")
    [document] = split(bytes(data))
    assert len(document.data) <= 1000 or document.problem


def test_archives_in_archives_share_one_limit() -> None:
    data = packed(("a.mp3", "x"), ("b.txt", " " * 9_000_000))
    data = packed(*((f"{number}.zip", data) for number in range(8)))
    *read, _, last = parse_file("a.zip", data)
    assert (last.name, "as a zip bomb does" in last.problem) == ("", True)
    assert len(read) < 2
    deep = packed(("a.md", "Text."))
    for _ in range(4):
        deep = packed(("a.zip", deep))
    [part] = parts_of(deep).values()
    assert "lies in more than 3 archives" in part.problem


def test_archive_without_readable_files_is_blank() -> None:
    with pytest.raises(BlankFile, match=r"no file in it that Resift reads\. Of the files in it, .* 1 \.mp3 file"):
        split(packed(("a.mp3", "x")))
    with pytest.raises(BlankFile, match=r"no file in it that Resift reads\.$"):
        split(packed())


SAMPLE = packed(("a.md", "Text " * 20), ("b/c.txt", "More."))


@given(
    st.integers(1, len(SAMPLE)), st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=8)
)
@settings(max_examples=60, deadline=None)
def test_damaged_archives_raise_nothing_but_errors_of_resift(end: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLE)
    for at, value in changes:
        data[at] = value
    with suppress(ResiftError):
        assert split(bytes(data[:end]))
