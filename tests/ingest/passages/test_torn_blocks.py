"""Tables and code: whole where they fit, otherwise torn where least is lost, with the header of a table repeated."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from resift.core.values import Document, Passage
from resift.ingest.passages.packing import Chunking
from resift.ingest.passages.tokens import TokenCounter
from resift.ingest.reader import FileDocument
from resift.ingest.text.structure import Block, ParsedDocument, Section
from resift.pipeline.reading import Extract
from resift.tests.ingest.harness import ParsingChunker

HEADER = "| model | capacity |"
DELIMITER = "|---|---|"
FUNCTION = """def function_{n}(values):
    total = 0
    for value in values:
        if value:
            total = total + value

            print(total, value, {n})

    return total
"""


def table(rows: int) -> list[str]:
    return [HEADER, DELIMITER, *(f"| pump {number} | {number} litres |" for number in range(rows))]


def cut(chunker: ParsingChunker, text: str, source: str = "a.md") -> list[Passage]:
    return chunker.chunk(Document("d", "", text=text, source=source))


def whole(passages: list[Passage]) -> str:
    return "\n".join(passage.own_text.strip("\n") for passage in passages)


def test_torn_table_repeats_its_header_and_keeps_its_lines(chunker: ParsingChunker, tokenizer: Tokenizer) -> None:
    lines = ["Pumps of 2024.", "", *table(100)]
    passages = cut(chunker, "\n".join(lines))
    assert len(passages) > 3
    assert max(TokenCounter(tokenizer).count([each.text for each in passages])) <= 200
    for before, passage in pairwise(passages):
        first, *rows = passage.text.split("\n")
        assert first == HEADER
        assert rows == lines[passage.start_line - 1 : passage.end_line]
        assert passage.start_line == before.end_line + 1
    assert whole(passages).split("\n") == lines


def test_table_that_fits_is_not_torn(chunker: ParsingChunker) -> None:
    text = "\n".join([*["word " * 20 + "end."] * 8, "", *table(15), "", *["word " * 20 + "end."] * 8])
    holding = [each.text for each in cut(chunker, text) if "| pump" in each.text]
    assert len(holding) == 1
    assert "\n".join(table(15)) in holding[0]


def test_header_that_leaves_no_room_for_rows_is_not_repeated(chunker: ParsingChunker) -> None:
    wide = ["| " + " | ".join(f"c{n}" for n in range(60)) + " |", "|---" * 60 + "|"]
    passages = cut(chunker, "\n".join([*wide, *("| 1 " * 60 + "|" for _ in range(9))]))
    assert len(passages) > 2
    assert not any("c59" in each.text for each in passages[1:])


def test_table_below_a_heading_repeats_its_header_only(chunker: ParsingChunker) -> None:
    first, second, *_ = cut(chunker, "\n".join(["## Pumps", *table(60)]))
    assert first.text.startswith("## Pumps\n| model")
    assert second.text.startswith(f"{HEADER}\n| pump")
    assert (second.heading, second.repeated) == ("Pumps", len(HEADER))


def test_table_without_a_line_below_its_header_is_text(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "a | b\nc | d")
    assert passage.text == "a | b\nc | d"


def test_torn_code_is_cut_between_functions(chunker: ParsingChunker) -> None:
    code = "\n".join(FUNCTION.format(n=number) for number in range(12))
    passages = cut(chunker, f"```python\nimport os\n\n{code}```")
    assert len(passages) > 2
    for before, passage in pairwise(passages):
        assert passage.text.startswith("def function_")
        assert before.text.rstrip("\n`").endswith("return total")
        assert passage.repeated == 0


def test_torn_function_is_cut_where_it_is_indented_least(chunker: ParsingChunker) -> None:
    steps = "\n".join(f"    if step == {n}:\n        first({n})\n        second({n})" for n in range(60))
    passages = cut(chunker, f"```\ndef run(step):\n{steps}\n```")
    assert len(passages) > 3
    assert [each.own_text.lstrip("\n")[:11] for each in passages[1:]] == ["    if step"] * (len(passages) - 1)


def test_comment_stays_with_what_it_is_about(chunker: ParsingChunker) -> None:
    body = "\n".join(f"# About {n}: what it is for and when it is called\ncall_{n}(first, second)" for n in range(60))
    passages = cut(chunker, f"```\n{body}\n```")
    assert len(passages) > 3
    assert all(each.own_text.lstrip("\n").startswith("# About") for each in passages[1:])


def test_overlap_of_prose_is_counted_so_that_the_whole_is_exact(chunker: ParsingChunker) -> None:
    text = " ".join(f"Sentence {n} says it. It says it again." for n in range(80))
    passages = cut(chunker, text, "a.txt")
    assert all(after.repeated for after in passages[1:])
    for before, after in pairwise(passages):
        assert before.text.endswith(after.text[: after.repeated])
    assert "".join(each.own_text for each in passages) == text


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (" ".join(f"Sentence {n} says it. It says it again." for n in range(80)), "a.txt"),
        ("\n\n".join(f"Paragraph {n}. " + "word " * 50 + "end." for n in range(9)), "a.txt"),
        ("\n".join(["## Pumps", *table(100), "", "Done."]), "a.md"),
        ("```\n" + "\n".join(f"    call_{n}(first, second)" for n in range(99)) + "\n```", "a.md"),
    ],
)
def test_document_is_read_back_as_one_text(chunker: ParsingChunker, text: str, source: str) -> None:
    passages = cut(chunker, text, source)
    assert len(passages) > 2
    assert Extract(tuple(passages), len(passages)).text == text


@given(
    rows=st.lists(st.text("ab |\n", max_size=30).map(lambda row: row.replace("\n", " x ")), min_size=1, max_size=40),
    header=st.integers(0, 3),
    limit=st.integers(4, 40),
)
def test_rows_are_kept_exactly_once_within_the_limit(
    tokenizer: Tokenizer, rows: list[str], header: int, limit: int
) -> None:
    lines = [*(f"h{n} h" for n in range(header)), *(row.strip() or "x" for row in rows)]
    block = Block(0, len(lines), verbatim=True, header=(0, header) if header else (0, 0))
    parsed = ParsedDocument(lines, range(1, len(lines) + 1), sections=(Section((), (block,)),))
    document = FileDocument("d", "", text="\n".join(lines), parsed=parsed)
    passages = ParsingChunker(tokenizer, Chunking(limit, limit // 4, min_tokens=0)).chunk(document)
    assert max(TokenCounter(tokenizer).count([each.text for each in passages])) <= limit
    assert "".join("".join(each.own_text for each in passages).split()) == "".join("".join(lines).split())
