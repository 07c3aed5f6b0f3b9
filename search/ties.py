"""Searches whose equal scores come in one order: the engine's own depends on what was written when."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from ..store.collection import Collection
from ..store.filters import Condition
from ..store.protocols import Leg

Answer: TypeAlias = list[tuple[UUID, float]]

EQUAL_TO = 5  # decimals of a score; further ones differ from engine to engine

WIDEST = 4096  # hits asked for where equal scores lie across the cut; beyond, the engine decides which of them come


async def search_in_order(collection: Collection, legs: Sequence[Leg], where: Condition | None) -> list[Answer]:
    """Return each leg's best hits by falling score, then by id.

    The cut falls by id too: where the first hit behind it scores as the last before it, all of that score are asked.
    """
    answers = await collection.search([replace(leg, limit=leg.limit + 1) for leg in legs], where=where)
    tied = [place for place, leg in enumerate(legs) if _is_tied(answers[place], leg.limit)]
    if tied:
        wider = [replace(legs[place], limit=max(WIDEST, 4 * legs[place].limit)) for place in tied]
        for place, answer in zip(tied, await collection.search(wider, where=where), strict=True):
            answers[place] = answer
    return [_in_order(answer)[: leg.limit] for answer, leg in zip(answers, legs, strict=True)]


def _is_tied(answer: Sequence[tuple[UUID, float]], limit: int) -> bool:
    return len(answer) > limit and _rounded(answer[limit - 1]) == _rounded(answer[limit])


def _in_order(answer: Sequence[tuple[UUID, float]]) -> Answer:
    return sorted(answer, key=lambda pair: (-_rounded(pair), pair[0].int))


def _rounded(pair: tuple[UUID, float]) -> float:
    return round(pair[1], EQUAL_TO)
