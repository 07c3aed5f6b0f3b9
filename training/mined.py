"""What mining found, on disk: one file of questions, and beside it one of the passages that they share."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Write `text` beside `path`, and then put it in its place."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that hybrid search found. `grade` is the judges', or -1 where they said nothing."""

    text: str
    fused: float
    grade: int = -1


@dataclass(frozen=True, slots=True)
class Mined:
    """A question and its candidates, best first, relevant ones that the search did not find at the end."""

    query: str
    candidates: list[Candidate]

    @property
    def judged(self) -> bool:
        """Return whether a relevant candidate is known."""
        return any(each.grade > 0 for each in self.candidates)


class MinedFile:
    """Appends questions so that a kill loses at most the one being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passages_path = path.with_suffix(".passages.jsonl")
        self._places = {text: place for place, text in enumerate(_lines(self._passages_path))}

    def count(self) -> int:
        """Return how many questions are there."""
        return sum(1 for _ in _lines(self._path))

    def append(self, mined: Mined) -> None:
        """Add a question; passages that no earlier one had go into their file first."""
        fresh = list(dict.fromkeys(each.text for each in mined.candidates if each.text not in self._places))
        _append(self._passages_path, fresh)
        self._places |= {text: len(self._places) + place for place, text in enumerate(fresh)}
        candidates = [[self._places[each.text], each.fused, each.grade] for each in mined.candidates]
        _append(self._path, [{"query": mined.query, "candidates": candidates}])

    def read(self) -> Iterator[Mined]:
        """Yield the questions; equal passages are one string."""
        texts = list(_lines(self._passages_path))
        for entry in _lines(self._path):
            candidates = [Candidate(texts[place], fused, grade) for place, fused, grade in entry["candidates"]]
            yield Mined(entry["query"], candidates)


def _lines(path: Path) -> Iterator[Any]:
    """Yield the values of whole lines; one that a kill cut off is taken out of the file."""
    if not path.exists():
        return
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        os.truncate(path, end)
    yield from map(json.loads, data[:end].splitlines())


def _append(path: Path, values: Sequence[object]) -> None:
    # Half a surrogate pair is valid in JSON, but has no UTF-8.
    with path.open("a", encoding="utf-8", errors="replace") as file:
        file.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
