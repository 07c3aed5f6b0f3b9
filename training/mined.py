"""Mined questions on disk: one file of questions, and one of the passages that they share."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.text import encodable
from ..evaluation.graded import RELEVANT_GRADE


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
    """A question and its candidates, best first; relevant passages that the search missed come last.

    Grades above 0 are relevant. With `graded`, the grades are those of a graded list, where 2 and 3 are, and every
    passage of the list is a candidate; `best` has the places of relevant candidates in the order of a judge.
    """

    query: str
    candidates: list[Candidate]
    graded: bool = False
    best: tuple[int, ...] = ()

    @property
    def judged(self) -> bool:
        """Return whether at least one candidate is relevant."""
        return any(each.grade >= (RELEVANT_GRADE if self.graded else 1) for each in self.candidates)

    def for_measuring(self) -> "MinedQuestion":
        """Return the question with the candidates that count in measures, and grades above 0 for the relevant ones.

        A passage that is not in a graded list is not known to be irrelevant, so it is left out.
        """
        if not self.graded:
            return self
        listed = [each for each in self.candidates if each.grade >= 0]
        lowered = [replace(each, grade=max(0, each.grade - RELEVANT_GRADE + 1)) for each in listed]
        return MinedQuestion(self.query, lowered)


class MinedFile:
    """A file of mined questions. If the process is killed, at most the question being written is lost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passages_path = path.with_suffix(".passages.jsonl")
        texts = list(_lines(self._passages_path))
        self._count = len(texts)
        self._places = {text: place for place, text in enumerate(texts)}

    def count(self) -> int:
        """Return the number of questions."""
        return sum(1 for _ in _lines(self._path))

    def append(self, mined: MinedQuestion) -> None:
        """Add a question. Passages that no earlier question had are written first."""
        texts = [encodable(each.text) for each in mined.candidates]
        fresh = list(dict.fromkeys(text for text in texts if text not in self._places))
        _append(self._passages_path, fresh)
        self._places |= {text: place for place, text in enumerate(fresh, start=self._count)}
        self._count += len(fresh)
        pairs = zip(texts, mined.candidates, strict=True)
        candidates = [[self._places[text], each.fused, each.grade] for text, each in pairs]
        graded = {"graded": True, "best": mined.best} if mined.graded else {}
        _append(self._path, [{"query": encodable(mined.query), "candidates": candidates, **graded}])

    def read(self) -> Iterator[MinedQuestion]:
        """Yield the questions; equal passages share one string."""
        texts = list(_lines(self._passages_path))
        for entry in _lines(self._path):
            candidates = [Candidate(texts[place], fused, grade) for place, fused, grade in entry["candidates"]]
            graded, best = entry.get("graded", False), tuple(entry.get("best", ()))
            yield MinedQuestion(entry["query"], candidates, graded=graded, best=best)


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
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
