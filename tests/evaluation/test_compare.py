from collections.abc import Mapping

from resift.evaluation.compare import LARGEST, Measured, compare
from resift.evaluation.judged import Judged
from resift.evaluation.measures import per_query
from resift.evaluation.run import Answer

JUDGED = Judged(
    "set",
    [],
    queries={key: f"question {key}" for key in "abcdefgh"},
    grades={key: {"right": 1, "other": 0} for key in "abcdefgh"},
)


def measured(name: str, places: Mapping[str, int]) -> Measured:
    """Put the right document at a place, from 1, or nowhere for 0."""
    run = {
        key: Answer((*(f"x{number}" for number in range(place - 1)), *(["right"] if place else [])), 1.0, 0.0)
        for key, place in places.items()
    }
    orders = {key: answer.documents for key, answer in run.items()}
    return Measured(name, run, per_query(JUDGED.grades, orders, ["nDCG@10", "RR@10"]))


def test_queries_are_counted_and_the_largest_changes_come_first() -> None:
    before = dict(zip("abcdefgh", (2, 3, 4, 5, 6, 7, 1, 3), strict=True))
    after = dict(zip("abcdefgh", (1, 1, 1, 1, 1, 1, 9, 3), strict=True))
    found = compare(JUDGED, measured("new", after), measured("old", before), seed=0)
    assert (found.helped, found.hurt, found.tied) == (6, 1, 1)
    assert len(found.most_helped) == LARGEST
    assert [change.query_id for change in found.most_helped] == ["f", "e", "d", "c", "b"]
    first = found.most_helped[0]
    assert (first.query, first.place_before, first.place_after, first.after) == ("question f", 7, 1, 1.0)
    assert [change.query_id for change in found.most_hurt] == ["g"]


def test_differences_are_of_the_system_over_the_other() -> None:
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
    assert nothing.most_hurt[0].place_after == 0
    assert nothing.differences["RR@10"].is_clear
