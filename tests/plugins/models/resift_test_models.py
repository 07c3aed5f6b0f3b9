"""Rerankers and encoders as another package provides them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from resift.core.query import Query
from resift.core.values import Passage
from resift.core.vectors import Vector
from resift.encoders.protocols import EncodedQuery
from resift.rerank.protocols import Scores


class OverlapReranker:
    """Counts the words that query and passage share."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.name = "overlap"
        self.fingerprint = f"overlap@{options}"
        self.weights = {"fused": 0.0, "rerank": 1.0}
        self._bonus = str(options.get("bonus", ""))

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        words = set(query.text.lower().split())
        return Scores(tuple(self._score(words, passage.text.lower().split()) for passage in passages))

    def _score(self, words: set[str], text: Sequence[str]) -> float:
        return len(words.intersection(text)) + 10.0 * (self._bonus in text)

    def relevance(self, score: float) -> float:
        return min(1.0, score / 10)


class FailingReranker(OverlapReranker):
    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        raise RuntimeError("out of luck")


def failing_reranker(options: dict[str, Any]) -> FailingReranker:
    return FailingReranker(options)


class LetterEncoder:
    """Counts letters."""

    dimension = 26

    def __init__(self, settings: Any) -> None:
        self.fingerprint = f"letters:{settings.model}"
        self.closed = False

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        return [_letters(text) for text in texts], 0

    async def encode_query(self, query: str) -> EncodedQuery:
        return EncodedQuery(_letters(query), tokens=len(query), truncated=False)


def _letters(text: str) -> Vector:
    counts = np.array([1 + text.lower().count(chr(97 + place)) for place in range(26)], np.float32)
    return (counts / np.linalg.norm(counts)).astype(np.float32)


def unwilling_encoder(settings: Any) -> LetterEncoder:
    raise KeyError("no licence")
