"""Heads of hits, and how a listwise reranker is asked to put one in order."""

from collections.abc import Callable, Sequence
from typing import Any

from resift.core.query import Query
from resift.core.values import Hit, Passage, Ranking
from resift.rerank.llm.listwise import Listwise
from resift.rerank.stages.order import OrderStage, PlannedOrder
from resift.tests.standins.chat import Seen

Build = Callable[..., Listwise]


def by_number(body: dict[str, Any], seen: Seen) -> int:
    """Rank honestly by the number in the text, the highest first."""
    return -int(seen.text.split()[-1])


def hits(texts: Sequence[str], dates: Sequence[str] = ()) -> list[Hit]:
    known = [{"date": each} if each else {} for each in dates or [""] * len(texts)]
    passages = [
        Passage(f"p{place}", -1, text=text, metadata=metadata)
        for place, (text, metadata) in enumerate(zip(texts, known, strict=True))
    ]
    return [
        Hit(passage, 1 / rank, rank=rank, scores={"rerank": -rank}, ranks={})
        for rank, passage in enumerate(passages, start=1)
    ]


def numbered(count: int) -> list[Hit]:
    """Hits whose numbers grow with their places: the honest order is the reverse."""
    return hits([f"worth {place}" for place in range(count)])


async def ask(listwise: Listwise, given: Sequence[Hit], query: str = "worth", instruction: str = "") -> Ranking:
    stage = PlannedOrder(OrderStage("llm", listwise), len(given))
    return await stage.run(Ranking(given), Query(query, instruction=instruction))


def order(ranking: Ranking) -> list[int]:
    return [int(hit.passage.document_id[1:]) for hit in ranking.hits]
