"""Rerankers that remember their scores, so that many orders can be asked of the pipeline for the price of one."""

import time
from collections.abc import Callable, Iterable, Sequence

from ..core.values import Passage
from ..rerank.blend import Weights
from ..rerank.reranker import Reranker, Scores


class ScoreMemory:
    """Scores and milliseconds by reranker, query and passage.

    Right for rerankers that read one passage at a time: the score of a passage must not depend on its neighbours.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str, str], tuple[float, float]] = {}

    def wrap(self, reranker: Reranker) -> Reranker:
        """Return a reranker that scores what is not known yet and remembers it."""
        return _Remembering(reranker, self)

    def milliseconds(self, reranker: str, query: str, passages: Iterable[Passage]) -> float:
        """Return what scoring these passages took: for each its share of the call that scored it."""
        return sum(self._known[reranker, query, passage.id][1] for passage in passages)

    async def score(self, reranker: Reranker, query: str, passages: Sequence[Passage]) -> Scores:
        """Return the passages' scores; only those not known yet are read."""
        missing = [each for each in passages if (reranker.name, query, each.id) not in self._known]
        notes: tuple[str, ...] = ()
        if missing:
            start = self._clock()
            scores = await reranker.score(query, missing)
            share, notes = 1000 * (self._clock() - start) / len(missing), scores.notes
            for passage, value in zip(missing, scores.values, strict=True):
                self._known[reranker.name, query, passage.id] = (value, share)
        values = tuple(self._known[reranker.name, query, each.id][0] for each in passages)
        return Scores(values, notes, cached=len(passages) - len(missing))


class _Remembering:
    def __init__(self, reranker: Reranker, memory: ScoreMemory) -> None:
        self._reranker = reranker
        self._memory = memory

    @property
    def name(self) -> str:
        return self._reranker.name

    @property
    def fingerprint(self) -> str:
        return self._reranker.fingerprint

    @property
    def weights(self) -> Weights:
        return self._reranker.weights

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        if instruction:  # judged questions have none
            return await self._reranker.score(query, passages, instruction=instruction)
        return await self._memory.score(self._reranker, query, passages)

    def relevance(self, score: float) -> float:
        return self._reranker.relevance(score)
