"""Measure calls, rounds and wall time of listwise reranking by depth, with an endpoint that takes 300 ms per call.

pip install -e '.[dev]'
python -m resift.benchmarks.listwise
"""

import time

import anyio

from resift.core.query import Query
from resift.core.values import Hit, Passage
from resift.models.endpoint.chat import LanguageModel
from resift.models.endpoint.client import Endpoint
from resift.prompts.templates import load_templates
from resift.rerank.llm.listwise import Listwise, ListwiseOptions
from resift.rerank.llm.strategies import STRATEGIES, rounds_of
from resift.tests.rerank.llm.heads import by_number
from resift.tests.standins.chat import ChatStandIn, chat_stand_in

DELAY_S = 0.3
DEPTHS = (10, 20, 30, 40, 50, 60, 80, 100)
COMPARED = ("windows", "partition")


async def measure(server: ChatStandIn, strategy: str, depth: int) -> tuple[int, int, float]:
    """Return calls, rounds and seconds for passages of which the second-to-last is the best."""
    worth = [depth - place for place in range(depth)]
    worth[-2] = 2 * depth
    hits = [Hit(Passage(f"p{place}", -1, text=f"worth {each}"), 0.0, rank=place) for place, each in enumerate(worth)]
    model = LanguageModel(Endpoint("stand-in", server.url))
    listwise = Listwise(model, load_templates(), ListwiseOptions(strategy=strategy, cache_size=0))
    asked, begun = len(server.asked), time.perf_counter()
    ordering = await listwise.order(Query("worth"), hits)
    seconds = time.perf_counter() - begun
    assert ordering.places[:2] == (depth - 2, 0)
    await model.close()
    rounds = rounds_of(STRATEGIES[strategy](depth), lambda group: sorted(group, key=lambda place: -worth[place]))
    return len(server.asked) - asked, len(rounds), seconds


async def main() -> None:
    with chat_stand_in() as server:
        server.rule, server.delay_s = by_number, DELAY_S
        await measure(server, "windows", 10)  # loads the client
        print("| depth | windows: calls | rounds | seconds | partitioning: calls | rounds | seconds |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for depth in DEPTHS:
            measured = [await measure(server, strategy, depth) for strategy in COMPARED]
            cells = [f"{calls} | {rounds} | {seconds:.1f}" for calls, rounds, seconds in measured]
            print(f"| {depth} | {' | '.join(cells)} |")


if __name__ == "__main__":
    anyio.run(main)
