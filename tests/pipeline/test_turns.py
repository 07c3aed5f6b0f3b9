"""How a cascade is asked: heads never widen, later stages are blended with the order before, tunings hold."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from resift.core.values import Logistic
from resift.pipeline.plan import STALE, Reranking, plan_turns
from resift.pipeline.question import Question
from resift.rerank.signals import MetadataSignals
from resift.rerank.stages.budget import EarlyStop
from resift.rerank.stages.cascade import Cascade, Ordered, Scored, Turn
from resift.store.manifest import Tuning
from resift.tests.rerank.stages.test_cascade import ByLength, Reverses

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ASKED = Question("q", reranker="careful")
CAREFUL = Cascade(
    (Scored("light", ByLength("light")), Scored("heavy", ByLength("heavy"), 20), Ordered("llm", Reverses(), 10))
)
TUNING = Tuning(
    {"fused": 0.3, "rerank": 0.7}, 30, calibration=Logistic(2.0, -1.0), questions=100, gain=0.05, created="2026-07-01"
)
Tunings: TypeAlias = dict[str, Tuning]


def planned(
    question: Question, tunings: Tunings | None = None, cascade: Cascade = CAREFUL, **more: object
) -> list[Turn]:
    reranking = Reranking({"careful": cascade}, "careful", **more)  # pyright: ignore[reportArgumentType]
    return plan_turns(question, cascade, reranking, tunings or {}, now=NOW)


@pytest.mark.parametrize(
    ("depth", "heads"), [(0, [50, 20, 10]), (100, [100, 20, 10]), (15, [15, 15, 10]), (5, [5, 5, 5])]
)
def test_no_stage_reads_more_than_the_one_before(depth: int, heads: list[int]) -> None:
    assert [turn.depth for turn in planned(replace(ASKED, depth=depth))] == heads


def test_head_of_the_first_stage_goes_before_a_tuned_depth_and_after_the_questions() -> None:
    headed = Cascade((Scored("light", ByLength("light"), 40),))
    tunings = {"light": TUNING}
    assert planned(ASKED, tunings)[0].depth == 30
    assert planned(ASKED, tunings, headed)[0].depth == 40
    assert planned(replace(ASKED, depth=70), tunings, headed)[0].depth == 70


def test_orderer_that_comes_first_never_reads_more_than_its_head() -> None:
    alone = Cascade((Ordered("llm", Reverses(), 20),))
    assert [planned(replace(ASKED, depth=depth), cascade=alone)[0].depth for depth in (0, 10, 100)] == [20, 10, 20]
    assert planned(ASKED, cascade=Cascade((Ordered("llm", Reverses()),)))[0].depth == 50


def test_tuned_weights_are_of_the_first_stage_and_relevance_of_every_one() -> None:
    first, second, _ = planned(ASKED, {"light": TUNING, "heavy": TUNING})
    assert (first.mix.weights, first.mix.calibration) == (TUNING.weights, TUNING.calibration)
    assert (second.mix.weights, second.mix.calibration) == ({"fused": 0.5, "rerank": 0.5}, TUNING.calibration)


def test_weight_of_the_question_is_that_of_every_stage_that_scores() -> None:
    turns = planned(replace(ASKED, rerank_weight=0.9))
    assert [turn.mix.weights["rerank"] for turn in turns[:2]] == [0.9, 0.9]


def test_tuning_of_another_model_of_the_same_name_is_not_used_and_said_not_to_be() -> None:
    kept = replace(TUNING, model=ByLength.fingerprint)
    first, second, _ = planned(ASKED, {"light": kept, "heavy": kept})
    assert (first.mix.weights, second.mix.calibration) == (TUNING.weights, TUNING.calibration)
    other = replace(TUNING, model="another")
    first, second, _ = planned(ASKED, {"light": other, "heavy": other})
    assert (first.depth, first.mix.weights) == (50, {"fused": 0.5, "rerank": 0.5})
    assert (first.mix.calibration, second.mix.calibration) == (None, None)
    assert first.mix.note == STALE


def test_metadata_keeps_its_share_in_later_stages() -> None:
    turns = planned(ASKED, metadata=MetadataSignals(recency_field="date", recency_weight=0.2))
    assert turns[1].mix.weights == pytest.approx({"fused": 0.4, "rerank": 0.4, "recency": 0.2})


def test_reading_stops_early_where_the_question_names_no_depth_by_what_pages_and_later_stages_see() -> None:
    sliced = Cascade(
        (
            Scored("light", ByLength("light"), slice=8),
            Scored("heavy", ByLength("heavy"), 20, slice=4),
            *CAREFUL.steps[2:],
        )
    )
    assert [turn.early_stop for turn in planned(ASKED, cascade=sliced)] == [EarlyStop(20, 8), EarlyStop(10, 4), None]
    assert [turn.early_stop for turn in planned(replace(ASKED, depth=50), cascade=sliced)] == [None] * 3
    assert [turn.early_stop for turn in planned(ASKED)] == [None] * 3, "rerankers that take all at once"


def test_all_pages_of_a_question_are_cut_from_one_order() -> None:
    sliced = Cascade((Scored("light", ByLength("light"), slice=8),))
    asked = [
        replace(ASKED, limit=limit, offset=offset) for limit, offset in ((10, 0), (10, 10), (10, 40), (3, 0), (3, 3))
    ]
    assert {planned(each, cascade=sliced)[0].early_stop for each in asked} == {EarlyStop(10, 8)}
    assert planned(replace(ASKED, limit=25), cascade=sliced)[0].early_stop == EarlyStop(25, 8)


def test_all_is_read_where_a_hit_from_any_place_may_rise() -> None:
    sliced = Cascade((Scored("light", ByLength("light"), slice=8),))
    assert planned(ASKED, cascade=sliced)[0].early_stop
    assert not planned(replace(ASKED, diversity=0.3), cascade=sliced)[0].early_stop
    for metadata in (MetadataSignals(recency_field="date"), MetadataSignals(boost={"kind": {"docs": 2.0}})):
        assert not planned(ASKED, cascade=sliced, metadata=metadata)[0].early_stop
