"""Scores are remembered within a bound, and a search asked again shows the saving."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.core.values import Passage
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.cache import CachedScorer
from resift.rerank.protocols import Scores

pytestmark = pytest.mark.anyio


@dataclass
class Counting:
    """A reranker whose score is the length of the text; it keeps what it was asked."""

    asked: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    notes: tuple[str, ...] = ()
    longest: int = 1000
    name: str = "counting"
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.3))

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.asked.append((f"{query.instruction} {query.text}".strip(), [passage.text for passage in passages]))
        cut = frozenset(place for place, passage in enumerate(passages) if len(passage.text) > self.longest)
        return Scores(tuple(float(len(passage.text)) for passage in passages), self.notes, cut=cut)

    def relevance(self, score: float) -> float:
        return score / 10


def passages(*texts: str) -> list[Passage]:
    return [Passage(f"d{place}", 0, text=text) for place, text in enumerate(texts)]


async def test_same_question_is_not_read_twice() -> None:
    reranker = Counting()
    cached = CachedScorer(reranker, limit=100)
    assert await cached.score(Query("q"), passages("a", "bb")) == Scores((1.0, 2.0))
    assert await cached.score(Query("q"), passages("ccc", "bb", "a")) == Scores((3.0, 2.0, 1.0), cached=2)
    assert reranker.asked == [("q", ["a", "bb"]), ("q", ["ccc"])]


async def test_other_query_title_or_heading_is_read_anew() -> None:
    reranker = Counting()
    cached = CachedScorer(reranker, limit=100)
    plain = Passage("d", 0, text="text")
    for query, passage in (("q", plain), ("p", plain), ("q", Passage("d", 0, text="text", title="T"))):
        assert (await cached.score(Query(query), [passage])).cached == 0
    assert (await cached.score(Query("q"), [Passage("elsewhere", 5, text="text", source="x")])).cached == 1


async def test_query_and_text_do_not_run_into_each_other() -> None:
    cached = CachedScorer(Counting(), limit=100)
    await cached.score(Query("ab"), passages("c"))
    assert (await cached.score(Query("a"), passages("bc"))).cached == 0


async def test_same_text_twice_in_one_head_is_read_once() -> None:
    reranker = Counting()
    scores = await CachedScorer(reranker, limit=100).score(Query("q"), passages("a", "bb", "a"))
    assert scores.values == (1.0, 2.0, 1.0)
    assert reranker.asked == [("q", ["a", "bb"])]


async def test_oldest_use_goes_first() -> None:
    reranker = Counting()
    cached = CachedScorer(reranker, limit=2)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        await cached.score(Query("q"), passages(text))
    assert [texts for _, texts in reranker.asked] == [["a"], ["bb"], ["ccc"], ["bb"]]


@given(heads=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), max_size=10), limit=st.integers(0, 5))
async def test_scores_are_those_of_the_reranker_whatever_is_kept(heads: list[list[str]], limit: int) -> None:
    cached = CachedScorer(Counting(), limit=limit)
    for head in heads:
        texts = [text * (1 + ord(text) % 7) for text in head]
        assert (await cached.score(Query("q"), passages(*texts))).values == tuple(float(len(text)) for text in texts)
        assert len(cached._cache) <= limit  # pyright: ignore[reportPrivateUsage]


async def test_notes_come_again_with_the_scores() -> None:
    cached = CachedScorer(Counting(notes=("The query was cut.",)), limit=10)
    for _ in range(2):
        assert (await cached.score(Query("q"), passages("a", "b"))).notes == ("The query was cut.",)


async def test_passage_that_was_cut_is_told_of_again_and_its_neighbours_are_not_blamed() -> None:
    cached = CachedScorer(Counting(longest=3), limit=10)
    assert (await cached.score(Query("q"), passages("a", "long", "b"))).cut == {1}
    assert (await cached.score(Query("q"), passages("b", "a"))).cut == set()
    assert (await cached.score(Query("q"), passages("c", "b", "longer", "long"))).cut == {2, 3}


async def test_failure_is_not_remembered() -> None:
    class Flaky(Counting):
        async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
            if not self.asked:
                self.asked.append((query.text, []))
                raise ModelError("503")
            return await super().score(query, passages)

    cached = CachedScorer(Flaky(), limit=10)
    with pytest.raises(ModelError):
        await cached.score(Query("q"), passages("a"))
    assert await cached.score(Query("q"), passages("a")) == Scores((1.0,))


async def test_odd_text_and_empty_head_are_taken() -> None:
    cached = CachedScorer(Counting(), limit=10)
    assert (await cached.score(Query("\ud800"), passages("\ud800"))).values == (1.0,)
    assert await cached.score(Query("q"), []) == Scores(())


def test_everything_else_is_the_rerankers() -> None:
    cached = CachedScorer(Counting(), limit=1)
    assert (cached.name, cached.weights, cached.relevance(5.0)) == ("counting", with_reranker(0.3), 0.5)


async def test_score_by_another_instruction_is_another() -> None:
    reranker = Counting()
    cached = CachedScorer(reranker, limit=100)
    await cached.score(Query("q", instruction="only code"), passages("a"))
    assert (await cached.score(Query("q"), passages("a"))).cached == 0
    assert (await cached.score(Query("q", instruction="only code"), passages("a"))).cached == 1
    assert (await cached.score(Query("qonly", instruction=" code"), passages("a"))).cached == 0
