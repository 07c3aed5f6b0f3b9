"""Score each passage once per query for all systems, and keep what each score took.

Not `rerank.cache.Cached`: that one bounds its memory and forgets times, while an evaluation needs every score until the
end, and the time that any selection of passages would have taken.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from ..core.query import Query
from ..core.values import Passage
from ..rerank.blend import Weights
from ..rerank.protocols import Scorer, Scores


class TimedScores:
    """Scores and milliseconds by reranker, query and passage.

    Only for rerankers that read one passage at a time: a score must not depend on the other passages.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._scores: dict[tuple[str, str, str], float] = {}  # by fingerprint too: models may share a name
        self._milliseconds: defaultdict[tuple[str, str, str], float] = defaultdict(float)  # by name, as in stages

    def wrap(self, reranker: Scorer) -> Scorer:
        """Return a reranker that scores only passages without a score for the query."""
        return _Recorded(reranker, self)

    def milliseconds(self, reranker: str, query: str, passages: Iterable[Passage]) -> float:
        """Return how long scoring these passages took; each takes its share of the call that scored it."""
        return sum(self._milliseconds[reranker, query, passage.id] for passage in passages)

    async def score(self, reranker: Scorer, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return the scores of the passages; only those without one are read."""
        identity = f"{reranker.name} {reranker.fingerprint}"
        missing = [each for each in passages if (identity, query.text, each.id) not in self._scores]
        notes: tuple[str, ...] = ()
        if missing:
            start = self._clock()
            scores = await reranker.score(query, missing)
            share, notes = 1000 * (self._clock() - start) / len(missing), scores.notes
            for passage, value in zip(missing, scores.values, strict=True):
                self._scores[identity, query.text, passage.id] = value
                self._milliseconds[reranker.name, query.text, passage.id] += share
        values = tuple(self._scores[identity, query.text, each.id] for each in passages)
        return Scores(values, notes, cached=len(passages) - len(missing))


class _Recorded:
    """A reranker whose scores are kept in a `TimedScores`."""

    def __init__(self, reranker: Scorer, scores: TimedScores) -> None:
        self._reranker = reranker
        self._scores = scores

    @property
    def name(self) -> str:
        return self._reranker.name

    @property
    def fingerprint(self) -> str:
        return self._reranker.fingerprint

    @property
    def weights(self) -> Weights:
        return self._reranker.weights

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        if query.instruction:  # judged queries come without one
            return await self._reranker.score(query, passages)
        return await self._scores.score(self._reranker, query, passages)

    def relevance(self, score: float) -> float:
        return self._reranker.relevance(score)
