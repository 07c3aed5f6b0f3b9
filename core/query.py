"""The query as it is passed, unchanged, from the caller to the models."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["hybrid", "dense", "keyword"]
"""How to search: by meaning (dense), by words (keyword), or both (hybrid)."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Query:
    """A query, how to read it, and its deadline.

    `text` may be empty in a search by example passages; nothing is reranked then.
    """

    text: str
    phrasings: tuple[str, ...] = ()
    """Other phrasings of the text. Retrieval searches for all of them; rerankers read `text` alone."""
    instruction: str = ""
    """What counts as relevant, for rerankers that follow instructions."""
    deadline_s: float = inf
    """The time on `clock` after which reranking stops."""
    clock: Callable[[], float] = time.perf_counter
    now: datetime = field(default_factory=_now)
    """The time from which the ages of dated passages are counted."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the text and its other phrasings, without empty ones."""
        return tuple(each for each in (self.text, *self.phrasings) if each)

    @property
    def seconds_left(self) -> float:
        """Return the seconds until the deadline: `inf` without one, negative after it."""
        return self.deadline_s - self.clock()

    @property
    def has_deadline(self) -> bool:
        """Return whether the query has a deadline."""
        return self.deadline_s < inf

    def within(self, seconds: float) -> "Query":
        """Return the query with its deadline at most `seconds` from now."""
        return replace(self, deadline_s=min(self.deadline_s, self.clock() + seconds))

    def share(self, stages: int) -> "Query":
        """Return the query for the first of `stages` stages, which may take an equal part of the time left."""
        return self.within(self.seconds_left / stages) if self.has_deadline else self

    def without_instruction(self) -> "Query":
        """Return the query for a model that follows no instructions."""
        return replace(self, instruction="") if self.instruction else self
