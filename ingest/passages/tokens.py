"""Counting tokens, and dividing words that have too many."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Span: TypeAlias = tuple[int, int]
"""Character offsets, the end excluded."""

# WordPiece makes one token of any word above 100 characters: without this, a passage of 200 tokens could hold 1 MB.
CHARS_PER_TOKEN = 20

_BATCH = 4096  # texts per call of the tokenizer: enough for all cores, in little memory

_WINDOW_CHARS = 100_000  # tokenised at once, to limit memory

_MAX_CLUSTER_CHARS = 40  # a cut moves back so far to leave accents and joined emoji whole

_JOINER = "\u200d"


class TokenCounter:
    """Counts the tokens of texts, without special tokens, padding or truncation."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        from tokenizers import Tokenizer

        # A copy: the encoder shares the original and truncates with it.
        self._tokenizer: Tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, but at least one, and one per 20 characters."""
        counts: list[int] = []
        for first in range(0, len(texts), _BATCH):
            batch = list(texts[first : first + _BATCH])
            encodings = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            counts += [
                max(len(item), len(text) // CHARS_PER_TOKEN, bool(text))
                for item, text in zip(encodings, batch, strict=True)
            ]
        return counts

    def split_word(self, text: str, span: Span, max_tokens: int) -> list[Span]:
        """Return the parts of a run without blanks, each of about `max_tokens` tokens or less, in linear time.

        Parts end between tokens, after punctuation where there is some near the limit, and never inside a character
        that is made of several code points.
        """
        start, end = span
        ends = list(self._token_ends(text, start, end))
        parts: list[Span] = []
        first = 0  # index of the first token of the current part
        while len(ends) - first > max_tokens:
            last = first + max_tokens
            cut = _best_cut(text, start, ends[last - 1 - max_tokens // 4 : last])
            parts.append((start, cut))
            start, first = cut, bisect_right(ends, cut, first)
        return [*parts, (start, end)]

    def _token_ends(self, text: str, start: int, end: int) -> Iterator[int]:
        """Yield the offsets at which tokens end, none more than 20 characters after the one before."""
        done = start
        for first in range(start, end, _WINDOW_CHARS):
            last = min(first + _WINDOW_CHARS, end)
            offsets = self._tokenizer.encode(text[first:last], add_special_tokens=False).offsets
            for stop in (*(first + offset for _, offset in offsets), last):
                while stop - done > CHARS_PER_TOKEN:
                    done += CHARS_PER_TOKEN
                    yield done
                if stop > done:
                    done = stop
                    yield done


def _best_cut(text: str, start: int, ends: Sequence[int]) -> int:
    """Return the last of the token ends that lies between words, or else the last, moved off composed characters."""
    between_words = (end for end in reversed(ends) if not (text[end - 1].isalnum() and text[end].isalnum()))
    for end in between_words:
        if not _joins(text, end):
            return end
    cut = ends[-1]
    for earlier in range(cut, max(start, cut - _MAX_CLUSTER_CHARS), -1):
        if not _joins(text, earlier):
            return earlier
    return cut


def _joins(text: str, offset: int) -> bool:
    """Return whether the characters on both sides of an offset are displayed as one (UAX 29, GB9 to GB11)."""
    before, after = text[offset - 1], text[offset]
    return (
        _JOINER in (before, after)
        or unicodedata.category(after) in {"Mn", "Me", "Mc"}
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
    )
