"""The JSON of undoc as values: paragraphs, tables and notes of documents, slides and sheets."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

_MONO = re.compile(r"courier|mono|consol|menlo", re.IGNORECASE)

_LIST_STYLE = re.compile(r"list (?P<kind>bullet|number)(?: (?P<level>\d))?", re.IGNORECASE)

_CODE_STYLE = re.compile(r"html preformatted|(?:source )?code(?: block)?|macro text|plain text", re.IGNORECASE)

_MAX_MERGED = 1_000  # columns over which a cell is merged

_INDENT = "  "  # of a list in a list


@dataclass(frozen=True, slots=True)
class OfficeParagraph:
    """A paragraph of text."""

    text: str
    heading: int = 0
    """Its level as a heading, or 0."""
    item: str = ""
    """What stands before it as an item of a list: "- ", "2. ", or "#. " if the number is not known."""
    is_title: bool = False
    is_bold: bool = False
    is_code: bool = False
    notes: tuple[str, ...] = ()
    """The labels of the footnotes in it."""


@dataclass(frozen=True, slots=True)
class OfficeTable:
    """A table, row by row."""

    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Footnote:
    """A footnote or endnote."""

    label: str
    text: str


OfficePart: TypeAlias = OfficeParagraph | OfficeTable | Footnote


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section of a document, a slide or a sheet."""

    name: str
    parts: Sequence[OfficePart]
    notes: Sequence[OfficeParagraph] = ()
    """What the speaker is to say."""


@dataclass(frozen=True, slots=True)
class OfficeDocument:
    """What an office program wrote: its properties, and its sections, slides or sheets."""

    format: str
    properties: Mapping[str, Any]
    chapters: Sequence[Chapter]


@dataclass(frozen=True, slots=True)
class _Run:
    """Text with a look of its own, or with the mark of a footnote. Most runs are plain and become a `str`."""

    text: str
    is_bold: bool = False
    is_mono: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    columns: int = 1
    rows: int = 1


def read_json(text: str) -> OfficeDocument:
    """Return the document in the JSON of undoc.

    Objects become values while they are read: as dictionaries, the cells of a large sheet take ten times the memory.
    """
    whole: dict[str, Any] = json.loads(text, object_hook=_value)
    return OfficeDocument(
        format=str(whole.get("format", "")),
        properties=whole.get("metadata", {}),
        chapters=whole.get("sections", []),
    )


def _value(item: dict[str, Any]) -> Any:
    """Return what an object of the JSON stands for; other objects stay as they are."""
    kind = item.get("type", "")
    if "text" in item and not kind:
        return _run(item)
    if "runs" in item:
        return _paragraph(item)
    if kind in {"Table", "Note"}:
        return OfficeTable(_filled(item.get("rows", []))) if kind == "Table" else _note(item)
    if "index" in item:
        return _chapter(item)
    return item["cells"] if "cells" in item else _cell(item) if "content" in item else item


def _note(item: Mapping[str, Any]) -> Footnote:
    return Footnote(str(item.get("label", "")), _text_of(item.get("content", [])))


def _chapter(item: Mapping[str, Any]) -> Chapter:
    parts = [part for part in item.get("content", []) if isinstance(part, OfficeParagraph | OfficeTable | Footnote)]
    return Chapter(str(item.get("name", "")), parts, item.get("notes", []))


def _run(item: Mapping[str, Any]) -> str | _Run:
    if item.get("revision") == "deleted":
        return ""
    text = f"{item['text']}\n" if item.get("line_break") else str(item["text"])
    style, note = item.get("style", {}), str(item.get("note", ""))
    if note:
        return _Run(f"{text}[^{note}]", note=note)
    is_bold, is_mono = bool(style.get("bold")), _MONO.search(str(style.get("font", ""))) is not None
    return _Run(text, is_bold=is_bold, is_mono=is_mono) if is_bold or is_mono else text


def _paragraph(item: Mapping[str, Any]) -> OfficeParagraph:
    runs: list[str | _Run] = item["runs"]
    style = str(item.get("style_name", ""))
    heading = str(item.get("heading", ""))
    written = [run for run in runs if not (run if isinstance(run, str) else run.text).isspace()]
    looks = [run for run in written if isinstance(run, _Run) and not run.note]
    is_plain = len(looks) < len(written) or not looks
    return OfficeParagraph(
        text="".join(run if isinstance(run, str) else run.text for run in runs),
        heading=int(heading[1:]) if re.fullmatch(r"H[1-9]", heading) else 0,
        item=_item(item.get("list_info"), style),
        is_title=style.lower() == "title",
        is_bold=not is_plain and all(run.is_bold for run in looks),
        is_code=_CODE_STYLE.fullmatch(style) is not None or (not is_plain and all(run.is_mono for run in looks)),
        notes=tuple(run.note for run in runs if isinstance(run, _Run) and run.note),
    )


def _item(info: Mapping[str, Any] | None, style: str) -> str:
    """Return what stands before an item of a list, by its numbering or else by the name of its style."""
    if info:
        indent = _INDENT * int(info.get("level", 0))
        return f"{indent}{info.get('number', '#')}. " if info.get("list_type") == "numbered" else f"{indent}- "
    if match := _LIST_STYLE.fullmatch(style):
        indent = _INDENT * (int(match["level"] or 1) - 1)
        return f"{indent}- " if match["kind"].lower() == "bullet" else f"{indent}#. "
    return ""


def _cell(item: Mapping[str, Any]) -> _Cell:
    text = _text_of(item["content"])
    nested = [
        " ".join(inner.text for inner in line if inner.text)
        for table in item.get("nested_tables", [])
        for line in table.get("rows", [])
    ]
    lines = [line for line in (text, *nested) if line.strip()]
    return _Cell("\n".join(lines), max(1, int(item.get("col_span", 1))), max(1, int(item.get("row_span", 1))))


def _text_of(paragraphs: Sequence[Any]) -> str:
    """Return the text of paragraphs, each item of a list with its mark."""
    texts = [each.item.replace("#. ", "- ") + each.text for each in paragraphs if isinstance(each, OfficeParagraph)]
    return "\n".join(text for text in texts if text.strip())


def _filled(rows: Sequence[Sequence[_Cell]]) -> list[list[str]]:
    """Return the cells of all rows. A cell that is merged over rows stands in each of them."""
    found: list[list[str]] = []
    above: dict[int, tuple[int, str]] = {}
    for row in rows:
        cells: list[str] = []
        for cell in row:
            _add_merged(cells, above)
            if cell.rows > 1:
                above[len(cells)] = (cell.rows - 1, cell.text)
            cells += [cell.text, *[""] * (min(cell.columns, _MAX_MERGED) - 1)]
        _add_merged(cells, above)
        found.append(cells)
    return found


def _add_merged(cells: list[str], above: dict[int, tuple[int, str]]) -> None:
    """Add the cells that reach down from the rows above to the end of a row."""
    while (place := len(cells)) in above:
        left, text = above.pop(place)
        cells.append(text)
        if left > 1:
            above[place] = (left - 1, text)
