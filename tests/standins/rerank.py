"""A stand-in for rerank endpoints of every shape: it scores a text by the words it shares with the query."""

from contextlib import AbstractContextManager
from typing import Any

from resift.tests.standins.http import Answer, StandIn


class RerankStandIn(StandIn):
    """Results come best first, as most services give them, so that places matter."""

    def __init__(self) -> None:
        super().__init__(
            {
                "/v2/rerank": lambda body: Answer({"id": "1", "results": ranked(body), "meta": {}}),
                "/v1/rerank": self._of_model,
                "/rerank": lambda body: Answer(ranked(body, texts="texts", score="score")),
            }
        )

    def _of_model(self, body: dict[str, Any]) -> Answer:
        name = "data" if body["model"].startswith("rerank-2") else "results"  # Voyage's models
        return Answer({"model": body["model"], name: ranked(body), "usage": {"total_tokens": 9}})


def ranked(body: dict[str, Any], *, texts: str = "documents", score: str = "relevance_score") -> list[dict[str, Any]]:
    words = set(body["query"].lower().split())
    shares = [len(words & set(text.lower().split())) / len(words) for text in body[texts]]
    rows = [{"index": place, score: share} for place, share in enumerate(shares)]
    return sorted(rows, key=lambda row: -row[score])


def rerank_stand_in() -> AbstractContextManager[RerankStandIn]:
    return RerankStandIn().serving()
