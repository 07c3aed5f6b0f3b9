"""Judged queries: what was asked, and which documents are relevant."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

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
    """How many queries have no relevant document, and were left out."""
    repeated: int = 0
    """How many lines repeat the question of an earlier one, with which they were joined."""
    missing: int = 0
    """How many relevant documents are not among those of the set. They count as not found."""
    unanswerable: int = 0
    """How many queries were left out because all of their relevant documents are missing."""

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


class LeftOutQueries(Protocol):
    """What was left out of a judged set."""

    @property
    def unwritten(self) -> int:
        """Return how many lines have no question."""
        ...

    @property
    def unanswered(self) -> int:
        """Return how many lines or queries have no relevant document."""
        ...

    @property
    def repeated(self) -> int:
        """Return how many lines repeat a question."""
        ...

    @property
    def missing(self) -> int:
        """Return how many relevant documents are not among those of the set."""
        ...

    @property
    def unanswerable(self) -> int:
        """Return how many queries have no relevant document but such."""
        ...


def describe_left_out(left_out: LeftOutQueries, *, split: str) -> list[str]:
    """Return a sentence each on what was left out, if anything was: lines of a list, or queries of a `split`."""
    lines = [f"{counted(left_out.unwritten, 'line')} without a question {_was(left_out.unwritten)} left out."]
    unanswered, missing, lost = left_out.unanswered, left_out.missing, left_out.unanswerable
    what = agreeing(unanswered, "query", "queries") if split else agreeing(unanswered, "line", "lines")
    lines.append(f"{unanswered:,} {what} without a relevant document {_was(unanswered)} left out.")
    repeated = left_out.repeated
    repeat = f"{counted(repeated, 'line')} that {agreeing(repeated, 'repeats', 'repeat')} a question"
    lines.append(f"{repeat} {_was(repeated)} joined with the first of it.")
    told = f"{counted(missing, 'relevant document')} {agreeing(missing, 'is', 'are')} not in the corpus"
    queries = f"{lost:,} {agreeing(lost, 'query that has', 'queries that have')} no other {_was(lost)} left out"
    lines.append(f"{told} and {agreeing(missing, 'counts', 'count')} as not found{f'; {queries}' if lost else ''}.")
    counts = (left_out.unwritten, unanswered, repeated, missing)
    return [line for line, count in zip(lines, counts, strict=True) if count]


def _was(count: int) -> str:
    return agreeing(count, "was", "were")


def answered(judged: JudgedSet) -> JudgedSet:
    """Return the set without the queries that have no relevant document, which are counted."""
    kept = [key for key in judged.queries if _relevant(judged.grades.get(key, {}))]
    return replace(select(judged, kept), unanswered=judged.unanswered + len(judged.queries) - len(kept))


def answered_by_own_documents(judged: JudgedSet) -> JudgedSet:
    """Return a set that comes with documents without the queries that none of them answers, which are counted.

    Raises:
        InvalidInput: No query is left.
    """
    judged, held = answered(judged), {document.id for document in judged.documents}
    relevant = {key: _relevant(judged.grades[key]) for key in judged.queries}
    kept = [key for key, documents in relevant.items() if not documents.isdisjoint(held)]
    missing = {document for documents in relevant.values() for document in documents} - held
    if not kept:
        lacks = f": its corpus lacks {min(missing)!r}, for example" if missing else ""
        raise InvalidInput(f"{judged.name} has no query that one of its documents answers{lacks}.")
    lost = len(judged.queries) - len(kept)
    return replace(select(judged, kept), missing=len(missing), unanswerable=lost)


def _relevant(grades: Mapping[str, int]) -> set[str]:
    return {document for document, grade in grades.items() if grade > 0}


def checked(judged: JudgedSet) -> JudgedSet:
    """Return a set that was not read from files, if it can be used.

    Raises:
        InvalidInput: It has no queries, or a query without grades.
    """
    if not judged.queries:
        raise InvalidInput(f"The judged set {judged.name!r} has no queries. Add some, with grades of documents.")
    for key in judged.queries:
        if not _relevant(judged.grades.get(key, {})):
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
