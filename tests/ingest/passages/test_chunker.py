import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from resift.core.errors import InvalidInput
from resift.core.values import Document, Passage
from resift.ingest.parsers.formats import Format
from resift.ingest.parsers.structure import normalise
from resift.ingest.passages.chunker import Cutter
from resift.ingest.passages.packing import Chunking
from resift.ingest.passages.spans import Measure

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
FORMATS = st.sampled_from(["text", "markdown", "code"])
PROPERTY = settings(deadline=None)  # a shared machine pauses for longer than any one case takes
SMALL = Chunking(max_tokens=20, overlap_tokens=5, min_tokens=5)


@pytest.fixture(scope="module")
def small(tokenizer: Tokenizer) -> Cutter:
    return Cutter(tokenizer, SMALL)


@pytest.fixture(scope="module")
def measure(tokenizer: Tokenizer) -> Measure:
    return Measure(tokenizer)


def doc(text: str, title: str = "Title", source: str = "") -> Document:
    return Document("d", title, text=text, source=source, metadata={"k": 1})


def lines_of(passage: Passage, text: str) -> str:
    return "\n".join(text.split("\n")[passage.start_line - 1 : passage.end_line])


def offsets(passages: list[Passage], text: str) -> list[tuple[int, int]]:
    """Find where each passage stands, by its first line."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found = [text.index(passage.text, starts[passage.start_line - 1]) for passage in passages]
    return [(start, start + len(passage.text)) for start, passage in zip(found, passages, strict=True)]


@PROPERTY
@given(text=TEXTS, form=FORMATS)
def test_every_character_is_in_a_passage(small: Cutter, text: str, form: Format) -> None:
    plain = normalise(text)
    if form == "markdown" and plain.startswith("---"):
        return
    passages = small.cut(doc(text), form)
    covered: set[int] = set()
    for start, end in offsets(passages, plain):
        covered.update(range(start, end))
    assert [at for at, character in enumerate(plain) if not character.isspace() and at not in covered] == []


@PROPERTY
@given(text=TEXTS, form=FORMATS)
def test_passage_stands_on_its_lines(small: Cutter, text: str, form: Format) -> None:
    for passage in small.cut(doc(text), form):
        assert passage.text in lines_of(passage, normalise(text))


@PROPERTY
@given(text=TEXTS, form=FORMATS)
def test_ordinals_count_up_and_the_document_is_carried(small: Cutter, text: str, form: Format) -> None:
    document = doc(text, source="x.txt")
    passages = small.cut(document, form)
    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    assert all((each.document_id, each.source, each.metadata) == ("d", "x.txt", {"k": 1}) for each in passages)


@PROPERTY
@given(text=MIXED, form=FORMATS)
def test_passages_fit_their_limit(small: Cutter, measure: Measure, text: str, form: Format) -> None:
    assert all(size <= SMALL.max_tokens for size in measure.sizes([each.text for each in small.cut(doc(text), form)]))


@PROPERTY
@given(text=MIXED, form=FORMATS)
def test_no_word_is_cut(small: Cutter, text: str, form: Format) -> None:
    plain = normalise(text)
    for start, end in offsets(small.cut(doc(text), form), plain):
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
def test_broken_html_is_cut_without_an_error(small: Cutter, pieces: list[str]) -> None:
    text = "".join(pieces)
    for passage in small.cut(doc(text), "html"):
        assert 1 <= passage.start_line <= passage.end_line <= text.count("\n") + 1


def test_text_without_words_has_no_passages(cutter: Cutter) -> None:
    for form in ("text", "markdown", "html", "code"):
        assert cutter.cut(doc(" \n\t\r\n "), form) == []


def test_long_paragraph_is_cut_between_sentences_and_overlaps(cutter: Cutter) -> None:
    sentences = [f"Sentence number {number} says what there is to say about it." for number in range(60)]
    passages = cutter.cut(doc(" ".join(sentences)), "text")
    assert len(passages) > 2
    for before, after in pairwise(passages):
        assert before.text.endswith("about it.")
        assert after.text.startswith("Sentence number")
        assert after.text.split(". ")[0] in before.text


def test_paragraphs_that_fit_do_not_overlap(cutter: Cutter) -> None:
    paragraphs = [f"p{number} " + "word " * 89 + "end." for number in range(6)]
    passages = cutter.cut(doc("\n\n".join(paragraphs)), "text")
    assert "\n\n".join(passage.text for passage in passages) == "\n\n".join(paragraphs)


def test_pieces_are_even_rather_than_full_and_a_scrap(cutter: Cutter, measure: Measure) -> None:
    text = "\n\n".join("word " * 19 + "end" for _ in range(11))
    sizes = measure.sizes([passage.text for passage in cutter.cut(doc(text), "text")])
    assert sizes == [120, 100]


def test_windows_newlines_keep_line_numbers(cutter: Cutter) -> None:
    (first, second) = cutter.cut(doc("# A\r\n\r\n" + "a " * 90 + "\r\n\r\n# B\r\n" + "b " * 150), "markdown")
    assert (first.heading, first.start_line, first.end_line) == ("A", 1, 3)
    assert (second.heading, second.start_line, second.end_line) == ("B", 5, 6)


def test_chinese_is_cut_after_its_full_stops(cutter: Cutter) -> None:
    passages = cutter.cut(doc("我们今天讨论检索系统的设计。" * 60), "text")
    assert len(passages) > 3
    assert all(passage.text.endswith("。") for passage in passages)


def test_chinese_without_stops_is_cut_anyway(cutter: Cutter, measure: Measure) -> None:
    passages = cutter.cut(doc("漢字" * 1000), "text")
    assert max(measure.sizes([passage.text for passage in passages])) <= 200
    assert "".join(passage.text for passage in passages) == "漢字" * 1000


def test_emoji_sequences_stay_whole(small: Cutter) -> None:
    family = "👩‍👩‍👧‍👦"
    passages = small.cut(doc(family * 300), "text")
    assert len(passages) > 1
    assert all(passage.text.replace(family, "") == "" for passage in passages)


def test_long_head_is_trimmed_and_the_text_is_not(cutter: Cutter, measure: Measure) -> None:
    title, outer, inner = "title " * 60, "outer " * 30, "inner name"
    text = f"# {outer}\n\n## {inner}\n\n" + "word " * 150
    (passage,) = cutter.cut(doc(text, title=title), "markdown")
    assert passage.heading == "… > inner name"
    assert passage.title.endswith(" …")
    assert measure.sizes([passage.content])[0] <= 254
    assert passage.text.count("word") == 150


def test_head_of_one_long_word_is_trimmed(cutter: Cutter, measure: Measure) -> None:
    (passage,) = cutter.cut(doc("text", title="漢" * 400), "text")
    assert measure.sizes([passage.title])[0] <= 50


def test_title_is_not_repeated_in_the_heading(cutter: Cutter) -> None:
    (passage,) = cutter.cut(doc("# Title\n\n## Install\n\ntext", title="Title"), "markdown")
    assert passage.heading == "Install"


def test_tokenizer_that_truncates_is_counted_in_full(tokenizer: Tokenizer) -> None:
    other: Tokenizer = Tokenizer.from_str(tokenizer.to_str())
    other.enable_truncation(16)  # pyright: ignore[reportUnknownMemberType]
    cutter = Cutter(other)
    assert len(cutter.cut(doc("word. " * 1000), "text")) > 5
    assert len(other.encode("word " * 100)) == 16


@pytest.mark.parametrize("limits", [(0, 0, 0), (10, 6, 0), (10, 0, 11), (10, -1, 0)])
def test_limits_that_contradict_each_other_are_refused(limits: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="overlap_tokens"):
        Chunking(*limits)


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["a", "漢字", "ab1.", ".", " ", "👩‍👩‍👧‍👦", "<a", "[", "# "])
def test_one_huge_line_does_not_hang(cutter: Cutter, unit: str) -> None:
    for form in ("text", "markdown", "html", "code"):
        passages = cutter.cut(doc((unit * 300_000)[:300_000]), form)
        assert all(len(passage.text) <= 4000 for passage in passages)
