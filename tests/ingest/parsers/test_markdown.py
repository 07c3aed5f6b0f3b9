from resift.core.values import Document, Passage
from resift.tests.ingest.harness import ParsingChunker

LONG = "word " * 60


def cut(chunker: ParsingChunker, text: str) -> list[Passage]:
    return chunker.chunk(Document(id="d", title="Guide", text=text, source="a.md"))


def test_headings_nest(chunker: ParsingChunker) -> None:
    text = f"# Guide\n\n## Install\n\n{LONG * 2}\n\n### From source\n\n{LONG * 2}\n\n## Use\n\n{LONG * 2}\n"
    assert [passage.heading for passage in cut(chunker, text)] == ["Install", "Install > From source", "Use"]


def test_setext_headings_count_and_markup_is_dropped(chunker: ParsingChunker) -> None:
    text = f"One *big* `thing`\n===\n\n{LONG * 2}\n\nTwo [link](x)\n---\n\n{LONG * 2}"
    assert [passage.heading for passage in cut(chunker, text)] == ["One big thing", "One big thing > Two link"]


def test_hashes_in_fences_and_quotes_are_not_headings(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, f"## Real\n\n```sh\n# comment\n```\n\n> # quoted\n\n{LONG}")
    assert passage.heading == "Real"


def test_bare_heading_stays_with_the_section_below(chunker: ParsingChunker) -> None:
    first, second = cut(chunker, f"## A\n\n### B\n\n{LONG * 3}\n\n## C\n\n{LONG * 3}")
    assert first.text.startswith("## A\n\n### B\n\nword")
    assert (first.heading, second.heading) == ("A > B", "C")


def test_fence_that_fits_stays_whole(chunker: ParsingChunker) -> None:
    fence = "```py\n" + "\n\n".join(f"line{number} = {number}" for number in range(30)) + "\n```"
    passages = cut(chunker, f"{LONG}{LONG}\n\n{fence}\n\n{LONG}{LONG}")
    assert sum(fence in passage.text for passage in passages) == 1


def test_long_fence_is_cut_at_line_ends(chunker: ParsingChunker) -> None:
    lines = [f"call({number}, 'a. B')" for number in range(100)]
    passages = cut(chunker, "```\n" + "\n".join(lines) + "\n```")
    assert len(passages) > 2
    assert all(line in lines or line == "```" for passage in passages for line in passage.text.split("\n"))


def test_small_siblings_are_merged_under_their_common_heading(chunker: ParsingChunker) -> None:
    text = "## Options\n\n" + "\n\n".join(f"### {name}\n\n{'word ' * 15}" for name in "abc")
    (passage,) = cut(chunker, text)
    assert passage.heading == "Options"
    assert "### c" in passage.text


def test_small_section_is_merged_into_its_own_chapter(chunker: ParsingChunker) -> None:
    text = f"## A\n\n### A1\n\n{LONG * 2}\n\n## B\n\nshort\n\n### B1\n\n{LONG}"
    assert [passage.heading for passage in cut(chunker, text)] == ["A > A1", "B > B1"]


def test_front_matter_is_left_out_and_lines_still_count(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "---\ntitle: x\n---\n\n# Head\n\ntext")
    assert passage.text == "# Head\n\ntext"
    assert (passage.start_line, passage.end_line) == (5, 7)


def test_link_definitions_are_kept(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "text [a]\n\n[a]: http://example.org\n")
    assert "http://example.org" in passage.text


def test_list_is_cut_between_items(chunker: ParsingChunker) -> None:
    items = [f"- item {number} with some words after it" for number in range(60)]
    passages = cut(chunker, "\n".join(items))
    assert len(passages) > 1
    assert all(line in items for passage in passages for line in passage.text.split("\n"))
