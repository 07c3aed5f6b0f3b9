import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.evaluation import measures
from resift.evaluation.measures import paired_bootstrap


def test_interval_agrees_with_the_normal_approximation_of_a_large_sample() -> None:
    values = np.random.default_rng(1).normal(0.2, 1.0, 400)
    found = paired_bootstrap(list(values), seed=0)
    half = 1.96 * float(values.std()) / 20
    assert found.mean == pytest.approx(float(values.mean()))
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half), abs=0.01)
    assert found.is_significant


def test_difference_that_changes_sign_is_not_significant() -> None:
    assert not paired_bootstrap([0.1, -0.1] * 20, seed=0).is_significant
    assert not paired_bootstrap([0.0] * 20, seed=0).is_significant
    assert paired_bootstrap([-0.1, -0.2] * 20, seed=0).is_significant


def test_seed_fixes_the_interval() -> None:
    values = [0.0, 0.3, -0.1, 0.2, 0.9]
    assert paired_bootstrap(values, seed=5) == paired_bootstrap(values, seed=5)
    assert paired_bootstrap(values, seed=5, resamples=100) != paired_bootstrap(values, seed=6, resamples=100)


def test_resampling_in_blocks_gives_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.0, 0.3, -0.1, 0.2, 0.9]
    whole = paired_bootstrap(values, seed=5)
    monkeypatch.setattr(measures, "MAX_BLOCK_VALUES", 35)
    assert paired_bootstrap(values, seed=5) == whole


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_interval_lies_within_the_values(values: list[float]) -> None:
    found = paired_bootstrap(values, seed=0, resamples=50)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
