"""Cross-encoders as rerankers: in any order the same scores, calibrated, with what was not read said."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.core.values import Passage
from resift.models.pair.loading import CrossEncoderModel, find_cross_encoder
from resift.models.pair.scorer import PairScore, PairScorer, PairTokenizer
from resift.models.worker_pool import WorkerPool
from resift.rerank.cross_encoder import CUT_QUERY, CrossEncoder
from resift.tests.models.rerankers import SEP_IN_COMMON, TOKENIZER, write_exported, write_own

pytestmark = pytest.mark.anyio


def passages(*texts: str) -> list[Passage]:
    return [Passage(f"d{place}", 0, text=text) for place, text in enumerate(texts)]


def own(folder: Path, *, threads: int = 2) -> CrossEncoder:
    return CrossEncoder(find_cross_encoder(str(write_own(folder))), WorkerPool(threads))


@pytest.mark.parametrize("threads", [1, 3])
async def test_scores_stand_in_the_order_of_the_passages(tmp_path: Path, threads: int) -> None:
    texts = ["red brake", "a very long lamp indeed", "", "a red lamp"] * 5
    scores = await own(tmp_path, threads=threads).score(Query("red brake"), passages(*texts))
    assert scores.values == tuple(SEP_IN_COMMON + n for n in (2, 0, 0, 1)) * 5
    assert (scores.notes, scores.cached) == ((), 0)


async def test_title_and_heading_are_read(tmp_path: Path) -> None:
    passage = Passage("d", 0, text="It squeals.", title="Red", heading="Brake")
    assert (await own(tmp_path).score(Query("red brake"), [passage])).values == (SEP_IN_COMMON + 2,)


async def test_what_was_not_read_is_noted(tmp_path: Path) -> None:
    reranker = own(tmp_path)
    assert (await reranker.score(Query("brake " * 9), passages("lamp"))).notes == (CUT_QUERY,)
    scores = await reranker.score(Query("brake"), passages("lamp", "lamp " * 500, "brake"))
    assert (scores.notes, scores.cut) == ((), {1})


async def test_relevance_is_calibrated_or_the_plain_logistic(tmp_path: Path) -> None:
    assert own(tmp_path / "own").relevance(1.5) == 0.5
    foreign = CrossEncoder(find_cross_encoder(str(write_exported(tmp_path / "foreign"))), WorkerPool(1))
    assert (foreign.name, foreign.relevance(0.0)) == ("foreign", 0.5)
    assert foreign.relevance(2.0) == pytest.approx(0.8808, abs=1e-4)


async def test_nothing_is_loaded_before_it_is_needed_and_a_failure_is_tried_again(tmp_path: Path) -> None:
    reranker = own(tmp_path)
    (tmp_path / "tokenizer.json").rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(ModelError, match="is missing"):
            await reranker.score(Query("q"), passages("a"))
    (tmp_path / "elsewhere").rename(tmp_path / "tokenizer.json")
    await reranker.load()
    assert len((await reranker.score(Query("q"), passages("a"))).values) == 1


class Batching:
    """A scorer that takes several at once, and gives the length of each."""

    batch = 4

    def __init__(self) -> None:
        self.tokenizer = PairTokenizer.open(TOKENIZER, window=32)
        self.batches: list[list[int]] = []

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        self.batches.append([len(each) for each in passages])
        return [PairScore(float("nan") if each == "broken" else float(len(each))) for each in passages]


def batching(scorer: PairScorer) -> CrossEncoder:
    return CrossEncoder(CrossEncoderModel("batching", lambda: scorer, origin="a test"), WorkerPool(1))


async def test_batches_hold_passages_of_like_length() -> None:
    scorer = Batching()
    texts = ["x" * length for length in (3, 9, 1, 7, 5, 8)]
    assert (await batching(scorer).score(Query("q"), passages(*texts))).values == (3.0, 9.0, 1.0, 7.0, 5.0, 8.0)
    assert scorer.batches == [[9, 8, 7, 5], [3, 1]]


async def test_score_that_is_no_number_is_an_error() -> None:
    reranker = batching(Batching())
    scores = await reranker.score(Query("q"), passages("whole", "broken"))
    with pytest.raises(ModelError, match=r"batching returned nan as a score, .* reinstall or retrain it\.$"):
        scores.check(reranker, 2)
