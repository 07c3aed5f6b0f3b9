"""Judged queries: what was asked, and which documents are relevant."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.errors import InvalidInput
from ..core.values import Document
from ..pipeline.request import clean_query

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

    @property
    def has_documents(self) -> bool:
        """Return whether the set comes with the documents that its queries are about."""
        return bool(self.split)


def from_questions(questions: Iterable[JudgedQuestion], *, name: str = "questions") -> JudgedSet:
    """Return a judged set of questions about a collection. Query ids are positions from 1; grades are 1.

    Raises:
        InvalidInput: A query is empty or too long, a question has no relevant documents, or there are no questions.
    """
    queries: dict[str, str] = {}
    grades: dict[str, dict[str, int]] = {}
    for number, question in enumerate(questions, start=1):
        try:
            queries[str(number)] = clean_query(question.query)
        except InvalidInput as error:
            raise InvalidInput(f"Question {number}: {error}") from error
        if not question.relevant:
            raise InvalidInput(f"Question {number} lists no relevant documents. Give at least one document id.")
        grades[str(number)] = dict.fromkeys(question.relevant, 1)
    if not queries:
        raise InvalidInput("There are no questions to ask. Give at least one.")
    return JudgedSet(name=name, queries=queries, grades=grades)


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
