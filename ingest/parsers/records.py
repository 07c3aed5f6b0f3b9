"""JSON, one document a file, and JSON Lines, one document a line."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, cast

from ...core.errors import BlankFile, UnreadableFile
from ..text.decoding import normalise
from ..text.draft import Draft
from ..text.json_tree import check_json, nodes_of, write_json
from ..text.structure import ParsedDocument, paragraphs
from .protocols import Content, InnerDocument, RecordFields

MAX_RECORDS = 100_000  # of one file: each takes some 3 kB of memory until the file is stored

_SHORT_CHARS = 200  # a longer text is searched; a shorter one is a field to filter by

_FIELD_NAME = re.compile(r"[\w-]+")

_MAX_NAME_CHARS = 200

_UNNAMED = re.compile(r"(?P<file>.*/)line (?P<line>\d+)", re.DOTALL)

_MAX_TITLE_CHARS = 1000


class JsonParser:
    """Reads an object or a list of JSON as lines of "path: value"."""

    suffixes = frozenset((".json", ".jsonc", ".json5", ".geojson", ".webmanifest"))
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return False: JSON in a text without a suffix is what somebody wrote about."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the values under their paths; text that is not JSON is kept as it is, and a note says so."""
        try:
            check_json(content.text)
        except ValueError as error:
            return _plain(content, f"{content.source or 'A text'} is not valid JSON ({error}), so it was read as text.")
        draft = Draft()
        write_json(draft, nodes_of(content.text))
        if not draft.lines:
            raise BlankFile(f"{content.source} has no values, so there is nothing to search in it. Leave it out.")
        return draft.finish(metadata={"language": "json"})


def _plain(content: Content, note: str) -> ParsedDocument:
    """Return the lines of a file as they are: settings with comments, and JSON that is cut off."""
    lines = content.text.split("\n")
    draft = Draft(lines=lines, line_numbers=list(range(1, len(lines) + 1)))
    draft.parts += paragraphs(lines, 0, len(lines), verbatim=True)
    is_commented = re.search(r"^\s*(?://|/\*)", content.text, re.MULTILINE) is not None
    return draft.finish(metadata={"language": "json"}, notes=() if is_commented else (note,))


def former_id(document_id: str) -> str:
    """Return the id that version 0.5 gave to a record without one: its line alone. Of other documents it is empty."""
    match = _UNNAMED.fullmatch(document_id)
    return f"{match['file']}{match['line']}" if match else ""


class JsonLinesContainer:
    """Reads a document from each line; a broken line is a problem of its own."""

    suffixes = frozenset((".jsonl", ".ndjson", ".jsonlines"))
    is_binary = False

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield the records, named after their id or else their line.

        Raises:
            UnreadableFile: There are more than `MAX_RECORDS`.
        """
        if sum(1 for line in content.text.split("\n") if line.strip()) > MAX_RECORDS:
            raise UnreadableFile(f"{content.source} has more than {MAX_RECORDS:,} records. Split it.")
        reader = _RecordReader(content.record_fields)
        for number, line in enumerate(content.text.split("\n"), start=1):
            if line.strip():
                yield reader.read(line, number)


class _RecordReader:
    """Reads the records of one file, each under a name of its own."""

    def __init__(self, fields: RecordFields) -> None:
        self._fields = fields
        self._names: dict[str, int] = {}
        """The lines of the records so far, by their names."""

    def read(self, line: str, number: int) -> InnerDocument:
        """Return the record on a line of the file, or what is wrong with it."""
        name, is_unnamed = f"line {number}", True
        try:
            record: Any = json.loads(line, parse_int=_whole_number)
            name, is_unnamed = self._name(record) or name, False
            parsed = self._document(record, line, number)
        except json.JSONDecodeError as error:
            problem = f"Line {number:,} is not valid JSON: {error.msg} (column {error.colno:,})."
            return InnerDocument(name, problem=problem, is_unnamed=is_unnamed)
        except RecursionError:
            problem = f"Line {number:,} is nested too deeply. Flatten it."
            return InnerDocument(name, problem=problem, is_unnamed=is_unnamed)
        except UnreadableFile as error:
            return InnerDocument(name, problem=f"Line {number:,} cannot be read: {error}")
        if name in self._names:
            first = self._names[name]
            problem = f"Line {number:,} has the same id as line {first:,}: {name!r}. Give each record its own."
            return InnerDocument(f"{name} (line {number})", problem=problem)
        self._names[name] = number
        return InnerDocument(name, parsed=parsed)

    def _name(self, record: Any) -> str:
        if not isinstance(record, dict):
            return ""
        id_ = _first(cast("Mapping[str, Any]", record), self._fields.id, str | int)[1]
        return " ".join(normalise(str(id_)).split())[:_MAX_NAME_CHARS]

    def _document(self, record: Any, line: str, number: int) -> ParsedDocument:
        draft = Draft()
        if not isinstance(record, dict):
            write_json(draft, nodes_of(line, number))
            return draft.finish()
        fields = cast("Mapping[str, Any]", record)
        title_name, title = _first(fields, self._fields.title, str)
        text_name, text = _first(fields, self._fields.text, str | list)
        if text_name:
            _write_text(draft, text, number)
        used = {title_name, text_name, _first(fields, self._fields.id, str | int)[0]}
        rest = {name: value for name, value in fields.items() if name not in used}
        metadata = {name: _clean(value) for name, value in rest.items() if _is_field(name, value)}
        # What is long or nested is no field to filter by, and a record without a text is searched by all its values.
        searched = {name: value for name, value in rest.items() if name not in metadata or not text_name}
        if searched:
            write_json(draft, nodes_of(json.dumps(searched, ensure_ascii=False), number))
        title = " ".join(normalise(title).split())
        if not draft.lines:
            draft.add([title], [number])
        return draft.finish(title=title[:_MAX_TITLE_CHARS], metadata=metadata)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else digits


def _first(record: Mapping[str, Any], names: Sequence[str], kind: Any) -> tuple[str, Any]:
    """Return the name and value of the first field of the names that has a value of that kind, or two empty texts."""
    by_name = {name.lower(): name for name in record}
    for wanted in names:
        name = by_name.get(wanted.lower(), "")
        value = record.get(name, "")
        if isinstance(value, kind) and not isinstance(value, bool) and value not in ("", []):
            if isinstance(value, list) and not all(isinstance(item, str) for item in cast("list[Any]", value)):
                continue
            return name, cast("Any", value)
    return "", ""


def _write_text(draft: Draft, text: str | Sequence[str], number: int) -> None:
    """Write the paragraphs of a text, or of a list of texts."""
    whole = text if isinstance(text, str) else "\n\n".join(text)
    draft.lines = normalise(whole).split("\n")
    draft.line_numbers = [number] * len(draft.lines)
    draft.parts += paragraphs(draft.lines, 0, len(draft.lines))


def _clean(value: Any) -> Any:
    """Return a field without what no store accepts."""
    if isinstance(value, list):
        return [_clean(item) for item in cast("list[Any]", value)]
    return normalise(value) if isinstance(value, str) else value


def _is_field(name: str, value: Any) -> bool:
    """Return whether a value is one to filter by: a short text, a number, true or false, or a list of these."""
    if _FIELD_NAME.fullmatch(name) is None:
        return False
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return 0 < len(items) <= 50 and all(_is_scalar(item) for item in items)
    return _is_scalar(value)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _SHORT_CHARS and "\n" not in value
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))
