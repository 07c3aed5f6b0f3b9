"""Encoded runs in text: base64 and hexadecimal data, which no question asks for, are left out of passages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from .structure import ParsedDocument

MARK = "…"
"""Stands in a passage where an encoded run was."""

MIN_CHARS = 200  # keys, hashes, identifiers and links are shorter; an icon in a page is longer

_MIN_LINES = 3  # of one width below each other; a single one may be a key that someone looks for

_SAMPLE_CHARS = 2000

# A run begins where the character before cannot be part of one, so that each character is read once. Inside the strings
# of a notebook, line ends are written as `\n`.
_RUN = re.compile(r"(?<![\w+/=\\-])(?:[A-Za-z0-9+/_-]|\\[nr]){200,}+={0,2}(?!\w)")

_DATA_URI = re.compile(r"(?<=data:)[\w.+/-]{0,100}(?:;[\w.=+/-]{1,100}){0,5},[^\s\"'<>)\\]{100,}+", re.IGNORECASE)

# A line of wrapped data, perhaps a string in a list, a comment or a quote.
_WRAPPED_LINE = re.compile(r"[\s\"',>#*|b(]*+(?P<data>[A-Za-z0-9+/_-]{60,200}+)={0,2}(?:\\[nr])*[\s\"',\\*)]*+")

_WORD_CHARACTER = re.compile(r"\w")

_UPPER = re.compile(r"[A-Z]+")

_LOWER = re.compile(r"[a-z]+")

_DIGITS = re.compile(r"[0-9]+")

_HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def without_encoded(parsed: ParsedDocument) -> ParsedDocument:
    """Return a document with a mark for each encoded run; lines keep their numbers.

    A document that holds nothing else stays as it is, because the caller named its file.
    """
    lines = list(shortened(parsed.lines))
    is_same = lines == list(parsed.lines) or not any(_WORD_CHARACTER.search(line) for line in lines)
    return parsed if is_same else replace(parsed, lines=lines)


def encoded_share(lines: Sequence[str]) -> float:
    """Return which part of the characters of some lines belongs to encoded runs, from 0 to 1."""
    before = sum(map(len, lines))
    return 1 - sum(map(len, shortened(lines))) / before if before else 0.0


def shortened(lines: Iterable[str]) -> Iterator[str]:
    """Yield each line without its encoded runs. Of wrapped data, the first line is a mark and the others are empty."""
    for is_wrapped, group in groupby(lines, _may_be_wrapped):
        if not is_wrapped:
            yield from map(_without_runs, group)
            continue
        block = list(group)
        if len(block) >= _MIN_LINES and _is_base64("".join(block[:20])):
            yield MARK
            yield from [""] * (len(block) - 1)
        else:
            yield from map(_without_runs, block)


def _may_be_wrapped(line: str) -> bool:
    return 60 <= len(line) <= 250 and _WRAPPED_LINE.fullmatch(line) is not None


def _without_runs(line: str) -> str:
    if len(line) < MIN_CHARS // 2:
        return line
    line = _DATA_URI.sub(MARK, line)
    return line if len(line) < MIN_CHARS else _RUN.sub(_mark_if_encoded, line)


def _mark_if_encoded(run: re.Match[str]) -> str:
    data = run[0]
    return MARK if _is_base64(data) or _is_hexadecimal(data) else data


def _is_base64(data: str) -> bool:
    """Return whether letters and digits are mixed as in encoded data. In names and links, small letters prevail."""
    sample = data[:_SAMPLE_CHARS]
    upper, lower, digits = (_share(kind, sample) for kind in (_UPPER, _LOWER, _DIGITS))
    return upper > 0.1 and lower > 0.1 and digits > 0.03


def _is_hexadecimal(data: str) -> bool:
    sample = data[:_SAMPLE_CHARS]
    return _HEXADECIMAL.fullmatch(sample) is not None and 0.3 < _share(_DIGITS, sample) < 0.9


def _share(kind: re.Pattern[str], sample: str) -> float:
    return sum(len(match[0]) for match in kind.finditer(sample)) / len(sample)
