"""Samples of a ranking: as it is, and as if the documents that answer were not in the collection."""

from resift.core.values import Hit, Passage, Ranking, Stage
from resift.evaluation.tuning.verdict_samples import samples_of

READ = Stage("rerank", "model", received=4, returned=4, milliseconds=1.0, kind="score")


def ranking(*documents: str) -> Ranking:
    return Ranking(
        [
            Hit(
                Passage(document, 0, text="text"),
                1 / rank,
                rank=rank,
                scores={"rerank": 20.0 - rank, "dense": 0.9 - rank / 10, "blend": 1 / rank},
                ranks={"dense": rank, "bm25": 2 * rank},
            )
            for rank, document in enumerate(documents, start=1)
        ],
        [READ],
    )


def test_right_first_hit_gives_a_second_sample_without_it() -> None:
    whole, without = samples_of(ranking("a", "b", "c"), "q", {"a": 1}, group="g", only_judged=False)
    assert (whole.outcome, whole.origin, whole.evidence["score"]) == ("right", "asked", 19.0)
    assert (without.outcome, without.evidence["score"]) == ("unanswered", 18.0)
    assert without.origin == "answers removed"
    assert without.evidence["agreement"] == (1 + 1 / 3) / 2, "ranks count without the hits that were taken out"


def test_wrong_first_hit_and_question_without_an_answer_differ() -> None:
    wrong, _ = samples_of(ranking("b", "a", "c"), "q", {"a": 1}, group="g", only_judged=False)
    (unanswered,) = samples_of(ranking("b", "a"), "q", {}, group="g", only_judged=False)
    assert (wrong.outcome, unanswered.outcome) == ("wrong", "unanswered")
    assert unanswered.origin == "asked"


def test_first_hit_that_nobody_judged_gives_no_sample_if_only_judged_ones_count() -> None:
    grades = {"a": 1, "c": 0}
    assert samples_of(ranking("b", "a"), "q", grades, group="g", only_judged=True) == []
    assert [each.outcome for each in samples_of(ranking("a", "b", "c"), "q", grades, group="g", only_judged=True)] == [
        "right"
    ]


def test_ranking_that_nothing_scored_gives_no_sample() -> None:
    assert samples_of(Ranking(ranking("a").hits), "q", {"a": 1}, group="g", only_judged=False) == []


def test_hit_that_stands_alone_gives_no_sample() -> None:
    assert samples_of(ranking("a"), "q", {"a": 1}, group="g", only_judged=False) == []
    (whole,) = samples_of(ranking("a", "b"), "q", {"a": 1}, group="g", only_judged=False)
    assert whole.origin == "asked", "without the first hit the second stands alone"
