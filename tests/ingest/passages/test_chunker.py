from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from resift.core.errors import InvalidInput
from resift.core.values import Document, Passage
from resift.ingest.passages.packing import Chunking
from resift.ingest.passages.tokens import TokenCounter
from resift.ingest.text.decoding import normalise
from resift.tests.ingest.harness import ParsingChunker

WORDS = st.sampled_from(
    [
        "alpha",
        "beta,",
        "gamma.",
        "Delta?",
        "e.g.",
        "x",
        "# Head",
        "- item",
        "```",
        "def f():",
        "漢字。",
        "👩‍👩‍👧",
        "    ",
    ]
)
SEPARATORS = st.sampled_from([" ", " ", " ", "\n", "\n\n", "\r\n", "\n## Two\n", "\n\t"])
MIXED = st.lists(st.tuples(WORDS, SEPARATORS), max_size=150).map(lambda parts: "".join(a + b for a, b in parts))
TEXTS = st.one_of(MIXED, st.text(max_size=300))
SOURCES = st.sampled_from(["a.txt", "a.md", "a.py", "a.c"])
PROPERTY = settings(deadline=None)  # a shared machine pauses for longer than any one case takes
SMALL = Chunking(max_tokens=20, overlap_tokens=5, min_tokens=5)


@pytest.fixture(scope="module")
def small(tokenizer: Tokenizer) -> ParsingChunker:
    return ParsingChunker(tokenizer, SMALL)


@pytest.fixture(scope="module")
def counter(tokenizer: Tokenizer) -> TokenCounter:
    return TokenCounter(tokenizer)


def doc(text: str, title: str = "Title", source: str = "") -> Document:
    return Document(id="d", title=title, text=text, source=source, metadata={"k": 1})


def lines_of(passage: Passage, text: str) -> str:
    return "\n".join(text.split("\n")[passage.start_line - 1 : passage.end_line])


def offsets(passages: list[Passage], text: str) -> list[tuple[int, int]]:
    """Find where each passage stands: what it does not repeat comes after the one before."""
    found: list[tuple[int, int]] = []
    done = 0
    for passage in passages:
        start = text.index(passage.own_text, done) - passage.repeated
        done = start + len(passage.text)
        assert text[start:done] == passage.text
        found.append((start, done))
    return found


@PROPERTY
@example(text=7 * "alpha " + 2 * "Delta? e.g. " + "Delta? ", source="a.txt")
@given(text=TEXTS, source=SOURCES)
def test_every_character_is_in_a_passage(small: ParsingChunker, text: str, source: str) -> None:
    plain = normalise(text)
    if source == "a.md" and plain.startswith("---"):
        return
    passages = small.chunk(doc(text, source=source))
    covered: set[int] = set()
    for start, end in offsets(passages, plain):
        covered.update(range(start, end))
    assert [at for at, character in enumerate(plain) if not character.isspace() and at not in covered] == []


@PROPERTY
@given(text=TEXTS, source=SOURCES)
def test_passage_stands_on_its_lines(small: ParsingChunker, text: str, source: str) -> None:
    for passage in small.chunk(doc(text, source=source)):
        assert passage.text in lines_of(passage, normalise(text))


@PROPERTY
@given(text=TEXTS, source=SOURCES)
def test_ordinals_count_up_and_the_document_is_carried(small: ParsingChunker, text: str, source: str) -> None:
    document = doc(text, source=source)
    passages = small.chunk(document)
    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    assert all((each.document_id, each.source, each.metadata) == ("d", source, {"k": 1}) for each in passages)


@PROPERTY
@given(text=MIXED, source=SOURCES)
def test_passages_fit_their_limit(small: ParsingChunker, counter: TokenCounter, text: str, source: str) -> None:
    assert all(
        size <= SMALL.max_tokens
        for size in counter.count([each.text for each in small.chunk(doc(text, source=source))])
    )


@PROPERTY
@given(text=MIXED, source=SOURCES)
def test_no_word_is_cut(small: ParsingChunker, text: str, source: str) -> None:
    plain = normalise(text)
    for start, end in offsets(small.chunk(doc(text, source=source)), plain):
        assert start == 0 or plain[start - 1].isspace() or plain[start - 1] in "。"
        assert end == len(plain) or plain[end].isspace() or plain[end - 1] in "。"


@PROPERTY
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<h1>",
                "</h2>",
                "<nav>",
                "<",
                "&amp;",
                "&#0;",
                "<!--",
                "<![x",
                "a b",
                "\n",
                "<pre>",
                "<br/>",
            ]
        )
    )
)
def test_broken_html_is_cut_without_an_error(small: ParsingChunker, pieces: list[str]) -> None:
    text = "".join(pieces)
    for passage in small.chunk(doc(text, source="a.html")):
        assert 1 <= passage.start_line <= passage.end_line <= text.count("\n") + 1


