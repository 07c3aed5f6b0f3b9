"""The parsers of other packages: found, preferred to the built-in ones, and harmless when they fail."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.core.errors import UnreadableFile
from resift.core.values import Document
from resift.ingest.files.roots import Roots
from resift.ingest.parsers.registry import BUILT_IN, installed_parsers
from resift.ingest.parsing import parse_file
from resift.ingest.reader import read_document
from resift.ingest.sources import files_below
from resift.ingest.text.structure import Block, ParsedDocument, Section
from resift.tests.ingest.harness import Harness, ParsingChunker
from resift.tests.plugins.installed import PLUGINS, installed

SONG = "SONG OF THE WHEEL\n\nIt turns.\n\nCHORUS\n\nAnd turns.\n"


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    with installed(PLUGINS / "parser"):
        yield


def write(folder: Path, name: str, data: str | bytes) -> Path:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder / name


def read(path: Path) -> Document:
    return read_document(path, roots=Roots.of([path.parent]), max_bytes=10_000)


def test_plugins_come_before_the_built_in_parsers() -> None:
    parsers = installed_parsers()
    assert list(parsers.by_name) == ["diary", "failing", "lyrics", "packed", *BUILT_IN]


def test_text_format_of_a_plugin_is_read_with_title_metadata_and_headings(
    tmp_path: Path, chunker: ParsingChunker
) -> None:
    document = read(write(tmp_path, "wheel.Lyrics", SONG + "word " * 300))
    assert (document.title, document.metadata, document.text[:4]) == ("SONG OF THE WHEEL", {"kind": "song"}, "SONG")
    passages = chunker.chunk(document)
    assert passages[-1].heading == "Chorus"
    assert (passages[0].start_line, passages[-1].end_line) == (1, 8)


def test_documents_in_a_file_of_a_plugins_format_are_read_and_its_failure_names_it() -> None:
    monday, tuesday, failed = parse_file("a.diary", b"monday It rained.\rtuesday SONG\r\n! oh")
    assert (monday.name, monday.format, monday.text) == ("monday", "diary", "It rained.")
    assert (tuesday.name, tuesday.format) == ("tuesday.lyrics", "lyrics")
    assert failed.problem == (
        "a.diary cannot be parsed by the plug-in 'diary' of resift-test-parser 1.0: ValueError: torn page. "
        "Correct the document, or update or uninstall that package."
    )


def test_text_without_a_suffix_is_recognised_by_a_plugin(chunker: ParsingChunker) -> None:
    [passage] = chunker.chunk(Document(id="d", title="", text="SONG\n\nIt turns.", source=""))
    assert passage.heading == "Song"


def test_binary_format_of_a_plugin_is_read_from_bytes(tmp_path: Path, chunker: ParsingChunker) -> None:
    document = read(write(tmp_path, "a.packed", zlib.compress(b"Hidden\r\ntext\0.")))
    assert document.text == "Hidden\ntext\ufffd."
    [passage] = chunker.chunk(document)
    assert (passage.text, passage.start_line) == (document.text, 0)


def test_text_that_is_passed_never_reaches_a_binary_parser(chunker: ParsingChunker) -> None:
    [passage] = chunker.chunk(Document(id="d", title="", text="plain text", source="a.packed"))
    assert passage.text == "plain text"


def test_files_of_a_plugins_format_are_found_in_folders(tmp_path: Path) -> None:
    write(tmp_path, "a.packed", zlib.compress(b"text"))
    write(tmp_path, "b.unknown", b"\0\1")
    files = files_below([tmp_path], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=1000)
    assert [file.path.name for file in files.found.files] == ["a.packed"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.packed", b"no zlib", "'packed' of resift-test-parser 1.0: error: Error -3"),
        ("a.failing", b"text", "'failing' of resift-test-parser 1.0: ValueError: Block.* lies outside the 1 lines"),
    ],
)
def test_failing_plugin_fails_one_document_and_is_named(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=f"{name} cannot be parsed by the plug-in {reason}"):
        read(write(tmp_path, name, data))


def test_unusable_plugins_are_problems_that_name_their_package() -> None:
    missing, neither, text_suffix = installed_parsers().problems
    assert missing.startswith("The plug-in 'missing' of resift-test-parser 1.0 cannot be used: AttributeError:")
    assert missing.endswith("Update or uninstall that package.")
    assert "TypeError: it has neither the method `parse` nor `split`" in neither
    assert "TypeError: `suffixes` is the text '.one'; it must be a tuple of texts" in text_suffix


@pytest.mark.anyio
@pytest.mark.slow
async def test_job_continues_when_plugins_fail_and_reports_them(harness: Harness) -> None:
    good = Document(id="good", title="", text="Some text.", source="")
    bad = Document(id="bad", title="", text="Some text.", source="a.failing")
    report = await harness.ingest(good, bad)
    assert report.added == 1
    [failure] = report.failures
    assert (failure.source, "resift-test-parser 1.0" in failure.reason) == ("a.failing", True)
    assert report.notes == installed_parsers().problems


def test_structure_that_does_not_fit_its_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="2 lines have 1 line numbers"):
        ParsedDocument(lines=["a", "b"], line_numbers=[1], sections=())
    with pytest.raises(ValueError, match="lies outside the 1 lines, or is empty"):
        ParsedDocument(lines=["a"], line_numbers=[1], sections=(Section((), (Block(0, 0),)),))
