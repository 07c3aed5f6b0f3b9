"""The seam to models that put passages in order without scoring them, such as an LLM, and their stage over a head."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import anyio

from ...core.errors import ModelError
from ...core.values import Hit, Ranking, Stage
from ..protocols import Orderer, Ordering
from .fallback import keep_order


async def order_head(
    ranking: Ranking,
    query: str,
    instruction: str,
    orderer: Orderer,
    *,
    stage: str,
    depth: int,
    milliseconds: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Ranking:
    """Return the ranking with its head in the orderer's order; as it was, marked degraded, when that fails.

    An order has no scores: final ones are 1/rank, and those of earlier stages stay beside them. `milliseconds` of 0 is
    no limit.
    """
    start = clock()
    head = ranking.hits[:depth]
    if not head:
        return ranking
    try:
        ordering = await _order_within(orderer, query, instruction, head, milliseconds)
    except ModelError as error:
        report = Stage(stage, orderer.name, len(head), 0, 1000 * (clock() - start), str(error), "rank")
        return keep_order(ranking, report, str(error))
    was_left = ordering.degraded and not ordering.places
    returned = 0 if was_left else len(head)
    took_ms = 1000 * (clock() - start)
    report = Stage(stage, orderer.name, len(head), returned, took_ms, ordering.note, "rank", ordering.usage)
    return replace(
        ranking,
        hits=_reorder(ranking.hits, ordering.places, stage) if ordering.places else ranking.hits,
        stages=[*ranking.stages, report],
        notes=[*ranking.notes, *ordering.notes],
        degraded=ranking.degraded or ordering.degraded,
    )


async def _order_within(
    orderer: Orderer, query: str, instruction: str, head: Sequence[Hit], milliseconds: float
) -> Ordering:
    ordering = None
    with anyio.move_on_after(milliseconds / 1000 if milliseconds else None):
        ordering = await orderer.order(query, instruction, head)
    if ordering is None:
        left = f"the {milliseconds:.0f} ms left of the time budget"
        raise ModelError(f"{orderer.name} gave no order within {left}. Allow more.")
    if ordering.places and sorted(ordering.places) != list(range(len(head))):
        raise ModelError(f"{orderer.name} gave an order that does not hold each of {len(head)} passages once.")
    return ordering


def _reorder(hits: Sequence[Hit], places: Sequence[int], stage: str) -> list[Hit]:
    head = [
        replace(
            hits[place],
            score=1 / rank,
            rank=rank,
            was=hits[place].was or hits[place].rank,
            scores={**hits[place].scores, stage: 1 / rank},
            ranks={**hits[place].ranks, stage: rank},
        )
        for rank, place in enumerate(places, start=1)
    ]
    tail = [replace(hit, score=min(hit.score, head[-1].score), was=hit.was or hit.rank) for hit in hits[len(places) :]]
    return [*head, *tail]