def test_text_without_words_has_no_passages(chunker: ParsingChunker) -> None:
    for suffix in ("txt", "md", "html", "c"):
        assert chunker.chunk(doc(" \n\t\r\n ", source=f"a.{suffix}")) == []


def test_long_paragraph_is_cut_between_sentences_and_overlaps(chunker: ParsingChunker) -> None:
    sentences = [f"Sentence number {number} says what there is to say about it." for number in range(60)]
    passages = chunker.chunk(doc(" ".join(sentences), source="a.txt"))
    assert len(passages) > 2
    for before, after in pairwise(passages):
        assert before.text.endswith("about it.")
        assert after.text.startswith("Sentence number")
        assert after.text.split(". ")[0] in before.text


def test_paragraphs_that_fit_do_not_overlap(chunker: ParsingChunker) -> None:
    paragraphs = [f"p{number} " + "word " * 89 + "end." for number in range(6)]
    passages = chunker.chunk(doc("\n\n".join(paragraphs), source="a.txt"))
    assert "\n\n".join(passage.text for passage in passages) == "\n\n".join(paragraphs)


def test_passages_are_even_rather_than_full_and_a_small_rest(chunker: ParsingChunker, counter: TokenCounter) -> None:
    text = "\n\n".join("word " * 19 + "end" for _ in range(11))
    sizes = counter.count([passage.text for passage in chunker.chunk(doc(text, source="a.txt"))])
    assert sizes == [120, 100]


def test_windows_newlines_keep_line_numbers(chunker: ParsingChunker) -> None:
    (first, second) = chunker.chunk(doc("# A\r\n\r\n" + "a " * 90 + "\r\n\r\n# B\r\n" + "b " * 150, source="a.md"))
    assert (first.heading, first.start_line, first.end_line) == ("A", 1, 3)
    assert (second.heading, second.start_line, second.end_line) == ("B", 5, 6)


def test_chinese_is_cut_after_its_full_stops(chunker: ParsingChunker) -> None:
    passages = chunker.chunk(doc("我们今天讨论检索系统的设计。" * 60, source="a.txt"))
    assert len(passages) > 3
    assert all(passage.text.endswith("。") for passage in passages)


def test_chinese_without_stops_is_cut_anyway(chunker: ParsingChunker, counter: TokenCounter) -> None:
    passages = chunker.chunk(doc("漢字" * 1000, source="a.txt"))
    assert max(counter.count([passage.text for passage in passages])) <= 200
    assert "".join(passage.text for passage in passages) == "漢字" * 1000


def test_emoji_sequences_stay_whole(small: ParsingChunker) -> None:
    family = "👩‍👩‍👧‍👦"
    passages = small.chunk(doc(family * 300, source="a.txt"))
    assert len(passages) > 1
    assert all(passage.text.replace(family, "") == "" for passage in passages)


def test_long_heading_is_shortened_and_the_text_is_not(chunker: ParsingChunker, counter: TokenCounter) -> None:
    title, outer, inner = "title " * 60, "outer " * 30, "inner name"
    text = f"# {outer}\n\n## {inner}\n\n" + "word " * 150
    (passage,) = chunker.chunk(doc(text, title=title, source="a.md"))
    assert passage.heading == "… > inner name"
    assert passage.title.endswith(" …")
    assert counter.count([passage.content])[0] <= 254
    assert passage.text.count("word") == 150


def test_title_of_one_long_word_is_shortened(chunker: ParsingChunker, counter: TokenCounter) -> None:
    (passage,) = chunker.chunk(doc("text", title="漢" * 400, source="a.txt"))
    assert counter.count([passage.title])[0] <= 50


def test_title_is_not_repeated_in_the_heading(chunker: ParsingChunker) -> None:
    (passage,) = chunker.chunk(doc("# Title\n\n## Install\n\ntext", title="Title", source="a.md"))
    assert passage.heading == "Install"


def test_tokenizer_that_truncates_is_counted_in_full(tokenizer: Tokenizer) -> None:
    other: Tokenizer = Tokenizer.from_str(tokenizer.to_str())
    other.enable_truncation(16)  # pyright: ignore[reportUnknownMemberType]
    chunker = ParsingChunker(other)
    assert len(chunker.chunk(doc("word. " * 1000, source="a.txt"))) > 5
    assert len(other.encode("word " * 100)) == 16


@pytest.mark.parametrize("limits", [(0, 0, 0), (10, 6, 0), (10, 0, 11), (10, -1, 0)])
def test_limits_that_contradict_each_other_are_refused(limits: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="overlap_tokens"):
        Chunking(*limits)


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["a", "漢字", "ab1.", ".", " ", "👩‍👩‍👧‍👦", "<a", "[", "# "])
def test_one_huge_line_does_not_hang(chunker: ParsingChunker, unit: str) -> None:
    for suffix in ("txt", "md", "html", "py"):
        passages = chunker.chunk(doc((unit * 100_000)[:100_000], source=f"a.{suffix}"))
        assert all(len(passage.text) <= 4000 for passage in passages)
