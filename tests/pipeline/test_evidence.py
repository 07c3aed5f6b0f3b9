"""What a verdict is reached from, and which model reaches it."""

from dataclasses import replace
from math import log

import pytest

from resift.core.values import Hit, Passage, Ranking, Stage
from resift.core.verdict import Verdict, VerdictModel
from resift.pipeline.evidence import Judge, evidence_of
from resift.pipeline.page import page_of

READ = Stage("rerank", "model", received=3, returned=3, milliseconds=1.0, kind="score")
BY_SCORE = VerdictModel({"score": 1.0}, -10.0, good=0.9, weak=0.1)
BY_COSINE = VerdictModel({"score": 1.0, "cosine": 0.0}, -100.0, good=0.9, weak=0.1)


def hit(rank: int, score: float, *, cosine: float | None = None, bm25: int = 0, blend: float = 0.0) -> Hit:
    scores = {"rerank": score, "blend": blend or 1 / rank}
    ranks = {"bm25": bm25} if bm25 else {}
    if cosine is not None:
        scores["dense"] = cosine
        ranks["dense"] = rank
    return Hit(Passage(f"d{rank}", 0, text="two words"), 0.0, rank=rank, scores=scores, ranks=ranks, relevance=0.3)


def test_evidence_compares_the_first_hit_with_the_next_nine() -> None:
    hits = [hit(1, 15.0, cosine=0.8, bm25=4), *(hit(rank, 14.0 - rank, cosine=0.5) for rank in range(2, 13))]
    found = evidence_of(hits, "one two three", stage="rerank", knows_cosines=True)
    assert found == pytest.approx(
        {
            "score": 15.0,
            "lead": 15.0 - (12 + 11 + 10 + 9 + 8 + 7 + 6 + 5 + 4) / 9,
            "words": log(2),
            "query_words": log(3),
            "cosine": 0.8,
            "cosine_lead": 0.3,
            "agreement": (1 + 1 / 4) / 2,
        }
    )


def test_evidence_is_left_out_where_it_is_not_known() -> None:
    alone = evidence_of([hit(1, 15.0)], "one", stage="rerank", knows_cosines=True)
    assert alone.keys() == {"score", "words", "query_words"}
    seen = evidence_of([hit(1, 15.0, cosine=0.9)], "one", stage="rerank", knows_cosines=True)
    assert seen.keys() == {"score", "words", "query_words", "cosine"}
    foreign = evidence_of([hit(1, 15.0, cosine=0.9)], "one", stage="rerank", knows_cosines=False)
    assert foreign.keys() == alone.keys()
    by_words = [hit(1, 15.0, bm25=1), hit(2, 3.0, cosine=0.4)]
    assert evidence_of(by_words, "one", stage="rerank", knows_cosines=True)["cosine"] == 0.4


def test_hit_that_a_language_model_moved_down_is_still_the_one_judged() -> None:
    moved = [hit(1, 9.0, blend=0.2), hit(2, 15.0, blend=0.9)]
    assert evidence_of(moved, "one", stage="rerank", knows_cosines=True)["score"] == 15.0


def test_good_is_said_only_of_the_first_hit_whatever_ordered_the_hits() -> None:
    judge = Judge([BY_SCORE])
    moved = Ranking([hit(1, 9.0, blend=0.2), hit(2, 15.0, blend=0.9)], [READ])
    page = page_of(moved, limit=1, judge=judge)
    assert page.verdict == "weak"
    assert page.notes == ["The hit at rank 2 likely answers. The verdict is 'weak' because it is not the first."]
    both = Ranking([hit(1, 13.0, blend=0.2), hit(2, 15.0, blend=0.9)], [READ])
    assert (page_of(both, limit=1, judge=judge).verdict, page_of(both, limit=1, judge=judge).notes) == ("good", [])
    unread = replace(moved.hits[0], scores={"llm": 1.0})
    assert page_of(replace(moved, hits=[unread, moved.hits[1]]), limit=1, judge=judge).verdict == "weak"
    neither = Ranking([hit(1, 5.0, blend=0.2), hit(2, 6.0, blend=0.9)], [READ])
    assert page_of(neither, limit=1, judge=judge).verdict == "none"


@pytest.mark.parametrize(("score", "verdict"), [(13.0, "good"), (10.0, "weak"), (7.0, "none")])
def test_verdict_is_that_of_the_model(score: float, verdict: Verdict) -> None:
    page = page_of(Ranking([hit(1, score)], [READ]), limit=1, judge=Judge([BY_SCORE]))
    assert page.verdict == verdict


@pytest.mark.parametrize("least", [0.0, 0.1, 0.5, 0.99])
def test_hits_that_are_left_out_change_no_verdict(least: float) -> None:
    by_lead = VerdictModel({"lead": 1.0}, -5.0, good=0.9, weak=0.1)
    ranking = Ranking([replace(hit(1, 15.0), relevance=0.8), replace(hit(2, 1.0), relevance=0.05)], [READ])
    assert page_of(ranking, limit=9, min_relevance=least, judge=Judge([by_lead])).verdict == "good"
    assert page_of(replace(ranking, stages=[]), limit=9, min_relevance=least).verdict == "good"


def test_first_model_whose_evidence_is_known_gives_the_verdict() -> None:
    judge = Judge([BY_COSINE, BY_SCORE], knows_cosines=True)
    assert judge.verdict(Ranking([hit(1, 20.0, cosine=0.9)], [READ])) == "none"
    assert judge.verdict(Ranking([hit(1, 20.0)], [READ])) == "good"


def test_relevance_gives_the_verdict_where_no_model_applies() -> None:
    hits = [hit(1, 20.0)]
    assert Judge([BY_COSINE]).verdict(Ranking(hits, [READ])) == "weak"
    assert Judge([BY_SCORE]).verdict(Ranking(hits)) == "weak"
    assert Judge([BY_SCORE]).verdict(Ranking([], [READ])) == "none"


def test_relevance_gives_the_verdict_on_a_hit_that_stands_alone() -> None:
    by_lead = VerdictModel({"score": 0.4, "lead": 0.4}, -6.8, good=0.5, weak=0.1)
    right = replace(hit(1, 15.0), relevance=0.6)
    assert Judge([by_lead]).verdict(Ranking([right, hit(2, 2.0)], [READ])) == "good"
    assert Judge([by_lead]).verdict(Ranking([right], [READ])) == "good"
    assert Judge([by_lead]).verdict(Ranking([replace(right, relevance=0.4)], [READ])) == "weak"


@pytest.mark.parametrize(
    ("weights", "weak", "good", "message"),
    [
        ({}, 0.1, 0.5, "weights is empty"),
        ({"loudness": 1.0}, 0.1, 0.5, "unknown evidence 'loudness'"),
        ({"score": 1.0}, 0.6, 0.5, "thresholds must rise"),
    ],
)
def test_impossible_model_is_refused(weights: dict[str, float], weak: float, good: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VerdictModel(weights, 0.0, good=good, weak=weak)
