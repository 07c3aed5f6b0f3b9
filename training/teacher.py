"""Whose order a reranker learns beside the judges' marks: retrieval's, or that of a stronger reranker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp
from typing import TypeAlias

from tqdm import tqdm

from ..models.pair.scorer import PairScorer
from .lists import Drawn

RETRIEVAL_SCALE = 12.0  # fused scores lie in 0..1; a first and a tenth hit differ by about 0.2

RETRIEVAL_SHARE = 0.2  # of the targets of judged questions, lest what retrieval knows be forgotten

RERANKER_SHARE = 0.7  # a stronger reranker knows more than a mark on one passage says

Opinion: TypeAlias = Callable[[Drawn], Sequence[float]]
"""From a list to scores of its passages, whose softmax is what the teacher thinks."""


@dataclass(frozen=True, slots=True)
class TrainingList:
    """A question and some candidates; `targets` sum to 1, `fused` are the scores of retrieval."""

    query: str
    passages: list[str]
    targets: list[float]
    fused: list[float]


def of_retrieval(drawn: Drawn) -> list[float]:
    """Return retrieval's opinion."""
    return [RETRIEVAL_SCALE * score for score in drawn.fused]


def of_reranker(scorer: PairScorer) -> Opinion:
    """Return the opinion of a reranker: its logits, as they are."""

    def opinion(drawn: Drawn) -> list[float]:
        query = scorer.tokenizer.fit_query(drawn.query).pieces[0]
        return [score.value for score in scorer.score(query, drawn.passages)]

    return opinion


def teach(lists: Iterable[Drawn], opinion: Opinion, *, share: float, threads: int = 1) -> Iterator[TrainingList]:
    """Yield the lists with targets: `share` is of the opinion, the rest of the labels; without labels all of it."""
    drawn = list(lists)
    with ThreadPoolExecutor(threads) as pool:
        opinions = tqdm(pool.map(opinion, drawn), "opinions", len(drawn), disable=None, leave=False)
        for each, scores in zip(drawn, opinions, strict=True):
            said = _softmax(scores)
            weight = share if each.labels else 1.0
            labels = each.labels or [0.0] * len(said)
            targets = [(1 - weight) * label + weight * held for label, held in zip(labels, said, strict=True)]
            yield TrainingList(each.query, each.passages, targets=targets, fused=each.fused)


def _softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    powers = [exp(score - highest) for score in scores]
    return [power / sum(powers) for power in powers]
