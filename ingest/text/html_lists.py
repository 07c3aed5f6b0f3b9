"""Lists of HTML: the bullets and numbers of their items, indented by how deep each list is."""

import re
from dataclasses import dataclass, field

from .tags import attributes_of

_INDENT = "  "  # of a list in a list

_DEEPEST = 8  # lists that are never closed do not indent without end

_NUMBER = re.compile(r"-?\d{1,9}")

_LETTERS = {"a": "abcdefghijklmnopqrstuvwxyz", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(slots=True)
class _List:
    next_number: int | None
    """The number of the next item; None in a list with bullets."""
    letters: str = ""


@dataclass(slots=True)
class Lists:
    """The open lists, and what stands before an item that has no text yet."""

    mark: str = ""
    _open: list[_List] = field(default_factory=list[_List])

    def start(self, tag: str, attributes: str) -> None:
        """Begin a list or an item."""
        if tag in {"ul", "ol"}:
            values = attributes_of(attributes)
            first = _number(values.get("start", ""), usual=1)
            self._open.append(_List(first if tag == "ol" else None, _LETTERS.get(values.get("type", ""), "")))
        elif tag == "li":
            self.mark = self._next_mark(attributes)

    def end(self, tag: str) -> None:
        """End a list or an item."""
        if tag in {"ul", "ol"} and self._open:
            self._open.pop()
        if tag in {"ul", "ol", "li"}:
            self.mark = ""

    def take_mark(self) -> str:
        """Return what stands before the text that comes next, once."""
        mark, self.mark = self.mark, ""
        return mark

    def _next_mark(self, attributes: str) -> str:
        indent = _INDENT * (min(len(self._open), _DEEPEST) - 1)
        innermost = self._open[-1] if self._open else None
        if innermost is None or innermost.next_number is None:
            return f"{indent}- "
        number = _number(attributes_of(attributes).get("value", ""), usual=innermost.next_number)
        innermost.next_number = number + 1
        letter = innermost.letters[number - 1 : number] if number > 0 else ""
        return f"{indent}{letter or number}. "


def _number(value: str, *, usual: int) -> int:
    return int(value) if _NUMBER.fullmatch(value) else usual
