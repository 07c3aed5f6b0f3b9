"""Comments, annotations and attributes above a definition."""

import re
from collections.abc import Sequence

# In C, a line with # is one of the preprocessor, not a comment.
_ABOVE = re.compile(r"\s*(?://|/\*|\*|#|@|--|;|\[|\(\*|%)")

_ABOVE_IN_C = re.compile(r"\s*(?://|/\*|\*|template\s*<|\[\[|__attribute__)")

OF_C = frozenset({"c", "cpp"})
"""Languages with a preprocessor, and with declarations apart from definitions."""


def is_above(line: str, language: str = "") -> bool:
    """Return whether a line belongs to the definition below it."""
    return (_ABOVE_IN_C if language in OF_C else _ABOVE).match(line[:200]) is not None


def first_line(index: int, lines: Sequence[str], done: int = 0, language: str = "") -> int:
    """Return the index of the first line of what stands right above a definition, from `done` on, else its own."""
    first = index
    while first > done:
        above = lines[first - 1]
        if above.rstrip().endswith("*/"):
            begin = first - 1
            while begin > done and "/*" not in lines[begin]:
                begin -= 1
            if not lines[begin].lstrip().startswith("/*"):
                break
            first = begin
        elif is_above(above, language):
            first -= 1
        else:
            break
    return first
