"""Judged test sets in BEIR form: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.core.values import Document


@dataclass(frozen=True, slots=True)
class Judged:
    """A test set: documents, the split's queries by id, and grades by query and document id."""

    name: str
    documents: list[Document]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]


def load(folder: Path, split: str) -> Judged:
    """Return the test set in `folder` with the queries judged in `split`."""
    documents = [
        Document(id=line["_id"], title=line.get("title", ""), text=line["text"] or line["title"])
        for line in _lines(folder / "corpus.jsonl")
        if line["text"].strip() or line.get("title", "").strip()
    ]
    grades: dict[str, dict[str, int]] = {}
    for row in (folder / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = row.split("\t")
        grades.setdefault(query, {})[document] = int(grade)
    queries = {line["_id"]: line["text"] for line in _lines(folder / "queries.jsonl") if line["_id"] in grades}
    return Judged(folder.name, documents, queries, grades)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
