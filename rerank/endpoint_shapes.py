"""The request and reply formats of rerank endpoints; add one as a row of `SHAPES`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, cast

from ..core.errors import ModelError


@dataclass(frozen=True, slots=True)
class Shape:
    """The URL of an endpoint, and the field names of its requests and replies."""

    path: str
    url: str = ""
    """Of the hosted service; empty for software that you run yourself."""
    documents: str = "documents"
    results: str = "results"
    """The field with the list of results; empty if the whole reply is that list."""
    score: str = "relevance_score"
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    batch: int = 100
    """Passages in one request: below every service's limit, since several requests run at once."""
    needs_model: bool = True

    def body(self, model: str, query: str, texts: Sequence[str]) -> dict[str, Any]:
        """Return the body of a request."""
        named = {"model": model} if model else {}
        return {**named, "query": query, self.documents: list(texts), **self.extra}

    def scores(self, reply: Any, count: int) -> list[float]:
        """Return the scores of `count` texts in a reply, in the order of the texts.

        Raises:
            ModelError: The reply does not have one finite score for each text.
        """
        rows = reply if not self.results else _get(reply, self.results)
        if not isinstance(rows, list):
            raise ModelError(f"no list {self.results!r}" if self.results else "no list")
        found: dict[int, float] = {}
        for row in cast("list[Any]", rows):
            place, score = _get(row, "index"), _get(row, self.score)
            if not _is_number(place) or not _is_number(score) or place not in range(count):
                raise ModelError(f"a result with index {place!r} and {self.score} {score!r} for {count} texts")
            if place in found:
                raise ModelError(f"two results with index {place}")
            found[int(place)] = float(score)
        if len(found) != count:
            raise ModelError(f"{len(found)} results for {count} texts")
        return [found[place] for place in range(count)]


SHAPES: Mapping[str, Shape] = {
    "cohere": Shape("/v2/rerank", "https://api.cohere.com"),
    "jina": Shape("/v1/rerank", "https://api.jina.ai", extra={"return_documents": False}),
    "voyage": Shape("/v1/rerank", "https://api.voyageai.com", results="data", extra={"truncation": True}),
    # The server accepts 32 texts per request by default.
    "tei": Shape(
        "/rerank", documents="texts", results="", score="score", extra={"truncate": True}, batch=32, needs_model=False
    ),
    "vllm": Shape("/v1/rerank", extra={"truncate_prompt_tokens": -1}),
}


def _get(value: Any, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        return False
