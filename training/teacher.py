"""The teacher, whose order a reranker learns beside the judgements: retrieval, or a stronger reranker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp
from typing import TypeAlias

from tqdm import tqdm

from ..models.pair.scorer import PairScorer
from .lists import CandidateList

RETRIEVAL_SCALE = 12.0  # fused scores are in 0..1; the first and the tenth hit differ by about 0.2

RETRIEVAL_SHARE = 0.2  # of the targets of judged questions, so that training does not unlearn retrieval's order

RERANKER_SHARE = 0.7  # a stronger reranker tells more about a list than a judgement of one of its passages

Teacher: TypeAlias = Callable[[CandidateList], Sequence[float]]
"""From a list to scores of its passages; their softmax gives the teacher's targets."""


@dataclass(frozen=True, slots=True)
class TrainingList:
    """A question and some candidates; `targets` sum to 1, `fused` holds retrieval's scores."""

    query: str
    passages: list[str]
    targets: list[float]
    fused: list[float]


def score_by_retrieval(drawn: CandidateList) -> list[float]:
    """Return retrieval's scores, scaled for the softmax."""
    return [RETRIEVAL_SCALE * score for score in drawn.fused]


def score_by_reranker(scorer: PairScorer) -> Teacher:
    """Return a teacher that scores by a reranker's logits."""

    def score(drawn: CandidateList) -> list[float]:
        query = scorer.tokenizer.fit_query(drawn.query).pieces[0]
        return [score.value for score in scorer.score(query, drawn.passages)]

    return score


def add_targets(
    lists: Iterable[CandidateList], teacher: Teacher, *, share: float, threads: int = 1
) -> Iterator[TrainingList]:
    """Yield the lists with targets: `share` from the teacher, the rest from the labels, if there are any."""
    drawn = list(lists)
    with ThreadPoolExecutor(threads) as pool:
        all_scores = tqdm(pool.map(teacher, drawn), "teacher", len(drawn), disable=None, leave=False)
        for each, scores in zip(drawn, all_scores, strict=True):
            taught = _softmax(scores)
            weight = share if each.labels else 1.0
            labels = each.labels or [0.0] * len(taught)
            targets = [(1 - weight) * label + weight * value for label, value in zip(labels, taught, strict=True)]
            yield TrainingList(each.query, each.passages, targets=targets, fused=each.fused)


def _softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    powers = [exp(score - highest) for score in scores]
    return [power / sum(powers) for power in powers]
