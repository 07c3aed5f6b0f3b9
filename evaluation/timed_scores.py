"""Score each passage once per query for all systems, and keep what each score took.

Not `rerank.cache.Cached`: that one bounds its memory and forgets times, while an evaluation needs every score until the
end, and how much time stored scores saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..core.query import Query
from ..core.values import Passage
from ..rerank.cache import CachedScorer
from ..rerank.endpoint import RerankEndpoint
from ..rerank.protocols import Scorer, Scores, WrappedScorer


@dataclass(frozen=True, slots=True)
class _Timed:
    value: float
    milliseconds: float
    """Its share of the call that scored it."""


_Key: TypeAlias = tuple[str, str, str]


class TimedScores:
    """Scores and milliseconds by reranker, query and passage.

    Only for rerankers that read one passage at a time: a score must not depend on the other passages.

    A local model takes its time for each passage, so that a part of a call takes a part of its time. A request to an
    endpoint has a fixed cost, and several run at once: what fewer or more passages would take is not known from it.
    """

    def __init__(self) -> None:
        self.saved_ms = 0.0
        """How much longer all calls so far would have taken without stored scores, as far as that is known."""
        self.unknown_savings = 0
        """How many calls so far would have taken longer by a time that is not known."""
        self._scores: dict[_Key, _Timed] = {}  # by fingerprint too: models may share a name
        self._calls: dict[frozenset[_Key], float] = {}  # the milliseconds of each

    def wrap(self, reranker: Scorer) -> Scorer:
        """Return a reranker that scores only passages without a score for the query."""
        # A score from the cache of an earlier search would take no time.
        return _Recorded(reranker.scorer if isinstance(reranker, CachedScorer) else reranker, self)

    async def score(self, reranker: Scorer, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return the scores of the passages; only those without one are read."""
        identity = f"{reranker.name} {reranker.fingerprint}"
        keys = [(identity, query.text, each.id) for each in passages]
        missing = [passage for key, passage in zip(keys, passages, strict=True) if key not in self._scores]
        if missing and _is_endpoint(reranker):
            missing = list(passages)  # so that the time of reading all of them is measured
        notes: tuple[str, ...] = ()
        if len(missing) < len(keys):
            self._count_saved(reranker, [key for key in keys if key in self._scores])
        if missing:
            start = query.clock()
            scores = await reranker.score(query, missing)
            took_ms, notes = 1000 * (query.clock() - start), scores.notes
            read = [(identity, query.text, each.id) for each in missing]
            self._calls[frozenset(read)] = took_ms
            for key, value in zip(read, scores.values, strict=True):
                self._scores[key] = _Timed(value, took_ms / len(read))
        values = tuple(self._scores[key].value for key in keys)
        return Scores(values, notes, cached=len(passages) - len(missing))

    def _count_saved(self, reranker: Scorer, stored: Sequence[_Key]) -> None:
        """Add what the stored scores took. Of an endpoint, only a whole call says what these passages take."""
        if not _is_endpoint(reranker):
            self.saved_ms += sum(self._scores[key].milliseconds for key in stored)
        elif (whole_ms := self._calls.get(frozenset(stored))) is not None:
            self.saved_ms += whole_ms
        else:
            self.unknown_savings += 1


def _is_endpoint(reranker: Scorer) -> bool:
    return isinstance(reranker, RerankEndpoint)


class _Recorded(WrappedScorer):
    """A reranker whose scores are kept in a `TimedScores`."""

    def __init__(self, reranker: Scorer, scores: TimedScores) -> None:
        super().__init__(reranker)
        self._scores = scores

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        if query.instruction:  # judged queries come without one
            return await self.scorer.score(query, passages)
        return await self._scores.score(self.scorer, query, passages)
