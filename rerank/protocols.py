"""The seam to rerankers: a query and passages in, one score per passage out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.errors import ModelError
from ..core.values import NO_USAGE, Hit, Passage, Usage
from .blend import Weights


@dataclass(frozen=True, slots=True)
class Scores:
    """One raw score per passage, in the order given, higher is better; comparable only with each other."""

    values: tuple[float, ...]
    notes: tuple[str, ...] = ()
    """About the query, and so about every score."""
    cached: int = 0
    """How many of them were known from before."""
    cut: frozenset[int] = frozenset()
    """Places of the passages of which only the beginning was read."""


async def score_all(reranker: "Reranker", query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
    """Return the passages' scores, one for each.

    Raises:
        ModelError: When the reranker failed, or gave more or fewer scores than there are passages.
    """
    scores = await reranker.score(query, passages, instruction=instruction)
    if len(scores.values) != len(passages):
        raise ModelError(f"{reranker.name} gave {len(scores.values)} scores for {len(passages)} passages.")
    return scores


class Reranker(Protocol):
    """Reads a query together with each passage."""

    @property
    def name(self) -> str:
        """Return the name of the model, as reports show it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return what tells it from another model of the same name."""
        ...

    @property
    def weights(self) -> Weights:
        """Return the shares in the final score, by signal, that suit it where nobody chose others."""
        ...

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        """Return the passages' scores; an instruction comes only to those that follow one.

        Raises:
            ModelError: When the model cannot be loaded or run.
        """
        ...

    def relevance(self, score: float) -> float:
        """Return the calibrated probability, in 0..1, that a passage with this raw score answers its query."""
        ...


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of a head: places in what was given, best first, each once; none where the order was left as it was."""

    places: tuple[int, ...]
    notes: tuple[str, ...] = ()
    """For whoever asked."""
    degraded: bool = False
    """Whether less was done than was to be; without places nothing was."""
    note: str = ""
    """For the stage's report: cost, or why nothing was done."""
    usage: Usage = NO_USAGE


class Orderer(Protocol):
    """Reads a query, an instruction and a head together."""

    @property
    def name(self) -> str:
        """Return the name of the model, as reports show it."""
        ...

    async def order(self, query: str, instruction: str, hits: Sequence[Hit]) -> Ordering:
        """Return the order of the hits, which come best first, as the stage before left them. May be cancelled.

        Raises:
            ModelError: When the model cannot be asked.
        """
        ...
