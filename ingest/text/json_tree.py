r"""JSON as text that a person can read: "path: value" lines, under headings where there is much below one key.

`json.loads` checks the text and knows no lines, so a scanner of our own reads it again for them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.errors import UnreadableFile
from .decoding import normalise
from .draft import Draft
from .structure import check_length

MAX_DEPTH = 100  # of brackets; what people write has at most a dozen

HEADING_CHARS = 800  # of source below one key: about a passage

_MAX_LABEL_CHARS = 100

_SHORT_VALUE_CHARS = 200

_NAMES = ("title", "name", "label", "id", "key", "_id")
"""Keys whose value names the object in a list."""

_FIRST_KEYS = 12  # of an object, among which its name is looked for

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]++')


@dataclass(slots=True)
class Node:
    """An object, a list or a value. The nodes inside it follow it in the sequence, up to the index `end`."""

    label: str
    """Its key, or its index as "[0]"; empty for the whole text."""
    line: int
    value: str | None = None
    """Its text; None for an object or a list."""
    is_list: bool = False
    end: int = 0
    chars: int = 0
    """Of its source."""


def check_json(text: str) -> None:
    """Check that a text is JSON.

    Raises:
        ValueError: It is not.
        UnreadableFile: It is nested too deeply.
    """
    try:
        # Numbers stay text: Python refuses to convert those of thousands of digits.
        json.loads(text, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise _too_deep() from error


def nodes_of(text: str, line: int = 1) -> list[Node]:
    """Return the nodes of a valid JSON text that begins on `line`, each before those inside it.

    Raises:
        UnreadableFile: It is nested too deeply, or has too many values.
    """
    reader = _Reader(text, line)
    for token in _TOKEN.finditer(text):
        reader.read(token)
    check_length(len(reader.nodes))
    return reader.nodes


def _too_deep() -> UnreadableFile:
    return UnreadableFile(
        f"Its JSON is nested more than {MAX_DEPTH} levels deep. Flatten it, or save it as text (.txt)."
    )


class _Reader:
    """Makes nodes of tokens."""

    def __init__(self, text: str, line: int) -> None:
        self.nodes: list[Node] = []
        self._text = text
        self._line = line
        self._counted = 0  # characters whose line ends are in `_line`
        self._open: list[tuple[Node, int]] = []  # objects and lists, and where they begin
        self._key: str | None = None
        self._index: list[int] = []

    def read(self, token: re.Match[str]) -> None:
        """Read the next token."""
        sign = token[0]
        if sign in ",:":
            return
        if sign in "}]":
            self._close(token.end())
            return
        self._line += self._text.count("\n", self._counted, token.start())
        self._counted = token.start()
        is_in_object = bool(self._open) and not self._open[-1][0].is_list
        if is_in_object and self._key is None:
            self._key = _decoded(sign)
            return
        label = self._label()
        if sign in "{[":
            node = Node(label=label, line=self._line, is_list=sign == "[")
            self._open.append((node, token.start()))
            self._index.append(0)
            if len(self._open) > MAX_DEPTH:
                raise _too_deep()
        else:
            value = "" if sign == "null" else _decoded(sign)
            node = Node(label=label, line=self._line, value=value, end=len(self.nodes) + 1)
        self.nodes.append(node)

    def _label(self) -> str:
        if not self._open:
            return ""
        if not self._open[-1][0].is_list:
            key, self._key = self._key or "", None
            return key if len(key) <= _MAX_LABEL_CHARS else f"{key[:_MAX_LABEL_CHARS]}…"
        self._index[-1] += 1
        return f"[{self._index[-1] - 1}]"

    def _close(self, end: int) -> None:
        node, start = self._open.pop()
        self._index.pop()
        node.end, node.chars = len(self.nodes), end - start


def _decoded(token: str) -> str:
    if not token.startswith('"'):
        return token
    return normalise(json.loads(token, strict=False)) if "\\" in token else token[1:-1]


def write_json(draft: Draft, nodes: Sequence[Node], *, level: int = 1) -> None:
    """Write the values of some nodes, those of large objects and lists under a heading each.

    `level` is that of the outermost headings.
    """
    writer = _Writer(draft, nodes, level)
    index = 0
    while index < len(nodes):
        index = writer.write(index)
    writer.flush()


class _Writer:
    """Collects lines into blocks: an object in a list is a block, and so is a long text."""

    def __init__(self, draft: Draft, nodes: Sequence[Node], level: int) -> None:
        self._draft = draft
        self._nodes = nodes
        self._level = level
        self._lines: list[str] = []
        self._numbers: list[int] = []
        self._open: list[tuple[int, str, bool]] = []  # where each ends, its label, and whether it is a heading

    def write(self, index: int) -> int:
        """Write the node at an index, and return the index of the next one."""
        while self._open and self._open[-1][0] <= index:
            self._open.pop()
        node = self._nodes[index]
        if node.value is not None:
            self._write_value(node, node.value)
        elif node.is_list and (values := self._short_values(index)) is not None:
            self._write_value(node, ", ".join(values))
            return node.end
        else:
            self._enter(index)
        return index + 1

    def flush(self) -> None:
        """End the block of short values."""
        self._draft.add(self._lines, self._numbers, verbatim=True)
        self._lines, self._numbers = [], []

    def _enter(self, index: int) -> None:
        node = self._nodes[index]
        is_heading = bool(node.label) and node.chars > HEADING_CHARS
        if is_heading or (node.label.startswith("[") and not node.is_list):
            self.flush()
        if is_heading:
            depth = sum(1 for _, _, is_above in self._open if is_above)
            text = self._named(_joined([*self._labels(), node.label]), index)
            self._draft.head(text, level=self._level + depth, number=node.line)
        self._open.append((node.end, node.label, is_heading))

    def _named(self, label: str, index: int) -> str:
        """Return the label of an object in a list with the name that the object gives itself."""
        if not self._nodes[index].label.startswith("["):
            return label
        found: dict[str, str] = {}
        inside = index + 1
        for _ in range(_FIRST_KEYS):
            if inside >= self._nodes[index].end:
                break
            found[self._nodes[inside].label.lower()] = self._nodes[inside].value or ""
            inside = self._nodes[inside].end
        name = " ".join(next((found[key] for key in _NAMES if found.get(key)), "").split())
        return f"{label} {name[:_MAX_LABEL_CHARS]}".rstrip()

    def _labels(self) -> list[str]:
        """Return the labels of what is open below the nearest heading."""
        start = max((place for place, each in enumerate(self._open, start=1) if each[2]), default=0)
        return [label for _, label, _ in self._open[start:]]

    def _write_value(self, node: Node, value: str) -> None:
        if not value.strip():
            return
        path = _joined([*self._labels(), node.label])
        path = path if len(path) <= 2 * _MAX_LABEL_CHARS else f"…{path[-2 * _MAX_LABEL_CHARS :]}"
        lines = (f"{path}: {value}" if path else value).split("\n")
        if len(lines) == 1 and len(value) <= _SHORT_VALUE_CHARS:
            self._lines += lines
            self._numbers.append(node.line)
            return
        self.flush()
        self._draft.add(lines, [node.line] * len(lines))

    def _short_values(self, index: int) -> list[str] | None:
        """Return the values of a list that holds only short ones, else None."""
        if self._nodes[index].chars > 8 * _SHORT_VALUE_CHARS:
            return None
        inside = self._nodes[index + 1 : self._nodes[index].end]
        values = [each.value for each in inside if each.value is not None]
        if len(values) < len(inside) or sum(map(len, values)) > 2 * _SHORT_VALUE_CHARS:
            return None
        return values


def _joined(labels: Sequence[str]) -> str:
    path = ""
    for label in labels:
        path += label if not path or not label or label.startswith("[") else f".{label}"
    return path
