"""An encoder and points whose nearness can be read off their words."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from resift.core.values import Passage
from resift.core.vectors import AnyVector, Vector
from resift.encoders.bm25 import Bm25Encoder
from resift.encoders.protocols import EncodedQuery
from resift.store.protocols import Point


class WordSum:
    """An encoder whose vectors are sums of a vector per word: near means sharing words."""

    fingerprint = "by-hand@1"
    dimension = 4

    def vector(self, text: str) -> Vector:
        seeds = [int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) for word in text.split()]
        total = np.sum([np.random.default_rng(seed).standard_normal(4) for seed in seeds], axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)

    async def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[list[Vector], int]:
        return [self.vector(text) for text in texts], 0

    async def encode_query(self, query: str) -> EncodedQuery:
        words = query.split()
        return EncodedQuery(self.vector(" ".join(words[:20])), len(words), truncated=len(words) > 20)


ENCODER = WordSum()


def point(document_id: str, ordinal: int, text: str, title: str, bm25: Bm25Encoder, **metadata: Any) -> Point:
    passage = Passage(document_id, ordinal, text=text, title=title, metadata=metadata)
    vectors: dict[str, AnyVector] = {"dense": ENCODER.vector(text), "bm25": bm25.document(text)}
    if title:
        vectors["title"] = ENCODER.vector(title)
    return Point(passage, "digest", passages=ordinal + 1, vectors=vectors)
