"""Fit title and headings above a passage into the few tokens the text leaves them."""

from collections.abc import Sequence
from itertools import accumulate

from .spans import Measure

# Title and headings together; 200 for the text leaves room for them in a model that reads 256.
HEAD_TOKENS = 50

# What a long title leaves to the headings.
_HEADING_TOKENS = 20

_JOINT = " > "

_CUT = "…"


def fit_heads(title: str, paths: Sequence[tuple[str, ...]], measure: Measure) -> tuple[str, list[str]]:
    """Return one title for all passages of a document, and a heading for each path: at most 50 tokens together.

    A first heading equal to the title is left out. Of headings too long the outer ones go first, then last words.
    """
    named = [path[1:] if path and path[0].strip() == title.strip() else path for path in paths]
    distinct = list(dict.fromkeys(named))  # most passages of a section share their headings
    sizes = measure.sizes([title, *map(_JOINT.join, distinct)])
    longest = max(sizes[1:], default=0)
    if sizes[0] + longest > HEAD_TOKENS:
        title = _fit_words(title, HEAD_TOKENS - min(longest, _HEADING_TOKENS), measure)
    room = HEAD_TOKENS - measure.sizes([title])[0]
    fitted = {names: _fit_names(names, room, measure) for names in distinct}
    return title, [fitted[names] for names in named]


def _fit_names(names: tuple[str, ...], room: int, measure: Measure) -> str:
    heading = _JOINT.join(names)
    while len(names) > 1 and measure.sizes([heading])[0] > room:
        names = names[1:]
        heading = _JOINT.join([_CUT, *names])
    return _fit_words(heading, room, measure)


def _fit_words(text: str, limit: int, measure: Measure) -> str:
    """Return `text` if it has at most `limit` tokens, else the first words that fit, and an ellipsis."""
    size = measure.sizes([text])[0]
    if size <= limit:
        return text
    words = text.split()
    totals = accumulate(measure.sizes(words))
    kept = sum(total < limit for total in totals)
    if kept:
        return " ".join([*words[:kept], _CUT])
    # One word longer than the limit: an address, or a script without blanks.
    return text[: max(1, len(text) * (limit - 1) // size - 1)] + _CUT
