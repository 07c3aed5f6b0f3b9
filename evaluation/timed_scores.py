"""Score each passage once per query for all systems, and keep what each score took.

Not `rerank.cache.Cached`: that one bounds its memory and forgets times, while an evaluation needs every score until the
end, and how much time stored scores saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.query import Query
from ..core.values import Passage
from ..rerank.protocols import Scorer, Scores, WrappedScorer


@dataclass(frozen=True, slots=True)
class _Timed:
    value: float
    milliseconds: float
    """Its share of the call that scored it."""


class TimedScores:
    """Scores and milliseconds by reranker, query and passage.

    Only for rerankers that read one passage at a time: a score must not depend on the other passages.
    """

    def __init__(self) -> None:
        self.saved_ms = 0.0
        """How much longer all calls so far would have taken without stored scores."""
        self._scores: dict[tuple[str, str, str], _Timed] = {}  # by fingerprint too: models may share a name

    def wrap(self, reranker: Scorer) -> Scorer:
        """Return a reranker that scores only passages without a score for the query."""
        return _Recorded(reranker, self)

    async def score(self, reranker: Scorer, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return the scores of the passages; only those without one are read."""
        identity = f"{reranker.name} {reranker.fingerprint}"
        keys = [(identity, query.text, each.id) for each in passages]
        missing = [passage for key, passage in zip(keys, passages, strict=True) if key not in self._scores]
        self.saved_ms += sum(self._scores[key].milliseconds for key in keys if key in self._scores)
        notes: tuple[str, ...] = ()
        if missing:
            start = query.clock()
            scores = await reranker.score(query, missing)
            share, notes = 1000 * (query.clock() - start) / len(missing), scores.notes
            for passage, value in zip(missing, scores.values, strict=True):
                self._scores[identity, query.text, passage.id] = _Timed(value, share)
        values = tuple(self._scores[key].value for key in keys)
        return Scores(values, notes, cached=len(passages) - len(missing))


class _Recorded(WrappedScorer):
    """A reranker whose scores are kept in a `TimedScores`."""

    def __init__(self, reranker: Scorer, scores: TimedScores) -> None:
        super().__init__(reranker)
        self._scores = scores

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        if query.instruction:  # judged queries come without one
            return await self.scorer.score(query, passages)
        return await self._scores.score(self.scorer, query, passages)
