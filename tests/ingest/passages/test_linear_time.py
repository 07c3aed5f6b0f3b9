"""Documents made to be slow. Here alone CPU time is measured: what is tested is how it grows, with room for noise."""

import gc
from collections.abc import Callable
from time import process_time

import pytest

from resift.core.errors import UnreadableFile
from resift.core.values import Document
from resift.ingest.parsers.markdown import MarkdownParser
from resift.ingest.parsers.protocols import Content
from resift.tests.ingest.harness import ParsingChunker

Pattern = Callable[[int], str]


def repeated(piece: str) -> Pattern:
    return lambda count: piece * count


PATTERNS: dict[str, tuple[str, int, Pattern]] = {
    "cells without rows": ("a.html", 1500, repeated("<td>a")),
    "tags never closed": ("a.html", 1000, repeated("<div><b>a")),
    "tags never ended": ("a.html", 5000, repeated("<a")),
    "end tags never ended": ("a.html", 5000, repeated("</a")),
    "attributes never ended": ("a.html", 3000, repeated('<a x="')),
    "attributes in one tag": ("a.html", 5000, lambda count: f"<a {'x =' * count}>"),
    "comments never ended": ("a.html", 2000, repeated("<!-- a")),
    "comments after the last end": ("a.html", 2000, lambda count: f"--><p>{'<!-- a>' * count}"),
    "declarations": ("a.html", 3000, repeated("<![CDATA[")),
    "scripts never closed": ("a.html", 20_000, repeated("<script></")),
    "references": ("a.html", 2000, repeated("&a&#1")),
    "blank lines in a page": ("a.html", 100_000, repeated("\n")),
    "long heading over many": ("a.html", 600, lambda count: f"<h1>{'a' * 50 * count}</h1>" + "<h2>b</h2><p>c" * count),
    "brackets in a heading": ("a.md", 3000, lambda count: f"# {'![' * count}"),
    "backticks in a heading": ("a.md", 3000, lambda count: f"# {'`a' * count}"),
    "long heading over many in Markdown": (
        "a.md",
        300,
        lambda count: f"# {'a' * 50 * count}\n" + f"## b\n{'c ' * 60}\n" * count,
    ),
    "quotes": ("a.md", 1000, repeated("> - a\n")),
    "definitions of links": ("a.md", 1000, repeated("[a]: b\n")),
    "blanks": ("a.txt", 200_000, lambda count: f"a{' ' * count}b"),
    "marks of sentences": ("a.txt", 5000, repeated('."')),
}


def seconds(run: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        start = process_time()
        run()
        return process_time() - start
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize(("source", "size", "pattern"), PATTERNS.values(), ids=PATTERNS)
def test_twice_the_text_takes_less_than_three_times_as_long(
    chunker: ParsingChunker, source: str, size: int, pattern: Pattern
) -> None:
    def time(count: int) -> float:
        document = Document(id="d", title="", text=pattern(count), source=source)
        return min(seconds(lambda: chunker.chunk(document)) for _ in range(3))

    chunker.chunk(Document(id="d", title="", text=pattern(10), source=source))
    ratios = (time(2 * size) / max(time(size), 0.002) for _ in range(5))
    assert any(ratio < 3 for ratio in ratios)


def test_markdown_that_takes_too_many_steps_is_refused() -> None:
    parser = MarkdownParser(max_steps=10_000)
    nested = f"{'> ' * 20}a\n" + "b\n" * 2000
    with pytest.raises(UnreadableFile, match="nested too deeply in too many lines"):
        parser.parse(Content("a.md", text=nested))
    assert parser.parse(Content("a.md", text="# Title\n\n" + "Some words.\n\n" * 2000)).title == "Title"


@pytest.mark.parametrize(
    "text", [f"a{' ' * 100_000}b", "\ufe0f " * 50_000], ids=["blanks", "characters without tokens"]
)
def test_no_passage_is_without_bounds(chunker: ParsingChunker, text: str) -> None:
    passages = chunker.chunk(Document(id="d", title="", text=text, source="a.txt"))
    assert max(len(passage.text) for passage in passages) <= 4000


@pytest.mark.parametrize("text", ["a\n" * 1_000_001, "\n" * 1_000_001], ids=["short lines", "blank lines"])
def test_document_of_too_many_lines_is_refused(chunker: ParsingChunker, text: str) -> None:
    with pytest.raises(UnreadableFile, match="more than 1,000,000 lines, sentences or headings"):
        chunker.chunk(Document(id="d", title="", text=text, source="a.txt"))


@pytest.mark.slow
@pytest.mark.parametrize(("source", "text"), [("a.html", "<h1>a" * 600_000), ("a.txt", "Oh! " * 1_000_001)])
def test_document_of_too_many_pieces_is_refused(chunker: ParsingChunker, source: str, text: str) -> None:
    with pytest.raises(UnreadableFile, match="more than 1,000,000 lines, sentences or headings"):
        chunker.chunk(Document(id="d", title="", text=text, source=source))
