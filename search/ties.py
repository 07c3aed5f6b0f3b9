"""Search with a stable order of equal scores; an engine's own order of them depends on the history of writes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from ..store.filters import Condition
from ..store.protocols import Leg
from .protocols import Searchable

ScoredIds: TypeAlias = list[tuple[UUID, float]]

TIE_DECIMALS = 5  # scores that agree to so many decimals are equal; the rest differs between engines

MAX_TIED_HITS = 4096  # requested if a tie crosses the limit; with more, the engine decides which are returned


async def search_in_order(collection: Searchable, legs: Sequence[Leg], where: Condition | None) -> list[ScoredIds]:
    """Return each leg's best hits by descending score, then by id.

    If the first hit beyond a leg's limit ties with the last one within it, all hits of that score are requested, so
    that their ids decide which are returned.
    """
    answers = await collection.search([replace(leg, limit=leg.limit + 1) for leg in legs], where=where)
    tied = [place for place, leg in enumerate(legs) if _is_tied(answers[place], leg.limit)]
    if tied:
        wider = [replace(legs[place], limit=max(MAX_TIED_HITS, 4 * legs[place].limit)) for place in tied]
        for place, answer in zip(tied, await collection.search(wider, where=where), strict=True):
            answers[place] = answer
    return [_in_order(answer)[: leg.limit] for answer, leg in zip(answers, legs, strict=True)]


def _is_tied(answer: Sequence[tuple[UUID, float]], limit: int) -> bool:
    return len(answer) > limit and _rounded(answer[limit - 1]) == _rounded(answer[limit])


def _in_order(answer: Sequence[tuple[UUID, float]]) -> ScoredIds:
    return sorted(answer, key=lambda pair: (-_rounded(pair), pair[0].int))


def _rounded(pair: tuple[UUID, float]) -> float:
    return round(pair[1], TIE_DECIMALS)
