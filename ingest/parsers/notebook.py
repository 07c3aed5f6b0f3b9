"""Jupyter notebooks: Markdown cells with their headings, code cells, and what they printed."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from ...core.errors import BlankFile, UnreadableFile
from ..text.decoding import decode, normalise
from ..text.structure import ParsedDocument
from .markdown import MarkdownParser
from .protocols import Content

MAX_OUTPUT_LINES = 20

MAX_OUTPUT_CHARS = 2000

_MARKDOWN = MarkdownParser()

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of a terminal

_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)")

_BACKTICKS = re.compile(r"`+")


class NotebookParser:
    """Reads a notebook as the Markdown that it would be: code and outputs are fenced, with the number of their cell."""

    suffixes = frozenset((".ipynb",))
    is_binary = True  # for its text is not that of the file, which may hold megabytes of pictures

    def sniff(self, text: str) -> bool:
        """Return False: only the suffix tells a notebook from other JSON."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the cells in their order; lines have no numbers, because the file has others.

        Raises:
            UnreadableFile: It is not a notebook.
        """
        notebook = _load(content)
        language = _language(notebook)
        written = "\n\n".join(_cells(notebook, language))
        if not written.strip():
            raise BlankFile(
                f"{content.source} has no cells with text, so there is nothing to search in it. Leave it out."
            )
        parsed = _MARKDOWN.parse(Content(content.source, text=f"\n{written}"))  # no front matter, which is no cell
        return ParsedDocument(
            lines=parsed.lines,
            line_numbers=[0] * len(parsed.lines),
            sections=parsed.sections,
            title=parsed.title,
            metadata={"language": language} if language else {},
        )


def _load(content: Content) -> Mapping[str, Any]:
    try:
        notebook: Any = json.loads(decode(content.data, content.source).text)
    except RecursionError as error:
        raise UnreadableFile(f"{content.source} is nested too deeply. Save it again with Jupyter.") from error
    except ValueError as error:
        raise UnreadableFile(f"{content.source} is not a notebook: {error}. Save it again with Jupyter.") from error
    if not isinstance(notebook, dict) or not ({"cells", "worksheets"} & cast("Mapping[str, Any]", notebook).keys()):
        raise UnreadableFile(f"{content.source} is not a notebook: it has no cells. Save it again with Jupyter.")
    return cast("Mapping[str, Any]", notebook)


def _language(notebook: Mapping[str, Any]) -> str:
    """Return the language of the kernel in lower case, or "" if the notebook does not say."""
    about = _mapping(notebook.get("metadata"))
    names = [_mapping(about.get("language_info")).get("name"), _mapping(about.get("kernelspec")).get("language")]
    found = next((name for name in names if isinstance(name, str)), "")
    return found.lower() if re.fullmatch(r"[\w+# .-]{1,40}", found) else ""


def _cells(notebook: Mapping[str, Any], language: str) -> Iterator[str]:
    """Yield the Markdown of each cell."""
    sheets: Sequence[Any] = [notebook, *_list(notebook.get("worksheets"))]  # of notebooks before 2015
    cells = [_mapping(cell) for sheet in sheets for cell in _list(_mapping(sheet).get("cells"))]
    for number, cell in enumerate(cells, start=1):
        source = _text(cell.get("source", cell.get("input")))
        kind = cell.get("cell_type")
        if not source.strip():
            continue
        if kind == "markdown":
            yield _closed(source)
        elif kind == "heading":
            level = cell.get("level")
            yield f"{'#' * (level if isinstance(level, int) and 1 <= level <= 6 else 1)} {' '.join(source.split())}"
        else:
            yield _fenced(source, f"{language if kind == 'code' else 'text'} cell {number}".strip())
            if output := "\n".join(_outputs(cell)).strip("\n"):
                yield _fenced(_shortened(output), f"text output of cell {number}")


def _closed(source: str) -> str:
    """Return the Markdown of a cell, with the end of a fence that it leaves open: it must not hide the next cells."""
    opened = ""
    for line in source.split("\n"):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        marks = fence["marks"]
        if not opened:
            opened = marks if "`" not in fence["info"] or marks[0] == "~" else ""
        elif marks[0] == opened[0] and len(marks) >= len(opened) and not fence["info"].strip():
            opened = ""
    return f"{source}\n{opened}" if opened else source


def _fenced(text: str, info: str) -> str:
    longest = max((len(marks[0]) for marks in _BACKTICKS.finditer(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def _outputs(cell: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that a cell printed or returned, and its error; no pictures."""
    for output in map(_mapping, _list(cell.get("outputs"))):
        if isinstance(output.get("ename"), str):
            yield f"{output['ename']}: {_text(output.get('evalue'))}"
            continue
        data = _mapping(output.get("data"))
        text = _text(output.get("text")) or _text(data.get("text/plain"))
        if text.strip():
            yield _ESCAPE.sub("", text).rstrip("\n")


def _shortened(output: str) -> str:
    """Return the beginning of an output, with a mark if there is more."""
    lines = output[:MAX_OUTPUT_CHARS].split("\n")[:MAX_OUTPUT_LINES]
    short = "\n".join(lines)
    return short if len(short) == len(output) else f"{short}\n…"


def _text(value: Any) -> str:
    """Return a text that may be a list of its lines."""
    if isinstance(value, list):
        return normalise("".join(each for each in cast("list[Any]", value) if isinstance(each, str)))
    return normalise(value) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
