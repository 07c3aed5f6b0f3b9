"""Rerankers that remember their scores, so that many orders can be asked of the pipeline for the price of one."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from ..core.values import Passage
from ..rerank.blend import Weights
from ..rerank.protocols import Reranker, Scores


class ScoreMemory:
    """Scores and milliseconds by reranker, query and passage.

    Right for rerankers that read one passage at a time: the score of a passage must not depend on its neighbours.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str, str], float] = {}  # forms and windows differ under one name
        self._took: defaultdict[tuple[str, str, str], float] = defaultdict(float)  # by name, as stages report it

    def wrap(self, reranker: Reranker) -> Reranker:
        """Return a reranker that scores what is not known yet and remembers it."""
        return _Remembering(reranker, self)

    def milliseconds(self, reranker: str, query: str, passages: Iterable[Passage]) -> float:
        """Return what scoring these passages took: for each its share of the call that scored it."""
        return sum(self._took[reranker, query, passage.id] for passage in passages)

    async def score(self, reranker: Reranker, query: str, passages: Sequence[Passage]) -> Scores:
        """Return the passages' scores; only those not known yet are read."""
        identity = f"{reranker.name} {reranker.fingerprint}"
        missing = [each for each in passages if (identity, query, each.id) not in self._known]
        notes: tuple[str, ...] = ()
        if missing:
            start = self._clock()
            scores = await reranker.score(query, missing)
            share, notes = 1000 * (self._clock() - start) / len(missing), scores.notes
            for passage, value in zip(missing, scores.values, strict=True):
                self._known[identity, query, passage.id] = value
                self._took[reranker.name, query, passage.id] += share
        values = tuple(self._known[identity, query, each.id] for each in passages)
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
