"""Text units: the sentences, lines or words that passages are made of, each with its number of tokens."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..text.structure import Block
from .tokens import CHARS_PER_TOKEN, Span, TokenCounter

_SENTENCE_END = re.compile(
    r"(?<![.!?…؟۔।॥])[.!?…؟۔।॥]+[\"'”’»)\]*_`]*\s+"  # noqa: RUF001  Latin, Arabic, Devanagari: a mark and a blank
    r"|[。！？｡．]+[”’」』）》\"')\]]*\s*"  # noqa: RUF001  Chinese and Japanese: no blank
    r"|\n[ \t]*\n\s*"
    r"|\n(?=[ \t]*(?:[-*+•|]|\d{1,3}[.)])[ \t])"  # list items and table rows
)

_WORD = re.compile(r"\S+")

# What continues or closes the lines above, however little it is indented: the end of a block, `else`, a chained call.
_CONTINUES = re.compile(r"[)\]}.?:|&]|(?:else|elif|elsif|except|rescue|finally|catch|end|then|do|in)\b|```|~~~|\*/")

_LEADS = re.compile(
    r"#(?!include|define)|//|/\*|\*|--|@|\[[A-Z]\w*\W"
)  # comments, decorators and attributes of what follows

_TAB = 4

_WORST = 1_000  # to begin inside a line, or with what belongs to the line above


@dataclass(frozen=True, slots=True)
class TextUnit:
    """A piece of text that no passage divides: character offsets, the end excluded, and its tokens."""

    start: int
    end: int
    tokens: int


def spans_of(block: Block, text: str, starts: Sequence[int]) -> list[Span]:
    """Return the sentences of a block, or the lines of a verbatim one. `starts` are the offsets of the text's lines."""
    first, last = starts[block.first], starts[block.last] - 1
    return list((lines_in if block.verbatim else sentences_in)(text, first, last))


def sentences_in(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentences between two offsets, without the blanks around them."""
    done = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() < end and text[match.end()].islower():
            continue  # "e.g. this", "etc. and": no sentence begins with a lower-case letter (UAX 29, SB8)
        yield from _stripped(text, done, match.end())
        done = match.end()
    yield from _stripped(text, done, end)


def lines_in(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the non-blank lines between two offsets, with their indentation."""
    done = start
    while done < end:
        stop = text.find("\n", done, end)
        stop = end if stop < 0 else stop
        if line := text[done:stop].rstrip():
            yield done, done + len(line)
        done = stop + 1


def words_in(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the runs without blanks between two offsets."""
    return (match.span() for match in _WORD.finditer(text, start, end))


def split_into_units(
    text: str, spans: Sequence[Span], counter: TokenCounter, *, limits: Sequence[int]
) -> list[list[TextUnit]]:
    """Return the units of each span: itself if it fits its limit of tokens, else its lines, words or parts of words."""
    units = _measure(text, spans, counter, max(limits, default=1))
    return [_divide(text, unit, counter, limit, _DIVISIONS) for unit, limit in zip(units, limits, strict=True)]


_Division: TypeAlias = Callable[[str, int, int], Iterator[Span]]

_DIVISIONS: tuple[_Division, ...] = (lines_in, words_in)


def indentation_penalties(text: str, units: Sequence[TextUnit]) -> Iterator[int]:
    """Yield how bad it is to begin a passage with each unit of a block of code.

    Least bad are lines at the left margin after a blank line.
    """
    above, done = "", units[0].start if units else 0
    for place, unit in enumerate(units):
        blanks = text[done : unit.start]
        line_ends = blanks.count("\n")
        line = text[unit.start : unit.end].lstrip()
        leads = blanks.rpartition("\n")[2] + text[unit.start : unit.end].removesuffix(line)
        if (place and not line_ends) or _CONTINUES.match(line) or (_LEADS.match(above) and line_ends < 2):
            yield _WORST
        else:
            yield 2 * len(leads.expandtabs(_TAB)) + (line_ends < 2)
        above, done = line, unit.end


def _divide(
    text: str, unit: TextUnit, counter: TokenCounter, max_tokens: int, divisions: tuple[_Division, ...]
) -> list[TextUnit]:
    """Divide a unit that is too long, and parts that are still too long by the next of the divisions."""
    if unit.tokens <= max_tokens or unit.end - unit.start < 2:
        return [unit]
    if divisions:
        spans = list(divisions[0](text, unit.start, unit.end))
    else:
        spans = counter.split_word(text, (unit.start, unit.end), max_tokens)
        if len(spans) == 1:  # its tokens fit together but not alone: the tokenizer reads a part of a word differently
            middle = (unit.start + unit.end) // 2
            spans = [(unit.start, middle), (middle, unit.end)]
    parts = _measure(text, spans, counter, max_tokens)
    return [divided for part in parts for divided in _divide(text, part, counter, max_tokens, divisions[1:])]


def _measure(text: str, spans: Sequence[Span], counter: TokenCounter, max_tokens: int) -> list[TextUnit]:
    """Return the spans as units. One that has too many characters is not tokenised and gets a lower bound."""
    max_chars = max_tokens * CHARS_PER_TOKEN
    counts = iter(counter.count([text[start:end] for start, end in spans if end - start <= max_chars]))
    return [
        TextUnit(start, end, next(counts) if end - start <= max_chars else (end - start) // CHARS_PER_TOKEN + 1)
        for start, end in spans
    ]


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    if stripped := piece.strip():
        first = start + piece.index(stripped[0])
        yield first, first + len(stripped)
