"""Passages and pages: slides, sheets and chapters are never joined."""

from dataclasses import replace

from tokenizers import Tokenizer

from resift.ingest.passages.chunker import Chunker
from resift.ingest.reader import FileDocument
from resift.ingest.text.structure import Block, ParsedDocument, Section


def test_no_passage_goes_beyond_a_page_that_is_a_text_of_its_own(tokenizer: Tokenizer) -> None:
    lines = ["Falcon", "The valve opens.", "Rates", "Do not show the rates.", "They are high."]
    sections = (
        Section(("Falcon",), (Block(0, 2),)),
        Section(("Rates",), (Block(2, 4), Block(4, 5))),
    )
    parsed = ParsedDocument(lines=lines, line_numbers=[0] * 5, sections=sections, page_numbers=[1, 1, 2, 2, 3])
    whole = FileDocument("d", "Deck", text="\n".join(lines), source="deck.pptx", parsed=parsed)
    apart = replace(whole, parsed=replace(parsed, has_separate_pages=True))
    chunker = Chunker(tokenizer)
    assert [(each.page, each.end_page) for each in chunker.chunk(whole)] == [(1, 3)]
    assert [(each.page, each.end_page, each.heading) for each in chunker.chunk(apart)] == [
        (1, 1, "Falcon"),
        (2, 2, "Rates"),
        (3, 3, "Rates"),
    ]
