"""How a request is reranked: depths never widen, and the request decides before a tuning, a tuning before settings."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from resift.core.errors import NotFound
from resift.core.values import EMPTY, Logistic
from resift.pipeline.plan import DEFAULT_DEPTH, STALE, Rerankers, plan_stages
from resift.pipeline.request import SearchRequest
from resift.rerank.blend import with_reranker
from resift.rerank.signals import NO_METADATA, MetadataSignals
from resift.rerank.stages.budget import EarlyStop
from resift.rerank.stages.cascade import Cascade, PlannedStage
from resift.rerank.stages.order import OrderStage, PlannedOrder
from resift.rerank.stages.score import PlannedScore, ScoreStage
from resift.store.manifest import Tuning
from resift.tests.rerank.stages.heads import ByLength, Reverses

NOW = datetime(2026, 7, 1, tzinfo=UTC)
REQUEST = SearchRequest("q", reranker="careful")
MILD = Cascade((ScoreStage("light", ByLength("light", weights=with_reranker(0.2))),))
CAREFUL = Cascade(
    (
        ScoreStage("light", ByLength("light")),
        ScoreStage("heavy", ByLength("heavy"), head=20),
        OrderStage("llm", Reverses(), head=10),
    )
)
SLICED = Cascade((ScoreStage("light", ByLength("light"), slice_size=8),))
TUNING = Tuning(
    {"fused": 0.3, "rerank": 0.7}, 30, calibration=Logistic(2.0, -1.0), questions=100, gain=0.05, created="2026-07-01"
)
BY_DATE = MetadataSignals(recency_field="date", recency_weight=0.2)


def planned(
    request: SearchRequest = REQUEST,
    cascade: Cascade = CAREFUL,
    *,
    tunings: Mapping[str, Tuning] = EMPTY,
    metadata: MetadataSignals = NO_METADATA,
) -> list[PlannedStage]:
    return plan_stages(request, cascade, metadata=metadata, tunings=tunings, now=NOW)


def scoring(stages: list[PlannedStage]) -> list[PlannedScore]:
    return [stage for stage in stages if isinstance(stage, PlannedScore)]


def first(
    request: SearchRequest = REQUEST, tuning: Tuning | None = TUNING, metadata: MetadataSignals = NO_METADATA
) -> PlannedScore:
    """Return the plan of a single stage, whose scorer has a fifth of the final score."""
    [stage] = scoring(planned(request, MILD, tunings={"light": tuning} if tuning else {}, metadata=metadata))
    return stage


def early_stop(request: SearchRequest = REQUEST, metadata: MetadataSignals = NO_METADATA) -> EarlyStop | None:
    [stage] = scoring(planned(request, SLICED, metadata=metadata))
    return stage.early_stop


def test_settings_count_without_a_tuning() -> None:
    stage = first(tuning=None)
    assert (stage.depth, stage.mix.weights, stage.mix.note) == (DEFAULT_DEPTH, {"fused": 0.8, "rerank": 0.2}, "")
    assert stage.mix.calibration is None


def test_tuning_counts_where_the_request_sets_nothing() -> None:
    stage = first()
    assert (stage.depth, stage.mix.weights, stage.mix.calibration) == (30, TUNING.weights, TUNING.calibration)
    assert stage.mix.note == "weights, depth, relevance tuned for this collection"


def test_request_takes_precedence_over_the_tuning() -> None:
    stage = first(replace(REQUEST, depth=50, rerank_weight=0.6))
    assert (stage.depth, stage.mix.weights) == (50, {"fused": 0.4, "rerank": 0.6})
    assert stage.mix.note == "relevance tuned for this collection"


@pytest.mark.parametrize("other", [replace(REQUEST, mode="keyword"), replace(REQUEST, fields={"title": 1})])
def test_tuned_weights_apply_only_to_the_search_they_were_tuned_on(other: SearchRequest) -> None:
    stage = first(other)
    assert stage.mix.weights == {"fused": 0.8, "rerank": 0.2}
    assert (stage.depth, stage.mix.calibration) == (30, TUNING.calibration)


def test_metadata_takes_its_share_from_both_stages() -> None:
    weights = first(tuning=None, metadata=BY_DATE).mix.weights
    assert weights == pytest.approx({"fused": 0.64, "rerank": 0.16, "recency": 0.2})


def test_signal_configured_after_the_tuning_takes_its_share() -> None:
    weights = first(metadata=BY_DATE).mix.weights
    assert weights == pytest.approx({"fused": 0.24, "rerank": 0.56, "recency": 0.2})


def test_signal_switched_off_after_the_tuning_leaves_its_share() -> None:
    tuned = replace(TUNING, weights={"fused": 0.2, "rerank": 0.3, "recency": 0.5})
    assert first(tuning=tuned).mix.weights == pytest.approx({"fused": 0.4, "rerank": 0.6})
    assert first(tuning=tuned, metadata=BY_DATE).mix.weights == pytest.approx(tuned.weights)


@pytest.mark.parametrize(
    ("depth", "depths"), [(0, [50, 20, 10]), (100, [100, 20, 10]), (15, [15, 15, 10]), (5, [5, 5, 5])]
)
def test_no_stage_reads_more_than_the_one_before(depth: int, depths: list[int]) -> None:
    assert [stage.depth for stage in planned(replace(REQUEST, depth=depth))] == depths


def test_stages_keep_their_names_know_how_many_share_the_time_and_what_any_page_shows() -> None:
    stages = planned(replace(REQUEST, offset=20, limit=5))
    assert [(stage.name, stage.stages_left) for stage in stages] == [("rerank", 3), ("heavy", 2), ("llm", 1)]
    assert isinstance(stages[2], PlannedOrder)
    assert stages[2].cutoff == 5


def test_head_of_the_first_stage_takes_precedence_over_a_tuned_depth_but_not_over_the_request() -> None:
    headed = Cascade((ScoreStage("light", ByLength("light"), head=40),))
    tunings = {"light": TUNING}
    assert planned(tunings=tunings)[0].depth == 30
    assert planned(cascade=headed, tunings=tunings)[0].depth == 40
    assert planned(replace(REQUEST, depth=70), headed, tunings=tunings)[0].depth == 70


def test_orderer_that_comes_first_never_reads_more_than_its_head() -> None:
    alone = Cascade((OrderStage("llm", Reverses(), head=20),))
    assert [planned(replace(REQUEST, depth=depth), alone)[0].depth for depth in (0, 10, 100)] == [20, 10, 20]
    assert planned(cascade=Cascade((OrderStage("llm", Reverses()),)))[0].depth == 50


def test_tuned_weights_are_of_the_first_stage_and_relevance_of_every_one() -> None:
    one, two = scoring(planned(tunings={"light": TUNING, "heavy": TUNING}))
    assert (one.mix.weights, one.mix.calibration) == (TUNING.weights, TUNING.calibration)
    assert (two.mix.weights, two.mix.calibration) == ({"fused": 0.5, "rerank": 0.5}, TUNING.calibration)


def test_weight_in_the_request_is_that_of_every_stage_that_scores() -> None:
    stages = scoring(planned(replace(REQUEST, rerank_weight=0.9)))
    assert [stage.mix.weights["rerank"] for stage in stages] == [0.9, 0.9]


def test_tuning_of_another_model_of_the_same_name_is_not_used_and_reported() -> None:
    kept = replace(TUNING, model=ByLength.fingerprint)
    one, two = scoring(planned(tunings={"light": kept, "heavy": kept}))
    assert (one.mix.weights, two.mix.calibration) == (TUNING.weights, TUNING.calibration)
    other = replace(TUNING, model="another")
    one, two = scoring(planned(tunings={"light": other, "heavy": other}))
    assert (one.depth, one.mix.weights) == (50, {"fused": 0.5, "rerank": 0.5})
    assert (one.mix.calibration, two.mix.calibration) == (None, None)
    assert one.mix.note == STALE


def test_metadata_keeps_its_share_in_later_stages() -> None:
    _, two = scoring(planned(metadata=BY_DATE))
    assert two.mix.weights == pytest.approx({"fused": 0.4, "rerank": 0.4, "recency": 0.2})
    assert two.mix.now == NOW


def test_reading_stops_early_by_what_pages_and_later_stages_see_unless_the_request_sets_a_depth() -> None:
    sliced = Cascade(
        (
            ScoreStage("light", ByLength("light"), slice_size=8),
            ScoreStage("heavy", ByLength("heavy"), head=20, slice_size=4),
            *CAREFUL.stages[2:],
        )
    )
    assert [stage.early_stop for stage in scoring(planned(cascade=sliced))] == [EarlyStop(20, 8), EarlyStop(10, 4)]
    deep = replace(REQUEST, depth=50)
    assert [stage.early_stop for stage in scoring(planned(deep, sliced))] == [None, None]
    assert [stage.early_stop for stage in scoring(planned())] == [None, None], "stages that read their head at once"


def test_all_pages_of_a_request_are_cut_from_one_order() -> None:
    pages = [
        replace(REQUEST, limit=limit, offset=offset) for limit, offset in ((10, 0), (10, 10), (10, 40), (3, 0), (3, 3))
    ]
    assert {early_stop(page) for page in pages} == {EarlyStop(10, 8)}
    assert early_stop(replace(REQUEST, limit=25)) == EarlyStop(25, 8)


def test_everything_is_read_where_a_hit_from_any_rank_may_rise() -> None:
    assert early_stop()
    assert not early_stop(replace(REQUEST, diversity=0.3))
    for metadata in (MetadataSignals(recency_field="date"), MetadataSignals(boost={"kind": {"docs": 2.0}})):
        assert not early_stop(metadata=metadata)


def test_rerankers_are_found_by_name_and_missing_ones_say_what_to_do() -> None:
    rerankers = Rerankers({"careful": CAREFUL, "mild": MILD}, "mild", missing={"llm": " Set RESIFT_LLM__MODEL."})
    assert rerankers.names == ["default", "none", "careful", "mild"]
    assert [rerankers.cascade(name) for name in ("", "default", "careful", "none")] == [MILD, MILD, CAREFUL, None]
    with pytest.raises(NotFound, match=r"Unknown reranker 'llm'\. Set RESIFT_LLM__MODEL\. Known: default, none"):
        rerankers.cascade("llm")
    with pytest.raises(NotFound, match=r"Unknown reranker 'carefull'\. Did you mean 'careful'\? Known: default, none"):
        rerankers.scorer("carefull")


def test_scorer_is_that_of_the_first_stage_and_shares_its_weight_with_metadata() -> None:
    ordering = Cascade((OrderStage("llm", Reverses()),))
    rerankers = Rerankers({"mild": MILD, "ordering": ordering}, "mild", metadata=BY_DATE)
    scorer = rerankers.scorer("default")
    assert scorer is not None
    assert scorer is MILD.scorer
    assert rerankers.weights(scorer) == pytest.approx({"fused": 0.64, "rerank": 0.16, "recency": 0.2})
    assert [rerankers.scorer(name) for name in ("none", "ordering")] == [None, None]


def test_wrapped_rerankers_score_through_the_wrapper_with_a_pace_of_their_own() -> None:
    other = ByLength("other")
    rerankers = Rerankers({"careful": CAREFUL}, "careful", metadata=BY_DATE)
    wrapped = rerankers.wrapped(lambda _: other).cascade("careful")
    assert wrapped is not None
    stages = [stage for stage in wrapped.stages if isinstance(stage, ScoreStage)]
    assert [(stage.name, stage.head, stage.scorer) for stage in stages] == [("light", 0, other), ("heavy", 20, other)]
    before = [stage.pace for stage in CAREFUL.stages if isinstance(stage, ScoreStage)]
    assert all(one.pace is not other for one, other in zip(stages, before, strict=True))
    assert wrapped.stages[2] is CAREFUL.stages[2]


def test_calibration_that_was_tuned_alone_leaves_weights_and_depth_as_they_are() -> None:
    alone = first(tuning=replace(TUNING, weights={}, depth=50))
    plain = first(tuning=None)
    assert (alone.mix.weights, alone.depth) == (plain.mix.weights, plain.depth)
    assert alone.mix.calibration == TUNING.calibration
    assert alone.mix.note == "relevance tuned for this collection"
