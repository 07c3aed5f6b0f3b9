"""Which weights and depth a question is reranked with: its own, those tuned for the collection, or the settings'."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from resift.core.values import Logistic
from resift.pipeline.plan import Plan, plan
from resift.pipeline.question import DEFAULT_DEPTH, Question
from resift.rerank.blend import with_reranker
from resift.rerank.signals import NO_METADATA, MetadataSignals
from resift.store.manifest import Tuning

NOW = datetime(2026, 7, 1, tzinfo=UTC)
TUNING = Tuning(
    {"fused": 0.3, "rerank": 0.7}, 30, calibration=Logistic(2.0, -1.0), questions=100, gain=0.05, created="2026-07-01"
)
BY_DATE = MetadataSignals(recency_field="date", recency_weight=0.2)
ASKED = Question("q", reranker="default")


def planned(question: Question, tuning: Tuning | None = TUNING, metadata: MetadataSignals = NO_METADATA) -> Plan:
    return plan(question, tuning, weights=with_reranker(0.2), metadata=metadata, now=NOW)


def test_settings_count_where_nothing_was_tuned() -> None:
    found = planned(ASKED, None)
    assert (found.depth, found.mix.weights, found.mix.note) == (DEFAULT_DEPTH, {"fused": 0.8, "rerank": 0.2}, "")


def test_tuning_counts_where_the_question_says_nothing() -> None:
    found = planned(ASKED)
    assert (found.depth, found.mix.weights, found.mix.calibration) == (30, TUNING.weights, TUNING.calibration)
    assert found.mix.note == "weights, depth, relevance tuned for this collection"


def test_question_goes_before_the_tuning() -> None:
    found = planned(replace(ASKED, depth=50, rerank_weight=0.6))
    assert (found.depth, found.mix.weights) == (50, {"fused": 0.4, "rerank": 0.6})
    assert found.mix.note == "relevance tuned for this collection"


@pytest.mark.parametrize("other", [replace(ASKED, mode="keyword"), replace(ASKED, fields={"title": 1})])
def test_weights_hold_only_for_the_search_they_were_tuned_on(other: Question) -> None:
    assert planned(other).mix.weights == {"fused": 0.8, "rerank": 0.2}


def test_metadata_takes_its_share_from_both_stages() -> None:
    assert planned(ASKED, None, BY_DATE).mix.weights == pytest.approx({"fused": 0.64, "rerank": 0.16, "recency": 0.2})


def test_signal_configured_after_the_tuning_takes_its_share() -> None:
    assert planned(ASKED, TUNING, BY_DATE).mix.weights == pytest.approx({"fused": 0.24, "rerank": 0.56, "recency": 0.2})


def test_signal_switched_off_after_the_tuning_leaves_its_share() -> None:
    tuned = replace(TUNING, weights={"fused": 0.2, "rerank": 0.3, "recency": 0.5})
    assert planned(ASKED, tuned).mix.weights == pytest.approx({"fused": 0.4, "rerank": 0.6})
    assert planned(ASKED, tuned, BY_DATE).mix.weights == pytest.approx(tuned.weights)
