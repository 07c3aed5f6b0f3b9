"""A catalogue of car parts with terse titles and full descriptions, and questions with their answers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.values import Document

PARTS = Path(__file__).parent / "parts"


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question and the ids of the documents that answer it, if any."""

    text: str
    relevant: tuple[str, ...] = ()


def parts() -> list[Document]:
    """Return the catalogue in its own order, one document per part."""
    return [
        Document(
            id=part["id"],
            title=part["title"],
            text=part["text"],
            source=f"parts://{part['id']}",
            metadata=part["metadata"],
        )
        for part in _lines("parts.jsonl")
    ]


def part_questions() -> list[DemoQuestion]:
    """Return the questions. No part answers the last one."""
    return [DemoQuestion(line["query"], tuple(line["relevant"])) for line in _lines("queries.jsonl")]


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (PARTS / name).read_text(encoding="utf-8").splitlines()]
