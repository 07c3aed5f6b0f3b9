from collections.abc import Mapping

from resift.evaluation.compare import MAX_CHANGES, SystemResult, compare
from resift.evaluation.judged import JudgedSet
from resift.evaluation.measures import per_query
from resift.evaluation.run import QueryResult

JUDGED = JudgedSet(
    "set",
    queries={key: f"question {key}" for key in "abcdefgh"},
    grades={key: {"right": 1, "other": 0} for key in "abcdefgh"},
)


def measured(name: str, ranks: Mapping[str, int]) -> SystemResult:
    """Return a system that finds the right document at these ranks, from 1; 0 is nowhere."""
    run = {
        key: QueryResult(
            (*(f"x{number}" for number in range(rank - 1)), *(["right"] if rank else [])), 1.0, added_ms=0.0
        )
        for key, rank in ranks.items()
    }
    orders = {key: result.documents for key, result in run.items()}
    return SystemResult(name, run, per_query(JUDGED.grades, orders, ["nDCG@10", "RR@10"]))


def test_queries_are_counted_and_the_largest_changes_come_first() -> None:
    before = dict(zip("abcdefgh", (2, 3, 4, 5, 6, 7, 1, 3), strict=True))
    after = dict(zip("abcdefgh", (1, 1, 1, 1, 1, 1, 9, 3), strict=True))
    found = compare(JUDGED, measured("new", after), measured("old", before), seed=0)
    assert (found.helped, found.hurt, found.tied) == (6, 1, 1)
    assert len(found.most_helped) == MAX_CHANGES
    assert [change.query_id for change in found.most_helped] == ["f", "e", "d", "c", "b"]
    first = found.most_helped[0]
    assert (first.query, first.rank_before, first.rank_after, first.after) == ("question f", 7, 1, 1.0)
    assert [change.query_id for change in found.most_hurt] == ["g"]


def test_differences_are_those_of_the_system_over_the_baseline() -> None:
    found = compare(
        JUDGED, measured("new", dict.fromkeys("abcdefgh", 1)), measured("old", dict.fromkeys("abcdefgh", 2)), seed=0
    )
    assert (found.system, found.against) == ("new", "old")
    rr = found.differences["RR@10"]
    assert (rr.mean, rr.low, rr.high) == (0.5, 0.5, 0.5)
    nothing = compare(
        JUDGED, measured("new", dict.fromkeys("abcdefgh", 0)), measured("old", dict.fromkeys("abcdefgh", 2)), seed=0
    )
    assert nothing.hurt == 8
    assert nothing.most_hurt[0].rank_after == 0
    worse = nothing.differences["RR@10"]
    assert worse.high < 0
    assert not worse.is_significant, "eight questions are too few"
