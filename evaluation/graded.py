"""Graded lists: questions of several pools, each with passages that were graded for it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..core.errors import InvalidInput
from ..core.values import Document
from ..pipeline.request import clean_query
from .beir import lines_of
from .judged import JudgedSet

RELEVANT_GRADE = 2  # "answers it in good part"; 1 is on the subject only

LISTS_FILE, CORPUS_FILE = "lists.jsonl", "corpus.jsonl"

FILES = f"A folder of graded lists has {LISTS_FILE} and {CORPUS_FILE}."


@dataclass(frozen=True, slots=True)
class GradedQuestion:
    """A question, and the grade of each passage that was graded for it."""

    query: str
    grades: Mapping[str, int]
    """From 0 to 3, by passage id, in the order of the list."""
    style: str = ""
    """What kind of query it is, such as "howto" or "unanswerable"; empty if the list does not say."""
    best: Sequence[str] = ()
    """The passages of grade 2 and 3, best first; empty if the list does not order them."""

    @property
    def is_answered(self) -> bool:
        """Return whether any passage answers it."""
        return any(grade >= RELEVANT_GRADE for grade in self.grades.values())


@dataclass(frozen=True, slots=True)
class GradedPool:
    """The graded questions about one body of documents, by id, and the passages that were graded for any of them."""

    name: str
    questions: Mapping[str, GradedQuestion]
    documents: Sequence[Document]

    @property
    def judged(self) -> JudgedSet:
        """Return the pool as a judged set, in which grades of 2 and 3 are 1, and the others 0."""
        return JudgedSet(
            self.name,
            {key: each.query for key, each in self.questions.items()},
            grades={
                key: {passage: int(grade >= RELEVANT_GRADE) for passage, grade in each.grades.items()}
                for key, each in self.questions.items()
            },
            documents=self.documents,
            split="graded",
        )


class _GradedList(BaseModel):
    """A line of lists.jsonl."""

    model_config = ConfigDict(frozen=True)

    q: str
    pool: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    style: str = ""
    passages: list[str]
    grades: list[Annotated[int, Field(ge=0, le=3)]]
    best: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> "_GradedList":
        clean_query(self.q)
        if len(self.passages) != len(self.grades):
            raise ValueError(f"{len(self.passages)} passages have {len(self.grades)} grades")
        grades = dict(zip(self.passages, self.grades, strict=True))
        if wrong := [each for each in self.best if grades.get(each, 0) < RELEVANT_GRADE]:
            raise ValueError(f"best names {wrong[0]!r}, which has no grade of {RELEVANT_GRADE} or more")
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

    Grades of 2 and 3 become 1, and the others 0; a passage that is not in a list was not judged for its question.

    Raises:
        NotFound: A file is missing.
        UnreadableFile: A line is not UTF-8.
        InvalidInput: A line is malformed, or a list names a passage that the corpus lacks.
    """
    return {name: pool.judged for name, pool in read_pools(folder).items()}


def read_pools(folder: Path) -> dict[str, GradedPool]:
    """Return the pools of a folder of graded lists, with all grades.

    `lists.jsonl` has a question per line: `q`, `pool`, `passages` (ids) and `grades` (0 to 3, in the order of
    `passages`), and may have its `style` and `best` (ids of grade 2 and 3, best first). `corpus.jsonl` has a passage
    per line: `_id`, `title` and `text`.

    Raises:
        NotFound: A file is missing.
        UnreadableFile: A line is not UTF-8.
        InvalidInput: A line is malformed, or a list names a passage that the corpus lacks.
    """
    corpus = {each.id: each for _, each in _rows(folder / CORPUS_FILE, _GradedPassage)}
    lists: dict[str, dict[str, _GradedList]] = {}
    for number, (location, each) in enumerate(_rows(folder / LISTS_FILE, _GradedList), start=1):
        if missing := sorted(set(each.passages) - corpus.keys()):
            raise InvalidInput(f"{location}: {CORPUS_FILE} has no passage {missing[0]!r}.")
        lists.setdefault(each.pool, {})[str(number)] = each
    return {pool: _pool(pool, questions, corpus) for pool, questions in sorted(lists.items())}


def _pool(name: str, lists: Mapping[str, _GradedList], corpus: Mapping[str, _GradedPassage]) -> GradedPool:
    wanted = dict.fromkeys(passage for each in lists.values() for passage in each.passages)
    questions = {
        key: GradedQuestion(
            query=each.q,
            grades=dict(zip(each.passages, each.grades, strict=True)),
            style=each.style,
            best=tuple(each.best),
        )
        for key, each in lists.items()
    }
    documents = [Document(key, corpus[key].title, text=corpus[key].text) for key in wanted]
    return GradedPool(name, questions, documents)


def _rows(path: Path, model: type[Row]) -> Iterator[tuple[str, Row]]:
    """Yield the location and the value of each line that is not blank."""
    for location, line in lines_of(path, FILES):
        try:
            yield location, model.model_validate(json.loads(line))
        except (ValidationError, ValueError) as error:
            problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise InvalidInput(f"{location}: {problem}.") from error
        except InvalidInput as error:  # of the query
            raise InvalidInput(f"{location}: {error}") from error
