"""A stand-in for an endpoint of embeddings: each word has its own direction, and a text is the sum of its words."""

from contextlib import AbstractContextManager
from typing import Any
from zlib import crc32

from resift.tests.standins.http import Answer, StandIn

DIMENSION = 32


class EmbeddingStandIn(StandIn):
    """Gives rows in another order than they were asked, as it may."""

    def __init__(self) -> None:
        super().__init__({"/v1/embeddings": self._embed})
        self.dimension = DIMENSION
        """Of the vectors, if a request names none."""

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def _embed(self, body: dict[str, Any]) -> Answer:
        size = body.get("dimensions", self.dimension)
        rows = [{"index": place, "embedding": _sum(text, size)} for place, text in enumerate(body["input"])]
        return Answer({"object": "list", "model": body["model"], "data": rows[::-1], "usage": {"total_tokens": 1}})


def _sum(text: str, size: int) -> list[float]:
    vector = [0.0] * size
    for word in text.lower().split():
        vector[crc32(word.encode()) % size] += 1.0
    return vector


def embedding_stand_in() -> AbstractContextManager[EmbeddingStandIn]:
    return EmbeddingStandIn().serving()
