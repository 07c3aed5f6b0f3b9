"""Graded lists: questions of several pools, each with passages that were graded for it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..core.errors import InvalidInput, NotFound
from ..core.values import Document
from .judged import JudgedSet

RELEVANT_GRADE = 2  # "answers it in good part"; 1 is on the subject only

LISTS_FILE, CORPUS_FILE = "lists.jsonl", "corpus.jsonl"


class _GradedList(BaseModel):
    """A line of lists.jsonl."""

    model_config = ConfigDict(frozen=True)

    q: str
    pool: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    passages: list[str]
    grades: list[Annotated[int, Field(ge=0, le=3)]]

    @model_validator(mode="after")
    def _matches(self) -> "_GradedList":
        if len(self.passages) != len(self.grades):
            raise ValueError(f"{len(self.passages)} passages have {len(self.grades)} grades")
        return self


class _GradedPassage(BaseModel):
    """A line of corpus.jsonl."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(alias="_id")]
    title: str = ""
    text: str


Row = TypeVar("Row", _GradedList, _GradedPassage)


def read_graded(folder: Path) -> dict[str, JudgedSet]:
    """Return a judged set for each pool of a folder of graded lists, with the passages of its lists as documents.

    `lists.jsonl` has a question per line: `q`, `pool`, `passages` (ids) and `grades` (0 to 3, in the order of
    `passages`). `corpus.jsonl` has a passage per line: `_id`, `title` and `text`. Grades of 2 and 3 become 1, and the
    others 0; a passage that is not in a list was not judged for its question.

    Raises:
        NotFound: A file is missing.
        InvalidInput: A line is malformed, or a list names a passage that the corpus lacks.
    """
    corpus = {each.id: each for each in _rows(folder / CORPUS_FILE, _GradedPassage)}
    lists: dict[str, dict[str, _GradedList]] = {}
    for number, each in enumerate(_rows(folder / LISTS_FILE, _GradedList), start=1):
        if missing := sorted(set(each.passages) - corpus.keys()):
            raise InvalidInput(f"{folder / LISTS_FILE}:{number}: {CORPUS_FILE} has no passage {missing[0]!r}.")
        lists.setdefault(each.pool, {})[str(number)] = each
    return {pool: _judged(pool, questions, corpus) for pool, questions in sorted(lists.items())}


def _judged(pool: str, questions: Mapping[str, _GradedList], corpus: Mapping[str, _GradedPassage]) -> JudgedSet:
    wanted = dict.fromkeys(passage for each in questions.values() for passage in each.passages)
    return JudgedSet(
        pool,
        {key: each.q for key, each in questions.items()},
        grades={
            key: {
                passage: int(grade >= RELEVANT_GRADE) for passage, grade in zip(each.passages, each.grades, strict=True)
            }
            for key, each in questions.items()
        },
        documents=[Document(key, corpus[key].title, text=corpus[key].text) for key in wanted],
        split="graded",
    )


def _rows(path: Path, model: type[Row]) -> Iterator[Row]:
    if not path.is_file():
        raise NotFound(f"There is no file {path}. A folder of graded lists has {LISTS_FILE} and {CORPUS_FILE}.")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield model.model_validate(json.loads(line))
            except (ValidationError, ValueError) as error:
                problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
                raise InvalidInput(f"{path}:{number}: {problem}.") from error
