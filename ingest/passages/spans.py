"""Take text apart into the smallest pieces that may not be cut: sentences, lines, words, each with its tokens."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from semantic_text_splitter import TextSplitter
from tokenizers import Tokenizer

from ..parsers.structure import Block

Span = tuple[int, int]
"""Character offsets, the end excluded."""

_SENTENCE_END = re.compile(
    r"(?<![.!?…؟۔।॥])[.!?…؟۔।॥]+[\"'”’»)\]*_`]*\s+"  # noqa: RUF001  Latin, Arabic, Devanagari: a mark and a blank
    r"|[。！？｡．]+[”’」』）》\"')\]]*\s*"  # noqa: RUF001  Chinese and Japanese set no blank
    r"|\n[ \t]*\n\s*"
    r"|\n(?=[ \t]*(?:[-*+•|]|\d{1,3}[.)])[ \t])"  # list items and table rows
)

_WORD = re.compile(r"\S+")

# WordPiece makes one token of a word over 100 characters; without a floor, a passage of 200 tokens could hold 1 MB.
_CHARS_PER_TOKEN = 20

# Tokenised at once: enough to keep both cores busy, little enough memory.
_BATCH = 4096

# Enough to know how many characters a token has here.
_SAMPLE_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Atom:
    """A piece of text that is not cut further, and its size in tokens."""

    start: int
    end: int
    size: int


class Measure:
    """Counts tokens without special ones, padding or truncation."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        # A copy: the encoder shares this tokenizer and truncates with it.
        self._tokenizer: Tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, never under one for every 20 characters."""
        found: list[int] = []
        for first in range(0, len(texts), _BATCH):
            batch = list(texts[first : first + _BATCH])
            encodings = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            found += [
                max(len(item), len(text) // _CHARS_PER_TOKEN) for item, text in zip(encodings, batch, strict=True)
            ]
        return found


def spans_of(block: Block, text: str, starts: Sequence[int]) -> list[Span]:
    """Return the sentences of a block, or its lines when it is verbatim. `starts` are the offsets of the lines."""
    first, last = starts[block.first], starts[block.last] - 1
    return list((lines_in if block.verbatim else sentences_in)(text, first, last))


def sentences_in(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentences between two offsets, without the blanks around them."""
    done = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() < end and text[match.end()].islower():
            continue  # "e.g. this", "etc. and": no sentence begins in lower case (UAX 29, SB8)
        yield from _trimmed(text, done, match.end())
        done = match.end()
    yield from _trimmed(text, done, end)


def lines_in(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the lines between two offsets with their indentation, blank ones left out."""
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


def atoms_of(text: str, spans: Sequence[Span], measure: Measure, *, max_tokens: int) -> list[list[Atom]]:
    """Return for each span one atom where it fits `max_tokens`; else its lines, its words, or parts of a word."""
    sizes = _sizes(text, spans, measure, max_tokens)
    return [
        [Atom(start, end, size)]
        if size <= max_tokens
        else _finer(text, Atom(start, end, size), measure, max_tokens, _FINER)
        for (start, end), size in zip(spans, sizes, strict=True)
    ]


def _sizes(text: str, spans: Sequence[Span], measure: Measure, max_tokens: int) -> list[int]:
    """Return the tokens of each span, those of spans that are too long by their characters as a lower bound."""
    most = max_tokens * _CHARS_PER_TOKEN
    short = iter(measure.sizes([text[start:end] for start, end in spans if end - start <= most]))
    return [next(short) if end - start <= most else (end - start) // _CHARS_PER_TOKEN + 1 for start, end in spans]


_Divide = Callable[[str, int, int], Iterator[Span]]

_FINER: tuple[_Divide, ...] = (lines_in, words_in)


def _finer(text: str, atom: Atom, measure: Measure, max_tokens: int, ways: tuple[_Divide, ...]) -> list[Atom]:
    """Divide an atom that is too long in the first of `ways`, and what is still too long in the next."""
    if not ways and atom.end - atom.start < 2:
        return [atom]
    spans = list(ways[0](text, atom.start, atom.end) if ways else _parts_in(text, atom, measure, max_tokens))
    sizes = _sizes(text, spans, measure, max_tokens)
    divided: list[Atom] = []
    for (start, end), size in zip(spans, sizes, strict=True):
        part = Atom(start, end, size)
        divided += [part] if size <= max_tokens else _finer(text, part, measure, max_tokens, ways[1:])
    return divided


def _parts_in(text: str, atom: Atom, measure: Measure, max_tokens: int) -> Iterator[Span]:
    """Divide a run without blanks at Unicode words where it has any, else between graphemes.

    The splitter is quadratic in the length of a word (214 s for 1 MB), so it sees a window at a time.
    """
    sample = text[atom.start : min(atom.end, atom.start + _SAMPLE_CHARS)]
    chars = len(sample) * max_tokens // max(1, *measure.sizes([sample]))
    chars = max(1, min(atom.end - atom.start - 1, chars))
    splitter = TextSplitter((max(1, chars // 4), chars), trim=False)
    done = atom.start
    while done < atom.end:
        window = text[done : min(done + 4 * chars, atom.end)]
        found = splitter.chunk_indices(window)
        # What the window cut off is read again with what follows it.
        kept = found[:-1] if len(found) > 1 and done + len(window) < atom.end else found
        yield from ((done + offset, done + offset + len(part)) for offset, part in kept)
        offset, part = kept[-1]
        done += offset + len(part)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    if stripped := piece.strip():
        first = start + piece.index(stripped[0])
        yield first, first + len(stripped)
