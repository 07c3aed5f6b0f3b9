"""A folder of graded lists over documents of one sentence: two pools, with and without an answer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resift.tests.pipeline.one_sentence import (
    HOUSE,
    HOUSE_ANSWERED,
    HOUSE_UNANSWERED,
    OFFICE,
    OFFICE_ANSWERED,
    OFFICE_UNANSWERED,
)


def write_graded(folder: Path) -> Path:
    """Write the two files, and return the folder."""
    rows = {
        "lists.jsonl": [
            *_lists("office", OFFICE, OFFICE_ANSWERED, OFFICE_UNANSWERED),
            *_lists("house", HOUSE, HOUSE_ANSWERED, HOUSE_UNANSWERED),
        ],
        "corpus.jsonl": [{"_id": key, "text": text} for key, text in (OFFICE | HOUSE).items()],
    }
    for name, entries in rows.items():
        (folder / name).write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return folder


def _lists(pool: str, texts: Mapping[str, str], answered: Mapping[str, str], unanswered: Sequence[str]) -> list[Any]:
    return [
        {
            "q": question,
            "pool": pool,
            "style": "question" if question in answered else "unanswerable",
            "passages": list(texts),
            "grades": [3 if key == answered.get(question) else 0 for key in texts],
        }
        for question in (*answered, *unanswered)
    ]
