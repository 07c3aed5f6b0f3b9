"""Page numbers: what a row of a running head says apart from the number of its page."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .segments import Row

# Not in a decimal, a time, a date or the number of a section.
_NUMBER = re.compile(
    r"(?<!\d[.,:/])(?<!\d-\d\d-)(?:\b|(?<=[第共]))(?:\d{1,5}|[ivxlc]{1,7})(?:\b|(?=[页頁]))(?![.,:]\d|/\d+/|-\d+-)",
    re.IGNORECASE,
)

_OF = r"(?:of|von|de|sur|di|van|z|из)"

_PAGE = r"(?:pages?|pp?|pg|seiten?|s|p[áa]gin[ae]s?|p[áa]gs?|sid[ae]n?|stran[ay]|str|страниц[аы]|стр)"

_PAGE_WORD = re.compile(rf"{_PAGE}|{_OF}|[页頁第共]+", re.IGNORECASE)

_WORD = re.compile(r"[^\W\d_]+")

_AFTER_PAGE = re.compile(rf"(?:\b{_PAGE}\.?|第)\s*$", re.IGNORECASE)

_TOTAL = re.compile(rf"^\s*(?:/|{_OF})\s*\d+", re.IGNORECASE)

_GAP = " | "  # between segments: a wide gap parts a page number from the words as a bar does

_SET_OFF_BEFORE = re.compile(r"(?:^|\s[|\u2013\u2014\u00b7\u2022/-]|^[\u2013\u2014-])\s*$")

_SET_OFF_AFTER = re.compile(r"^\s*(?:[|\u2013\u2014\u00b7\u2022/-]\s|[\u2013\u2014-]?$)")

_LABEL = re.compile(r"(?::|#|№|\b(?:no|nr|n°)\.?)[\s|]*$", re.IGNORECASE)  # before the number of a thing

_MOST_FRONT_PAGES = 20  # how far the number that a page bears is usually from its place in the file

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


class Shared(NamedTuple):
    """What rows of several pages share, and on how many pages it proves that they are a running head."""

    text: str
    enough: int


def shared_texts(row: Row, page: int, *, is_large: bool, is_small: bool) -> Iterator[Shared]:
    """Yield the text of a row, and its text with each number that may be that of the page counted from the page.

    Rows larger than the text of the document are titles, which count something else: invoices, chapters.
    """
    text = _plain(_GAP.join(segment.text for segment in row.segments))
    yield Shared(text, enough=3)
    if is_large:
        return
    for match in _NUMBER.finditer(text):
        number, before, after = _value(match[0]), text[: match.start()], text[match.end() :]
        enough = _enough(before, after, distance=abs(number - page), is_small=is_small) if number else 0
        if enough:
            words = f"{_without_marks(before)} {_without_marks(after)}".strip()
            yield Shared(f"{words} #{number - page}", enough)


def _enough(before: str, after: str, *, distance: int, is_small: bool) -> int:
    """Return how many pages prove that a number is that of the page, by what is around it; 0 if none do."""
    is_near = distance <= _MOST_FRONT_PAGES
    if _LABEL.search(before):
        return 0
    if all(_PAGE_WORD.fullmatch(word) or _value(word) for word in _WORD.findall(f"{before} {after}")):
        return 2 if is_near else 3
    if _AFTER_PAGE.search(before):
        return 3
    is_set_off = _SET_OFF_BEFORE.search(before) and _SET_OFF_AFTER.search(_TOTAL.sub("", after))
    return 3 if (is_set_off and (is_near or is_small)) or (is_near and is_small) else 0


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _without_marks(text: str) -> str:
    return text.strip(" |\u2013\u2014\u00b7\u2022/-")


def _value(word: str) -> int:
    """Return the value of a number in digits or in Roman ones; 0 if the word is not a number."""
    if word.isdigit():
        return int(word)
    values = [_ROMAN.get(letter, 0) for letter in word.lower()]
    value = sum(-each if each < max(values[index:]) else each for index, each in enumerate(values))
    return value if _roman(value) == word.lower() else 0


def _roman(value: int) -> str:
    signs = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
    written = ""
    for worth, sign in signs:
        written += sign * (value // worth)
        value %= worth
    return written
