"""Judged queries: what was asked, and which documents are relevant."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.errors import InvalidInput
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
    repeated: int = 0
    """How many lines repeat the question of an earlier one, with which they were joined."""

    @property
    def has_documents(self) -> bool:
        """Return whether the set comes with the documents that its queries are about."""
        return bool(self.split)

    @property
    def own_collection(self) -> str:
        """Return the name of the collection that an evaluation keeps the documents of the set in."""
        return f"eval-{self.name}"[:LONGEST_NAME]


def as_one_question(query: str) -> str:
    """Return what is equal for two queries that differ in capitals and white space alone."""
    return " ".join(query.split()).casefold()


def join_repeated(judged: JudgedSet) -> JudgedSet:
    """Return the set with each question once, by its first id, with the highest grades of all its lines.

    Repetitions are no further evidence: resampled and held out as if they were, they make chance look certain.
    """
    first: dict[str, str] = {}
    grades: dict[str, dict[str, int]] = {}
    for key, query in judged.queries.items():
        joined = grades.setdefault(first.setdefault(as_one_question(query), key), {})
        for document, grade in judged.grades[key].items():
            joined[document] = max(grade, joined.get(document, grade))
    repeated = judged.repeated + len(judged.queries) - len(first)
    return replace(select(judged, first.values()), grades=grades, repeated=repeated)


def describe_left_out(*, unwritten: int, unanswered: int, repeated: int) -> list[str]:
    """Return a sentence each on the lines of a list without a question, without an answer, and that repeat a question.

    None for those of which there are none.
    """
    counts = {
        "without a question {} left out": unwritten,
        "without a relevant document {} left out": unanswered,
        "that repeat{s} a question {} joined with the first of it": repeated,
    }
    return [
        f"{counted(count, 'line')} {what.format(agreeing(count, 'was', 'were'), s=agreeing(count, 's', ''))}."
        for what, count in counts.items()
        if count
    ]


def checked(judged: JudgedSet) -> JudgedSet:
    """Return a set that was not read from files, if it can be used.

    Raises:
        InvalidInput: It has no queries, or a query without grades.
    """
    if not judged.queries:
        raise InvalidInput(f"The judged set {judged.name!r} has no queries. Add some, with grades of documents.")
    for key in judged.queries:
        if not any(grade > 0 for grade in judged.grades.get(key, {}).values()):
            raise InvalidInput(
                f"The judged set {judged.name!r} has no document of a grade above 0 for the query {key!r}. Add one to "
                "`grades`, by its id, or leave the query out."
            )
    return judged


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
