"""The two seams to reranking models: one that scores passages, and one that orders them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from ..core.errors import ModelError
from ..core.query import Query
from ..core.values import NO_USAGE, Hit, Passage, Usage
from .blend import Weights

QUERY_UNREAD = "{} knows less than half of the letters of the query. Choose a reranker for its language."


@dataclass(frozen=True, slots=True)
class Scores:
    """One raw score per passage, in the order given. Higher is better; scores compare only within one query."""

    values: tuple[float, ...]
    notes: tuple[str, ...] = ()
    """Remarks on the query, which hold for every score."""
    cached: int = 0
    """How many scores came from the cache."""
    cut: frozenset[int] = frozenset()
    """Positions of the passages that were longer than the model reads, so that only their beginning counted."""

    def check(self, scorer: "Scorer", passages: int) -> "Scores":
        """Return the scores if there is one for each of `passages` passages, a number each.

        Raises:
            ModelError: There are more scores than passages, or fewer, or one is not a finite number.
        """
        if len(self.values) != passages:
            raise ModelError(f"{scorer.name} returned {len(self.values)} scores for {passages} passages.")
        if (wrong := next((value for value in self.values if not isfinite(value)), None)) is not None:
            raise ModelError(
                f"{scorer.name} returned {wrong} as a score, which is not a finite number. Its weights may be damaged: "
                "reinstall or retrain it."
            )
        return self


class Scorer(Protocol):
    """A model that reads a query together with each passage."""

    @property
    def name(self) -> str:
        """Return the name of the model, as reports show it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return a string that differs between two models of the same name."""
        ...

    @property
    def weights(self) -> Weights:
        """Return the default share of each signal in the final score."""
        ...

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return one score per passage. `query.instruction` is empty for a model that follows no instructions.

        Raises:
            QueryUnread: The model does not know the writing of the query.
            ModelError: The model cannot be loaded or run.
        """
        ...

    def relevance(self, score: float) -> float:
        """Return the calibrated probability, in 0..1, that a passage with this raw score answers its query."""
        ...


class WrappedScorer:
    """What a scorer around another one takes over from it: all but how it comes by scores."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self.scorer.name

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of the model."""
        return self.scorer.fingerprint

    @property
    def weights(self) -> Weights:
        """Return the default share of each signal in the final score."""
        return self.scorer.weights

    def relevance(self, score: float) -> float:
        """Return the calibrated probability, in 0..1, that a passage with this raw score answers its query."""
        return self.scorer.relevance(score)


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of the hits given, as their positions, best first, each once. No positions: the order is unchanged."""

    places: tuple[int, ...]
    notes: tuple[str, ...] = ()
    """Remarks for the caller."""
    degraded: bool = False
    """Whether part of the work failed; without positions, all of it."""
    failure: str = ""
    """Why it is degraded, also among the notes."""
    note: str = ""
    """Remark for the stage's report: what the order cost, or why there is none."""
    usage: Usage = NO_USAGE


class Orderer(Protocol):
    """A model that reads a query and several passages at once, and orders them without scores."""

    @property
    def name(self) -> str:
        """Return the name of the model, as reports show it."""
        ...

    async def order(self, query: Query, hits: Sequence[Hit]) -> Ordering:
        """Return the order of the hits, which come best first from the stage before. The call may be cancelled.

        Raises:
            ModelError: The model cannot be reached.
        """
        ...
