"""The teacher, whose order a reranker learns beside the judgements: retrieval, or a stronger reranker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import TypeAlias

from tqdm import tqdm

from ...models.pair.scorer import PairScorer
from .drawing import CandidateList

RETRIEVAL_SCALE = 12.0  # fused scores are in 0..1; the first and the tenth hit differ by about 0.2

RETRIEVAL_SHARE = 0.2  # of the targets of judged questions, so that training does not unlearn retrieval's order

RERANKER_SHARE = 0.7  # a stronger reranker tells more about a list than a judgement of one of its passages

UNKNOWN = -1.0

Teacher: TypeAlias = Callable[[CandidateList], Sequence[float]]
"""From a list to scores of its passages; their softmax gives the teacher's targets."""


@dataclass(frozen=True, slots=True)
class TrainingList:
    """A question and some candidates; `targets` sum to at most 1, `fused` holds retrieval's scores.

    `answers` says whether each passage answers the question: 1, 0, or `UNKNOWN`.
    """

    query: str
    passages: list[str]
    targets: list[float]
    fused: list[float]
    answers: list[float]


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
    """Yield the lists with targets: `share` from the teacher, the rest from the labels, if there are any.

    Targets of graded lists are their labels alone: who graded them read every passage, and knows more than the teacher.
    """
    drawn = list(lists)
    with ThreadPoolExecutor(threads) as pool:
        targets = pool.map(partial(_targets, teacher=teacher, share=share), drawn)
        for each, aims in zip(drawn, tqdm(targets, "teacher", len(drawn), disable=None, leave=False), strict=True):
            answers = [float(answer) for answer in each.answers] or [UNKNOWN] * len(aims)
            yield TrainingList(each.query, each.passages, targets=aims, fused=each.fused, answers=answers)


def _targets(drawn: CandidateList, *, teacher: Teacher, share: float) -> list[float]:
    if drawn.answers:
        return drawn.labels
    taught = _softmax(teacher(drawn))
    if not drawn.labels:
        return taught
    return [(1 - share) * label + share * value for label, value in zip(drawn.labels, taught, strict=True)]


def _softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    powers = [exp(score - highest) for score in scores]
    return [power / sum(powers) for power in powers]
