"""Judged questions in BEIR form: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput, NotFound, UnreadableFile
from ..core.values import Document

Grades = Mapping[str, Mapping[str, int]]
"""How well a document answers, by query id and document id; above 0 is relevant, 0 was judged and is not."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged set: documents, the split's queries by id, and their grades."""

    name: str
    documents: list[Document]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]


def load(folder: Path, split: str) -> Judged:
    """Return the judged set in `folder`, with the queries that `split` judges.

    Raises:
        NotFound: a file is missing.
        UnreadableFile: a line is not what the form asks for.
    """
    documents = [
        Document(id=str(line["_id"]), title=line.get("title") or "", text=line["text"] or line["title"])
        for line in _lines(folder / "corpus.jsonl", "_id", "text")
        if line["text"].strip() or (line.get("title") or "").strip()
    ]
    grades = _grades(folder / "qrels" / f"{split}.tsv")
    lines = _lines(folder / "queries.jsonl", "_id", "text")
    queries = {str(line["_id"]): line["text"] for line in lines if str(line["_id"]) in grades}
    return Judged(folder.resolve().name, documents, queries, grades)


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
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            query, document, grade = row.split("\t")
            if number > 1 or grade.isdecimal():  # the first line is a heading, where there is one
                grades.setdefault(query, {})[document] = int(grade)
        except ValueError as error:
            raise UnreadableFile(f"{path}:{number}: {row!r} is not 'query<TAB>document<TAB>grade'.") from error
    return grades


def _lines(path: Path, *fields: str) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise NotFound(f"No file {path}. A judged set has corpus.jsonl, queries.jsonl and qrels/<split>.tsv.")
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if text.strip():
                yield _entry(text, f"{path}:{number}", fields)


def _entry(text: str, place: str, fields: tuple[str, ...]) -> dict[str, Any]:
    try:
        entry = json.loads(text)
        missing = [name for name in fields if name not in entry]
    except (json.JSONDecodeError, TypeError) as error:
        raise UnreadableFile(f"{place} is no JSON object: {error}.") from error
    if missing:
        raise UnreadableFile(f"{place} lacks {', '.join(missing)}.")
    return entry
