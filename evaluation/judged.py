"""Judged questions in BEIR form: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ..core.errors import InvalidInput, NotFound, UnreadableFile
from ..core.values import Document
from ..pipeline.question import check_query

FORM = '{"_id": "d1", "title": "may be left out", "text": "..."}'

Grades = Mapping[str, Mapping[str, int]]
"""How well a document answers, by query id and document id; above 0 is relevant, 0 was judged and is not."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged set: documents, the split's queries by id, and their grades."""

    name: str
    documents: list[Document]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of documents or queries."""

    id: str
    title: str
    text: str


def load(folder: Path, split: str) -> Judged:
    """Return the judged set in `folder`, with the queries that `split` judges.

    Raises:
        NotFound: a file is missing.
        UnreadableFile: a line, which is named, is not what the form asks for, or no query that can be asked.
    """
    entries = (_entry(text, place) for place, text in _lines(folder / "corpus.jsonl"))
    documents = [
        Document(id=entry.id, title=entry.title, text=entry.text if entry.text.strip() else entry.title)
        for entry in entries
        if entry.text.strip() or entry.title.strip()
    ]
    grades = _grades(folder / "qrels" / f"{split}.tsv")
    queries: dict[str, str] = {}
    for place, text in _lines(folder / "queries.jsonl"):
        entry = _entry(text, place)
        if entry.id in grades:
            queries[entry.id] = _query(entry.text, place)
    return Judged(folder.resolve().name, documents, queries=queries, grades=grades)


def splits(folder: Path) -> list[str]:
    """Return the names of the splits in `folder`, in alphabetical order."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def choose_split(folder: Path) -> str:
    """Return "test" where there is such a split, else the only one.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several others.
    """
    known = splits(folder)
    if not known:
        raise NotFound(f"No judgements in {folder / 'qrels'}. A judged set has qrels/<split>.tsv.")
    if "test" not in known and len(known) > 1:
        names = ", ".join(known)
        raise InvalidInput(f"{folder} has the splits {names}, and none is called test. Choose one with --split.")
    return "test" if "test" in known else known[0]


def sample(judged: Judged, number: int, *, seed: int) -> Judged:
    """Return the set with `number` of its queries, always the same ones for a seed; with all of them when 0."""
    keys = sorted(judged.queries)
    if 0 < number < len(keys):
        random.Random(seed).shuffle(keys)  # noqa: S311 - a draw of questions, not of secrets
        keys = keys[:number]
    queries, grades = ({key: each[key] for key in keys} for each in (judged.queries, judged.grades))
    return replace(judged, queries=queries, grades=grades)


def _grades(path: Path) -> dict[str, dict[str, int]]:
    if not path.is_file():
        known = ", ".join(splits(path.parent.parent)) or "none"
        raise NotFound(f"No judgements {path}. Splits there: {known}.")
    grades: dict[str, dict[str, int]] = {}
    for number, (place, row) in enumerate(_lines(path)):
        try:
            query, document, grade = row.rstrip("\r\n").split("\t")
            if number or grade.isdecimal():  # the first line is a heading, where there is one
                grades.setdefault(query, {})[document] = int(grade)
        except ValueError as error:
            raise UnreadableFile(f"{place}: {row!r} is not 'query<TAB>document<TAB>grade'.") from error
    return grades


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line that is not blank, after its file and number."""
    if not path.is_file():
        raise NotFound(f"No file {path}. A judged set has corpus.jsonl, queries.jsonl and qrels/<split>.tsv.")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path}:{number}"
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise UnreadableFile(f"{place} is not UTF-8: {error.reason} at byte {error.start} of it.") from error
            if text.strip():
                yield place, text


def _entry(text: str, place: str) -> _Entry:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UnreadableFile(f"{place} is no JSON object: {error}.") from error
    if not isinstance(value, dict):
        raise UnreadableFile(f"{place} is no JSON object, such as {FORM}.")
    entry = cast("dict[str, Any]", value)
    missing = [name for name in ("_id", "text") if name not in entry]
    if missing:
        raise UnreadableFile(f"{place} lacks {', '.join(missing)}.")
    identifier, title, words = entry["_id"], entry.get("title") or "", entry["text"]
    if not isinstance(identifier, str | int):
        raise UnreadableFile(f"{place}: the _id is {identifier!r}, neither a string nor a whole number.")
    if not isinstance(title, str) or not isinstance(words, str):
        raise UnreadableFile(f"{place}: text and title have to be strings, as in {FORM}.")
    return _Entry(str(identifier), title, words)


def _query(text: str, place: str) -> str:
    try:
        check_query(text)
    except InvalidInput as error:
        raise UnreadableFile(f"{place}: {error}") from error
    return text
