from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest

from resift.core.query import Query
from resift.core.values import Passage
from resift.evaluation.timed_scores import TimedScores
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.cache import CachedScorer
from resift.rerank.endpoint import EndpointOptions, RerankEndpoint
from resift.rerank.protocols import Scorer, Scores
from resift.tests.standins.rerank import rerank_stand_in

pytestmark = pytest.mark.anyio


@dataclass
class ByLength:
    """Takes ten ticks of the clock for each passage."""

    name: str = "by length"
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))
    now: float = 0.0
    read: list[str] = field(default_factory=list[str])

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.now += 0.010 * len(passages)
        self.read += [f"{query.text}:{passage.id}" for passage in passages]
        return Scores(tuple(float(len(passage.text)) for passage in passages), ("a note",))

    def relevance(self, score: float) -> float:
        return 1 / (1 + score)


def passages(*texts: str) -> list[Passage]:
    return [Passage(text, 0, text=text) for text in texts]


async def test_passage_is_scored_once_per_query() -> None:
    inner = ByLength()
    reranker: Scorer = TimedScores().wrap(inner)
    first = await reranker.score(Query("q"), passages("aa", "b"))
    second = await reranker.score(Query("q"), passages("b", "ccc", "aa"))
    assert (first.values, first.notes, first.cached) == ((2.0, 1.0), ("a note",), 0)
    assert (second.values, second.cached) == ((1.0, 3.0, 2.0), 2)
    await reranker.score(Query("another"), passages("b"))
    assert inner.read == ["q:aa#0", "q:b#0", "q:ccc#0", "another:b#0"]
    assert (reranker.name, reranker.weights, reranker.relevance(1.0)) == ("by length", with_reranker(0.5), 0.5)


async def test_time_saved_is_what_scoring_the_stored_passages_took() -> None:
    inner = ByLength()
    timed = TimedScores()
    reranker, query = timed.wrap(inner), Query("q", clock=lambda: inner.now)
    await reranker.score(query, passages("a", "b", "c"))
    assert timed.saved_ms == 0.0
    await reranker.score(query, passages("a", "b", "c", "d"))
    assert timed.saved_ms == pytest.approx(30.0)
    await reranker.score(query, passages("d"))
    assert timed.saved_ms == pytest.approx(40.0)


async def test_rerankers_do_not_share_scores() -> None:
    timed = TimedScores()
    one, other = ByLength("one"), ByLength("other")
    await timed.wrap(one).score(Query("q"), passages("a"))
    await timed.wrap(other).score(Query("q"), passages("a"))
    assert (one.read, other.read) == (["q:a#0"], ["q:a#0"])


async def test_time_of_an_endpoint_is_known_for_the_passages_of_a_whole_request_alone() -> None:
    with rerank_stand_in() as server:
        options = EndpointOptions("tei", with_reranker(0.5), url=f"{server.root}/rerank")
        timed, ticks = TimedScores(), count()
        reranker, query = timed.wrap(RerankEndpoint(options)), Query("a", clock=lambda: float(next(ticks)))
        await reranker.score(query, passages("a", "b"))
        await reranker.score(query, passages("b", "a"))
        assert (timed.saved_ms, timed.unknown_savings) == (pytest.approx(1000.0), 0)
        await reranker.score(query, passages("a"))
        assert (timed.saved_ms, timed.unknown_savings) == (pytest.approx(1000.0), 1)
        found = await reranker.score(query, passages("a", "b", "c"))
        assert (timed.saved_ms, timed.unknown_savings) == (pytest.approx(1000.0), 1)
        assert (found.values, found.cached) == ((1.0, 0.0, 0.0), 0)
        await reranker.score(query, passages("a", "b"))
        assert (timed.saved_ms, timed.unknown_savings) == (pytest.approx(2000.0), 1)
        assert [len(each["texts"]) for each in server.asked] == [2, 3], (
            "all three are asked for, so that it is measured"
        )


async def test_scores_that_a_search_has_cached_are_read_again_to_time_them() -> None:
    inner = ByLength()
    cached = CachedScorer(inner, limit=10)
    await cached.score(Query("q"), passages("a"))
    await TimedScores().wrap(cached).score(Query("q"), passages("a"))
    assert inner.read == ["q:a#0", "q:a#0"]
