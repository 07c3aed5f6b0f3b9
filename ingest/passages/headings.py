"""Shortening a title and headings to the few tokens that a passage leaves for them."""

from collections.abc import Sequence
from itertools import accumulate

from .tokens import TokenCounter

# For title and heading together. A model that reads 256 tokens has room for them beside a text of 200.
MAX_HEADING_TOKENS = 50

_RESERVED_TOKENS = 20  # which a long title leaves to the heading

_MAX_LEVEL_CHARS = 20 * MAX_HEADING_TOKENS  # more are never shown; a heading of 1 MB over 1,000 sections would be 1 GB

_SEPARATOR = " > "

_ELLIPSIS = "…"


def fit_headings(title: str, paths: Sequence[tuple[str, ...]], counter: TokenCounter) -> tuple[str, list[str]]:
    """Return the title for all passages of a document, and a heading for each path: at most 50 tokens together.

    An outermost heading that equals the title is left out. A heading that is too long loses its outer levels first,
    then its last words.
    """
    title = title[:_MAX_LEVEL_CHARS]
    shortened = [tuple(level[:_MAX_LEVEL_CHARS] for level in path) for path in paths]
    without_title = [path[1:] if path and path[0].strip() == title.strip() else path for path in shortened]
    distinct = list(dict.fromkeys(without_title))  # most passages of a section share their heading
    title_tokens, *heading_tokens = counter.count([title, *map(_SEPARATOR.join, distinct)])
    longest = max(heading_tokens, default=0)
    if title_tokens + longest > MAX_HEADING_TOKENS:
        title = _fit_words(title, MAX_HEADING_TOKENS - min(longest, _RESERVED_TOKENS), counter)
    room = MAX_HEADING_TOKENS - counter.count([title])[0]
    fitted = {path: _fit_path(path, room, counter) for path in distinct}
    return title, [fitted[path] for path in without_title]


def _fit_path(path: tuple[str, ...], max_tokens: int, counter: TokenCounter) -> str:
    heading = _SEPARATOR.join(path)
    while len(path) > 1 and counter.count([heading])[0] > max_tokens:
        path = path[1:]
        heading = _SEPARATOR.join([_ELLIPSIS, *path])
    return _fit_words(heading, max_tokens, counter)


def _fit_words(text: str, max_tokens: int, counter: TokenCounter) -> str:
    """Return `text`, or as many of its first words as fit and an ellipsis."""
    tokens = counter.count([text])[0]
    if tokens <= max_tokens:
        return text
    words = text.split()
    totals = accumulate(counter.count(words))
    kept = sum(total < max_tokens for total in totals)
    if kept:
        return " ".join([*words[:kept], _ELLIPSIS])
    # A single word above the limit: an address, or a script without blanks.
    return text[: max(1, len(text) * (max_tokens - 1) // tokens - 1)] + _ELLIPSIS
