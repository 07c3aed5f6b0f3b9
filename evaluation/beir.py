"""Read judged sets in BEIR form: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..core.errors import InvalidInput, NotFound, UnreadableFile
from ..core.values import Document
from ..pipeline.request import clean_query
from .judged import JudgedSet

EXAMPLE = '{"_id": "d1", "title": "optional", "text": "..."}'

FILES = "A folder in BEIR form has corpus.jsonl, queries.jsonl and qrels/<split>.tsv."


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of corpus.jsonl or queries.jsonl."""

    id: str
    title: str
    text: str


def load(folder: Path, split: str) -> JudgedSet:
    """Return the judged set in `folder` with the queries that `split` judges.

    Raises:
        NotFound: A file is missing.
        UnreadableFile: A line is malformed; the message names it.
    """
    grades = _grades(folder / "qrels" / f"{split}.tsv")
    return JudgedSet(
        name=folder.resolve().name,
        queries=_queries(folder / "queries.jsonl", grades),
        grades=grades,
        documents=_documents(folder / "corpus.jsonl"),
        split=split,
    )


def splits(folder: Path) -> list[str]:
    """Return the names of the splits in `folder`, in alphabetical order."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def choose_split(folder: Path, *, preferred: str = "test") -> str:
    """Return the preferred split if there is one, else "test", else the only one.

    Raises:
        NotFound: There are no splits.
        InvalidInput: There are several others.
    """
    known = splits(folder)
    if not known:
        raise NotFound(f"There are no judgements in {folder / 'qrels'}. {FILES}")
    for name in (preferred, "test"):
        if name in known:
            return name
    if len(known) > 1:
        names = ", ".join(known)
        raise InvalidInput(
            f"{folder} has the splits {names}, and none is called test. Choose one: `split` in Python, --split on the "
            "command line."
        )
    return known[0]


def _documents(path: Path) -> list[Document]:
    """Return the documents; a title stands in for a blank text, and entries with neither are left out."""
    entries = (_entry(line, location) for location, line in lines_of(path))
    return [
        Document(id=entry.id, title=entry.title, text=entry.text if entry.text.strip() else entry.title)
        for entry in entries
        if entry.text.strip() or entry.title.strip()
    ]


def _queries(path: Path, judged: Collection[str]) -> dict[str, str]:
    queries: dict[str, str] = {}
    for location, line in lines_of(path):
        entry = _entry(line, location)
        if entry.id in judged:
            queries[entry.id] = _query(entry.text, location)
    return queries


def _grades(path: Path) -> dict[str, dict[str, int]]:
    if not path.is_file():
        known = ", ".join(splits(path.parent.parent)) or "none"
        raise NotFound(f"There is no file {path}. Splits in that folder: {known}.")
    grades: dict[str, dict[str, int]] = {}
    for number, (location, row) in enumerate(lines_of(path)):
        try:
            query, document, grade = row.rstrip("\r\n").split("\t")
            if number or grade.isdecimal():  # the first line may be a heading
                grades.setdefault(query, {})[document] = int(grade)
        except ValueError as error:
            raise UnreadableFile(f"{location}: {row!r} is not 'query<TAB>document<TAB>grade'.") from error
    return grades


def lines_of(path: Path, files: str = FILES) -> Iterator[tuple[str, str]]:
    """Yield the location ("file:number") and text of each line that is not blank.

    Raises:
        NotFound: There is no such file; the message ends with `files`, which says what belongs in the folder.
        UnreadableFile: A line is not UTF-8.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}. {files}")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            location = f"{path}:{number}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")  # some editors write a byte-order mark
            except UnicodeDecodeError as error:
                reason = f"{error.reason} at byte {error.start} of the line"
                raise UnreadableFile(f"{location} is not UTF-8: {reason}. Save the file as UTF-8.") from error
            if text.strip():
                yield location, text


def _entry(line: str, location: str) -> _Entry:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise UnreadableFile(f"{location} is not a JSON object: {error}. Write it as {EXAMPLE}.") from error
    if not isinstance(value, dict):
        raise UnreadableFile(f"{location} is not a JSON object. Write it as {EXAMPLE}.")
    entry = cast("dict[str, Any]", value)
    if missing := [name for name in ("_id", "text") if name not in entry]:
        raise UnreadableFile(f"{location} lacks {' and '.join(missing)}. Write it as {EXAMPLE}.")
    identifier, title, text = entry["_id"], entry.get("title") or "", entry["text"]
    if not isinstance(identifier, str | int):
        raise UnreadableFile(f"{location}: _id is {identifier!r}, but must be a string or an integer.")
    if not isinstance(title, str) or not isinstance(text, str):
        raise UnreadableFile(f"{location}: text and title must be strings, as in {EXAMPLE}.")
    return _Entry(str(identifier), title, text)


def _query(text: str, location: str) -> str:
    try:
        clean_query(text)
    except InvalidInput as error:
        raise UnreadableFile(f"{location}: {error}") from error
    return text
