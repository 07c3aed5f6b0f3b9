"""Judged queries: what was asked, and which documents are relevant."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.text import agreeing, counted
from ..core.values import Document
from ..store.naming import LONGEST_NAME

MIN_QUESTIONS = 20  # the interval of 20 questions is about 0.2 wide; with fewer it says nothing

Grades = Mapping[str, Mapping[str, int]]
"""Relevance grades by query id and document id: above 0 is relevant, 0 was judged and is not."""


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question with the ids of the documents that answer it."""

    query: str
    relevant: Sequence[str]


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Queries by id with their relevance grades.

    A set in BEIR form has documents of its own and a split. A list of questions has neither: it is about the documents
    of a collection.
    """

    name: str
    queries: Mapping[str, str]
    grades: Grades
    documents: Sequence[Document] = ()
    split: str = ""
    unwritten: int = 0
    """How many lines of a list have no question yet, and were left out."""
    unanswered: int = 0
    """How many questions of a list no document answers, and were left out."""

    @property
    def has_documents(self) -> bool:
        """Return whether the set comes with the documents that its queries are about."""
        return bool(self.split)

    @property
    def own_collection(self) -> str:
        """Return the name of the collection that an evaluation keeps the documents of the set in."""
        return f"eval-{self.name}"[:LONGEST_NAME]


def describe_left_out(*, unwritten: int, unanswered: int) -> list[str]:
    """Return a sentence each on the lines of a list without a question and without an answer, if there are any."""
    counts = {"a question": unwritten, "a relevant document": unanswered}
    return [
        f"{counted(count, 'line')} without {lacking} {agreeing(count, 'was', 'were')} left out."
        for lacking, count in counts.items()
        if count
    ]


def sample(judged: JudgedSet, count: int, *, seed: int) -> JudgedSet:
    """Return the set with `count` of its queries, always the same ones for a seed; 0 keeps all of them."""
    keys = sorted(judged.queries)
    if not 0 < count < len(keys):
        return select(judged, judged.queries)
    random.Random(seed).shuffle(keys)  # noqa: S311 - draws questions, not secrets
    return select(judged, keys[:count])


def select(judged: JudgedSet, keys: Iterable[str]) -> JudgedSet:
    """Return the set with these queries and their grades alone."""
    kept = list(keys)
    queries = {key: judged.queries[key] for key in kept}
    return replace(judged, queries=queries, grades={key: judged.grades[key] for key in kept})
