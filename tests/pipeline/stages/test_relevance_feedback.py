"""What the second search finds is read and merged; if it cannot help, or fails, the first answer stays as it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from resift.core.errors import StoreError
from resift.core.query import Query
from resift.core.values import Hit, Passage, Ranking
from resift.pipeline.relevance_feedback import WINDOW, SecondSearch
from resift.rerank.signals import Mix
from resift.rerank.stages.score import PlannedScore, ScoreStage
from resift.search.legs import Retrieval
from resift.tests.rerank.stages.heads import Broken, ByLength
from resift.tests.rerank.stages.heads import ranking as retrieved

pytestmark = pytest.mark.anyio


def planned(scorer: ByLength | None = None) -> PlannedScore:
    stage = ScoreStage("short", scorer or ByLength(sign=-1), slice_size=8)
    return PlannedScore(stage, 50, mix=Mix({"fused": 0.5, "rerank": 0.5}), cutoff=10)


def hit(number: int, rank: int, *, size: int = 0, document: str = "") -> Hit:
    """A hit of the second search; hits up to 49 are those of the first one."""
    passage = Passage(document or f"d{number}", 0 if not document else number, text="x" * (size or number + 1))
    score = 1 / rank
    return Hit(passage, score, rank=rank, scores={"like": score, "bm25": 2.0, "fused": score}, ranks={"fused": rank})


@dataclass
class Second:
    """A second search that finds given hits, and keeps what it was asked."""

    hits: Sequence[Hit]
    error: Exception | None = None
    takes_s: float = 0.0
    now_s: float = 100.0
    asked: list[Retrieval] = field(default_factory=list[Retrieval])

    async def __call__(self, retrieval: Retrieval) -> Ranking:
        self.asked.append(retrieval)
        self.now_s += self.takes_s
        if self.error is not None:
            raise self.error
        return Ranking(self.hits)

    def clock(self) -> float:
        return self.now_s


async def feed(
    second: Second,
    *,
    stage: PlannedScore | None = None,
    query: Query | None = None,
    change: Callable[[Ranking], Ranking] = lambda ranking: ranking,
    **options: Any,
) -> tuple[Ranking, Ranking]:
    """Return the ranking before and after the stage."""
    asked = query or Query("q", clock=second.clock)
    before = change(await planned().run(retrieved(60), asked))
    arguments: dict[str, Any] = {"passages": 1, "first": Retrieval(wanted=11, head=50), **options}
    feedback = SecondSearch(stage or planned(), search=second, example=lambda passage: passage.id, **arguments)
    return before, await feedback.run(before, asked)


def ids(ranking: Ranking) -> list[str]:
    return [each.passage.document_id for each in ranking.hits]


async def test_what_is_new_is_read_and_comes_in_by_its_score() -> None:
    scorer = ByLength(sign=-1)
    second = Second([hit(70, 1, size=2), hit(3, 2), hit(5, 3)])
    before, after = await feed(second, stage=planned(scorer))
    read = before.stages[-1].returned
    assert read < 50
    assert scorer.asked == [("q", "", 1)], "only the new passage is read"
    assert ids(after)[:2] == ["d0", "d70"]
    assert sorted(ids(after)) == sorted([*ids(before), "d70"])
    [asked] = second.asked
    assert (asked.like, asked.wanted, asked.head) == (["d0#0"], 50, 50)
    report = after.stages[-1]
    assert (report.name, report.kind, report.received, report.returned) == ("feedback", "rank", read, read + 1)
    assert report.note == "1 new passage read, 1 of them among the first 10"
    assert (after.degraded, after.notes) == (False, before.notes)


async def test_hits_say_what_each_search_gave_them() -> None:
    _, after = await feed(Second([hit(70, 1, size=2), hit(40, 2, size=3), hit(3, 3)]))
    by_id = {each.passage.document_id: each for each in after.hits}
    new, unread, known = by_id["d70"], by_id["d40"], by_id["d3"]
    assert (new.was, "fused" in new.scores) == (0, False), "the first search did not find it"
    assert new.scores.keys() == {"like", "bm25", "feedback", "rerank", "blend"}
    assert (unread.was, unread.ranks["fused"], unread.ranks["feedback"]) == (41, 41, 2)
    assert (known.was, known.scores["feedback"]) == (4, pytest.approx(1 / 3))
    assert [each.rank for each in after.hits] == list(range(1, 62))
    scores = [each.score for each in after.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(each.relevance is not None for each in (new, unread, known))


async def test_best_passage_stays_first_whatever_comes_in() -> None:
    before, after = await feed(Second([hit(70, 1, size=1), hit(3, 2)]))
    assert ids(before)[0] == ids(after)[0] == "d0"
    assert after.hits[0].score == after.hits[1].score == after.hits[0].scores["blend"]


async def test_second_search_orders_what_was_read_before() -> None:
    before, after = await feed(Second([hit(9, 1), hit(8, 2)]))
    assert ids(before)[:3] == ["d0", "d1", "d2"]
    assert ids(after)[:3] == ["d0", "d9", "d8"]
    assert after.stages[-1].note == "0 new passages read, 0 of them among the first 10"


async def test_only_what_is_new_among_the_first_hits_is_read() -> None:
    scorer = ByLength(sign=-1)
    found = [hit(number, rank) for rank, number in enumerate(range(70, 110), start=1)]
    _, after = await feed(Second(found), stage=planned(scorer))
    assert scorer.asked == [("q", "", WINDOW)]
    assert len(after.hits) == 60 + WINDOW


async def test_copies_of_what_was_read_are_not_new() -> None:
    def with_copy(ranking: Ranking) -> Ranking:
        copy = replace(ranking.hits[2].passage, document_id="copy")
        return replace(ranking, hits=[*ranking.hits[:2], replace(ranking.hits[2], also_in=[copy]), *ranking.hits[3:]])

    copied = hit(2, 1)
    copied = replace(copied, passage=replace(copied.passage, document_id="copy"), also_in=[copied.passage])
    scorer = ByLength(sign=-1)
    before, after = await feed(Second([copied, hit(1, 2)]), stage=planned(scorer), change=with_copy)
    assert scorer.asked == []
    assert sorted(ids(before)) == sorted(ids(after))
    assert ids(after)[1] == "d2", "it has the score of the copy that stands for it"


async def test_limit_per_document_holds_for_both_searches_together() -> None:
    found = [hit(1, 1, size=2, document="d4"), hit(3, 2)]
    _, limited = await feed(Second(found), first=Retrieval(head=50, per_document=1))
    assert ids(limited).count("d4") == 1
    assert next(each for each in limited.hits if each.passage.document_id == "d4").passage.ordinal == 1, "the better"
    _, unlimited = await feed(Second(found))
    assert ids(unlimited).count("d4") == 2


async def test_two_passages_may_be_the_example() -> None:
    second = Second([hit(9, 1), hit(8, 2)])
    _, after = await feed(second, passages=2)
    assert second.asked[0].like == ["d0#0", "d1#0"]
    assert ids(after)[:2] == ["d0", "d1"], "they score as high as the best that was found"


async def test_nothing_is_searched_where_the_first_search_found_everything() -> None:
    second = Second([])
    before, after = await feed(second, change=lambda ranking: replace(ranking, hits=ranking.hits[:49]))
    assert after is before
    assert not second.asked


async def test_nothing_is_searched_where_nothing_was_read() -> None:
    second = Second([])
    failed = await PlannedScore(ScoreStage("broken", Broken()), 50).run(retrieved(60), Query("q"))
    before, after = await feed(second, change=lambda _: failed)
    assert after is before
    assert not second.asked


@pytest.mark.parametrize("error", [StoreError("The store is gone."), None])
async def test_failure_keeps_the_first_answer_and_says_so(error: Exception | None) -> None:
    found = [] if error else [hit(70, 1)]
    before, after = await feed(Second(found, error), stage=planned(Broken()))
    assert after.degraded
    assert ids(after) == ids(before)
    assert (after.stages[-1].name, after.stages[-1].returned) == ("feedback", 0)
    why = "The store is gone." if error else "The endpoint answered 503. Try again later."
    assert after.notes[-1] == f"The stage 'feedback' failed; the order is that of 'rerank': {why}"


async def test_second_search_is_skipped_if_the_time_left_does_not_suffice() -> None:
    second = Second([hit(70, 1)])
    query = Query("q", clock=second.clock).within(0.0004)
    before, after = await feed(second, query=query)
    assert ids(after) == ids(before)
    assert (second.asked, after.degraded) == ([], False)
    assert after.stages[-1].note == "skipped: it takes about 1 ms, and 0 ms of the time budget are left"
    assert after.stages[-1].received == after.stages[-1].returned == before.stages[-1].returned


async def test_no_passage_is_read_after_the_deadline() -> None:
    second = Second([hit(70, 1), hit(71, 2)], takes_s=2.0)
    before, after = await feed(second, query=Query("q", clock=second.clock).within(1.0))
    assert ids(after) == ids(before)
    assert after.stages[-1].note == "skipped: the second search took longer than the time left"
    assert not after.degraded
