"""Titles and authors in the properties of documents, where people wrote them rather than programs."""

import re

from ...core.values import Metadata

_FILE_NAME = re.compile(r"\.(?:pdf|docx?|dvi|tex|indd|qxd|pptx?|rtf|odt|xlsx?|ps|eps|html?)$", re.IGNORECASE)

_NUMBERED_TITLE = re.compile(r"(?:document|dokument|presentation|book|slide|folie|sheet)\s*\d*", re.IGNORECASE)

_IDENTIFIER = re.compile(r"[:_/\\]|\d.*-|-.*\d")  # in a title of one word, such as "sag-39-3:0"

_NO_TITLES = frozenset({
    "untitled", "title", "titles", "powerpoint presentation", "word document", "microsoft word", "microsoft powerpoint",
    "(anonymous)", "print", "none", "null", "unknown",
})  # fmt: skip

_NO_AUTHORS = frozenset({
    "unknown", "anonymous", "(anonymous)", "(unspecified)", "admin", "administrator", "user", "owner", "root", "author",
    "none", "null", "python-docx", "openpyxl", "apache poi", "microsoft", "microsoft office", "microsoft office user",
})  # fmt: skip

_PROGRAMS = ("Microsoft Word - ", "Microsoft PowerPoint - ")
"""What printing to PDF sets before the name of a file."""


def sane_title(written: str) -> str:
    """Return a title on one line, or "" for what programs write there without being asked."""
    for program in _PROGRAMS:
        written = written.removeprefix(program)
    title = " ".join(written.split())
    is_words = sum(map(str.isalnum, title)) >= max(2, len(title) / 2) and any(map(str.isalpha, title))
    is_default = " " not in title and _IDENTIFIER.search(title) is not None
    is_default = is_default or title.lower() in _NO_TITLES or _NUMBERED_TITLE.fullmatch(title) is not None
    return title if is_words and not is_default and not _FILE_NAME.search(title) else ""


def facts_of(*, author: str = "", pages: int = 0) -> Metadata:
    """Return the metadata of a document: its author and its number of pages.

    An author that is no name, and a number of pages of 0, are left out.
    """
    name = " ".join(author.split())
    has_name = len(name) > 1 and any(map(str.isalpha, name)) and name.lower() not in _NO_AUTHORS
    return {**({"pages": pages} if pages else {}), **({"author": name} if has_name else {})}
