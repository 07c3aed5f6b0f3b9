"""Mined questions on disk: one file of questions, and one of the passages that they share."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is never seen incomplete: beside its place first, then renamed."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that hybrid search found. `grade` is its judgement, or -1 if it was not judged."""

    text: str
    fused: float
    grade: int = -1


@dataclass(frozen=True, slots=True)
class MinedQuestion:
    """A question and its candidates, best first; relevant passages that the search missed come last."""

    query: str
    candidates: list[Candidate]

    @property
    def judged(self) -> bool:
        """Return whether at least one candidate is relevant."""
        return any(each.grade > 0 for each in self.candidates)


class MinedFile:
    """A file of mined questions. If the process is killed, at most the question being written is lost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passages_path = path.with_suffix(".passages.jsonl")
        self._places = {text: place for place, text in enumerate(_lines(self._passages_path))}

    def count(self) -> int:
        """Return the number of questions."""
        return sum(1 for _ in _lines(self._path))

    def append(self, mined: MinedQuestion) -> None:
        """Add a question. Passages that no earlier question had are written first."""
        fresh = list(dict.fromkeys(each.text for each in mined.candidates if each.text not in self._places))
        _append(self._passages_path, fresh)
        self._places |= {text: len(self._places) + place for place, text in enumerate(fresh)}
        candidates = [[self._places[each.text], each.fused, each.grade] for each in mined.candidates]
        _append(self._path, [{"query": mined.query, "candidates": candidates}])

    def read(self) -> Iterator[MinedQuestion]:
        """Yield the questions; equal passages share one string."""
        texts = list(_lines(self._passages_path))
        for entry in _lines(self._path):
            candidates = [Candidate(texts[place], fused, grade) for place, fused, grade in entry["candidates"]]
            yield MinedQuestion(entry["query"], candidates)


def _lines(path: Path) -> Iterator[Any]:
    """Yield the values of complete lines; an incomplete last line is removed from the file."""
    if not path.exists():
        return
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        os.truncate(path, end)
    yield from map(json.loads, data[:end].splitlines())


def _append(path: Path, values: Sequence[object]) -> None:
    # A lone surrogate is valid in JSON, but cannot be encoded as UTF-8.
    with path.open("a", encoding="utf-8", errors="replace") as file:
        file.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
