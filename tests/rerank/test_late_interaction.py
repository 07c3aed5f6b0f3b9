"""Late interaction: MaxSim as defined, and long passages read to their end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from resift.core.query import Query
from resift.core.values import Logistic, Passage
from resift.models.bundled import BUNDLED
from resift.models.lazy import Lazy
from resift.models.text.transformer import Transformer
from resift.models.worker_pool import WorkerPool
from resift.rerank.late_interaction import LateInteraction, max_similarity

ROWS = arrays.arrays(np.float32, st.tuples(st.integers(1, 6), st.just(3)), elements=st.floats(-1, 1, width=32))


@given(query=ROWS, passage=ROWS)
def test_max_similarity_is_the_mean_of_best_dot_products(
    query: NDArray[np.float32], passage: NDArray[np.float32]
) -> None:
    best: list[float] = []
    for asked in query.tolist():
        best.append(max(sum(a * b for a, b in zip(asked, row, strict=True)) for row in passage.tolist()))
    assert max_similarity(query, passage) == pytest.approx(sum(best) / len(best), abs=1e-5)


@given(query=ROWS, passage=ROWS, more=ROWS)
def test_more_text_never_lowers_the_similarity(
    query: NDArray[np.float32], passage: NDArray[np.float32], more: NDArray[np.float32]
) -> None:
    longer = np.concatenate([passage, more])
    assert max_similarity(query, longer) >= max_similarity(query, passage) - 1e-6


def test_empty_side_has_no_similarity() -> None:
    some, none = np.ones((2, 3), np.float32), np.ones((0, 3), np.float32)
    assert max_similarity(some, none) == max_similarity(none, some) == 0.0


@pytest.fixture(scope="module")
def reranker() -> LateInteraction:
    model = BUNDLED["all-MiniLM-L6-v2-int8"]
    return LateInteraction(
        model, Lazy(lambda: Transformer.open(model)), WorkerPool(2), calibration=Logistic(10.0, -5.0)
    )


def passage(text: str) -> Passage:
    return Passage("d", 0, text=text)


@pytest.mark.anyio
async def test_passage_that_answers_scores_highest(reranker: LateInteraction) -> None:
    texts = ["Bananas are rich in potassium.", "To reset the password, open the account page.", "Accounts are free."]
    scores = await reranker.score(Query("how do I change my password"), [passage(text) for text in texts])
    assert int(np.argmax(scores.values)) == 1
    assert all(-1 <= value <= 1 for value in scores.values)
    assert scores.notes == ()
    assert reranker.name == "maxsim:all-MiniLM-L6-v2-int8"


@pytest.mark.anyio
async def test_answer_at_the_end_of_a_long_passage_is_found(reranker: LateInteraction) -> None:
    filler = " ".join(f"Row {number} of the table lists fruit, vegetables and grain." for number in range(200))
    needle = "The admiral's parrot was called Coriander."
    assert len(filler.split()) >= 2000
    long = [passage(filler), passage(f"{filler} {needle}")]
    without, at_the_end = (await reranker.score(Query("name of the admiral's parrot"), long)).values
    assert at_the_end > without + 0.2


@pytest.mark.anyio
async def test_score_does_not_depend_on_the_other_passages(reranker: LateInteraction) -> None:
    texts = ["Short.", "A rather long text. " * 100, "Worn brake pads squeal.", ""]
    in_a_batch = await reranker.score(Query("squealing brakes"), [passage(text) for text in texts])
    alone = [(await reranker.score(Query("squealing brakes"), [passage(text)])).values[0] for text in texts]
    assert list(in_a_batch.values) == alone


@pytest.mark.anyio
async def test_query_over_the_window_is_noted(reranker: LateInteraction) -> None:
    scores = await reranker.score(Query("brakes " * 400), [passage("Worn brake pads squeal.")])
    assert "longer than the model's window" in scores.notes[0]
