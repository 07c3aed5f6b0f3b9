"""Pages of a ranking, and the verdict on it."""

from dataclasses import replace

import pytest

from resift.core.values import Hit, Passage, Ranking, Stage
from resift.core.verdict import Verdict
from resift.pipeline.page import page_of

OF_ALL = "The verdict 'good' is that of the whole ranking, whose best hits are on the first page."


def hits(relevances: list[float | None]) -> list[Hit]:
    return [Hit(Passage("d", n, text="text"), 0.0, rank=n + 1, relevance=each) for n, each in enumerate(relevances)]


@pytest.mark.parametrize(
    ("relevances", "verdict"),
    [
        ([], "none"),
        ([None, None], "unknown"),
        ([0.09, None], "none"),
        ([0.1, 0.2], "weak"),
        ([0.09, 0.1], "weak"),
        ([0.5, 0.9], "good"),
        ([0.49, 0.5], "weak"),
        ([None, 0.99], "good"),
    ],
)
def test_verdict_by_relevance_is_good_only_if_the_first_hit_of_known_relevance_is(
    relevances: list[float | None], verdict: Verdict
) -> None:
    assert page_of(Ranking(hits(relevances)), limit=5).verdict == verdict


def test_hit_that_likely_answers_is_named_where_it_is_not_the_first() -> None:
    ranking = Ranking(hits([0.03, 0.2, 0.9, 0.95]))
    told = "The hit at rank 4 likely answers. The verdict is 'weak' because it is not the first."
    for offset in (0, 2):
        page = page_of(ranking, limit=1, offset=offset)
        assert (page.verdict, page.notes) == ("weak", [told])
    page = page_of(ranking, limit=1, min_relevance=0.5)
    assert (page.verdict, [hit.rank for hit in page]) == ("good", [3]), "the first that is shown counts"


def test_page_is_a_slice_with_the_verdict_on_the_whole() -> None:
    ranking = Ranking(hits([0.9, 0.05, 0.05, 0.05]), notes=["as before"])
    page = page_of(ranking, offset=1, limit=2)
    assert [hit.rank for hit in page] == [2, 3]
    assert [hit.rank for hit in page.ranked.hits] == [2, 3, 4]
    assert (len(page), page.offset, page.more, page.verdict, page.notes) == (2, 1, True, "good", ["as before", OF_ALL])
    assert OF_ALL not in page_of(ranking, limit=2).notes
    assert page_of(Ranking(hits([0.05, 0.04])), offset=1, limit=2).notes == [], "none is true of every page"
    assert not page_of(ranking, offset=2, limit=2).more


def test_offset_past_the_last_hit_is_told() -> None:
    page = page_of(Ranking(hits([0.9, 0.05])), offset=2, limit=1)
    assert (len(page), page.more) == (0, False)
    assert page.notes == ["No hits from offset 2 on: there are only 2."]
    assert not page_of(Ranking([]), offset=2, limit=1).notes


def test_hits_without_relevance_are_never_below_the_least() -> None:
    page = page_of(Ranking(hits([0.9, None, 0.2])), limit=5, min_relevance=0.5)
    assert [hit.rank for hit in page] == [1, 2]
    assert page.notes == ["1 hit below min_relevance 0.5 was left out, with 0.2."]


def test_hits_that_a_reranker_did_not_read_are_below_any_least_relevance() -> None:
    read = Stage("rerank", "model", received=1, returned=1, milliseconds=1.0, kind="score")
    ranking = Ranking(hits([0.2, None, None]), [read])
    nothing = page_of(ranking, limit=5, min_relevance=0.5)
    assert (list(nothing), nothing.notes) == ([], ["3 hits below min_relevance 0.5 were left out, the best with 0.2."])
    assert len(page_of(ranking, limit=5)) == 3


def test_best_relevance_below_the_least_is_rounded_down() -> None:
    ranking = Ranking(hits([0.89996, 0.1]))
    assert page_of(ranking, limit=5, min_relevance=0.9).notes == [
        "2 hits below min_relevance 0.9 were left out, the best with 0.899."
    ]
    assert [hit.rank for hit in page_of(ranking, limit=5, min_relevance=0.899)] == [1]
    unknown = Stage("rerank", "model", received=1, returned=1, milliseconds=1.0, kind="score")
    unread = page_of(Ranking(hits([None]), [unknown]), limit=5, min_relevance=0.5)
    assert unread.notes == ["1 hit below min_relevance 0.5 was left out."]


def test_last_page_that_can_be_requested_says_so() -> None:
    ranking = Ranking(hits([None] * 201))
    assert page_of(ranking, offset=189, limit=10).more
    last = page_of(ranking, offset=190, limit=10)
    assert not last.more
    assert last.notes == [
        "These are the last of the first 200 hits. Ask a narrower question, or add a filter.",
    ]


def test_verdict_is_unknown_where_time_ran_out_before_an_answer_was_found() -> None:
    read = Hit(Passage("d", 0, text="text"), 1.0, rank=1, scores={"rerank": 0.1}, relevance=0.01)
    unread = Hit(Passage("d", 1, text="text"), 0.5, rank=2)
    stage = Stage("rerank", "model", received=2, returned=1, milliseconds=1.0, kind="score", out_of_time=True)
    assert page_of(Ranking([read, unread], [stage]), limit=2).verdict == "unknown"
    found = replace(read, relevance=0.9)
    assert page_of(Ranking([found, unread], [stage]), limit=2).verdict == "good"
    assert page_of(Ranking([read], [replace(stage, out_of_time=False)]), limit=2).verdict == "none"


def test_verdict_comes_from_the_hits_that_the_last_scoring_stage_read() -> None:
    read = Hit(Passage("d", 0, text="text"), 1.0, rank=1, scores={"rerank": 0.1}, relevance=0.05)
    coarse = Hit(Passage("d", 1, text="text"), 0.5, rank=2, scores={"dense": 0.9}, relevance=0.9)
    done = Stage("rerank", "model", received=1, returned=1, milliseconds=1.0, kind="score")
    failed = Stage("rerank", "model", received=1, returned=0, milliseconds=1.0, kind="score")
    assert page_of(Ranking([read, coarse], [done]), limit=2).verdict == "none"
    assert page_of(Ranking([read, coarse], [failed]), limit=2).verdict == "weak"


def test_page_is_short_in_a_prompt() -> None:
    hits = [Hit(Passage(f"{number}.md", 0, text="Bees make honey. " * 50), 0.5, rank=number) for number in range(1, 51)]
    page = page_of(Ranking(hits), limit=10)
    assert repr(page).startswith("Page(10 hits, verdict='unknown', first=Hit(#1, score=0.500, Passage('1.md#0', ")
    assert len(repr(page)) < 250
    assert repr(page_of(Ranking([]), limit=10)) == "Page(0 hits, verdict='none')"
