"""Load judged queries from a folder in BEIR form or from a file of questions."""

import re
from dataclasses import replace
from pathlib import Path

from ..core.errors import InvalidInput
from .beir import choose_split, load
from .judged import JudgedSet, answered, sample
from .question_file import read_questions


def load_judged(
    path: Path,
    *,
    split: str = "",
    preferred_split: str = "test",
    queries: int = 0,
    seed: int = 0,
    allow_unanswered: bool = False,
) -> JudgedSet:
    """Return the judged set at `path`, or a sample of its queries.

    The name of a set can be that of a collection, whatever the name of its folder.

    Args:
        path: A folder in BEIR form, or a file with one {query, relevant} per line.
        split: The split of a folder; "" is the preferred one, "test", or the only one.
        preferred_split: The split to use where none is named.
        queries: How many queries to draw; 0 keeps all.
        seed: Which queries are drawn.
        allow_unanswered: Whether to keep questions without a relevant document.

    Raises:
        ResiftError: The data is missing or malformed.
    """
    if not path.is_dir():
        return sample(read_questions(path, allow_unanswered=allow_unanswered), queries, seed=seed)
    split = split or choose_split(path, preferred=preferred_split)
    judged = load(path, split)
    if not judged.queries:
        raise InvalidInput(f"{path}: split {split!r} judges none of the queries in queries.jsonl.")
    judged = replace(judged, name=_collection_name(judged.name))
    chosen = judged if allow_unanswered else answered(judged)
    if not chosen.queries:
        raise InvalidInput(f"{path}: split {split!r} names no relevant document: none of its grades is above 0.")
    return sample(chosen, queries, seed=seed)


def _collection_name(name: str) -> str:
    """Return the name of a folder as a valid collection name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64] or "judged"
