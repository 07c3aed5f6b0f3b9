"""A stage that orders a head as a whole, without scores, such as a language model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

import anyio

from ...core.errors import ModelError
from ...core.query import Query
from ...core.values import Hit, Ranking, Stage
from ...search.fusion import scale
from ..protocols import Orderer, Ordering
from .fallback import failed, require_time


@dataclass(frozen=True, slots=True)
class OrderStage:
    """A stage whose order is final."""

    name: str
    orderer: Orderer
    head: int = 0
    """Maximum number of hits it orders; 0: as many as the stage before read."""
    takes_instructions: bool = True
    wide_margin: float = 0.0
    """How much more relevant the last hit of the first page must be than the next to skip the stage. 0: never skip.

    A query with an instruction never skips it.
    """

    @property
    def model(self) -> str:
        """Return the name of its model."""
        return self.orderer.name


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order stage as one request runs it."""

    stage: OrderStage
    depth: int
    cutoff: int = 0
    """How many hits a page shows at most; 0 if unknown."""
    stages_left: int = 1
    """How many stages share the time left, this one included."""

    @property
    def name(self) -> str:
        """Return the name in reports and scores."""
        return self.stage.name

    def ordered(self, ranking: Ranking) -> int:
        """Return how many hits, the first of a ranking, this stage has put in order; 0 if it failed or was skipped."""
        return sum(self.name in hit.scores for hit in ranking.hits)

    async def run(self, ranking: Ranking, query: Query) -> Ranking:
        """Return the ranking with its head in the model's order; in its old order, marked degraded, on a failure.

        An order has no scores, so the final score is 1/rank; the scores of earlier stages are kept.
        """
        start, orderer = query.clock(), self.stage.orderer
        head = ranking.hits[: self.depth]
        if not head:
            return ranking
        margin = self._margin(ranking)
        if not query.instruction and margin >= self.stage.wide_margin > 0:
            return self._skipped(ranking, margin)
        query, ordering = query.share(self.stages_left), None
        left_s = query.seconds_left
        try:
            require_time(query)
            with anyio.move_on_after(left_s if isfinite(left_s) else None):
                ordering = await orderer.order(query, head)
            if ordering is None:
                left = f"the {1000 * left_s:.0f} ms left of the time budget"
                raise ModelError(f"{orderer.name} returned no order within {left}. Raise the budget.")
            _check_order(ordering, len(head), orderer.name)
        except ModelError as error:
            took_ms = 1000 * (query.clock() - start)
            return failed(
                ranking,
                error,
                name=self.name,
                model=orderer.name,
                kind="rank",
                received=len(head),
                milliseconds=took_ms,
            )
        return self._reordered(ranking, len(head), ordering, 1000 * (query.clock() - start))

    def _reordered(self, ranking: Ranking, received: int, ordering: Ordering, took_ms: float) -> Ranking:
        report = Stage(
            name=self.name,
            model=self.stage.model,
            received=received,
            returned=0 if ordering.degraded and not ordering.places else received,
            milliseconds=took_ms,
            note=ordering.note,
            kind="rank",
            usage=ordering.usage,
        )
        return replace(
            ranking,
            hits=_in_order(ranking.hits, ordering.places, self.name) if ordering.places else ranking.hits,
            stages=[*ranking.stages, report],
            notes=[*ranking.notes, *ordering.notes],
            degraded=ranking.degraded or ordering.degraded,
            unread=ranking.unread and not ordering.degraded,
            failure=ranking.failure or ordering.failure,
        )

    def _margin(self, ranking: Ranking) -> float:
        """Return how much more relevant the last hit of the first page is than the next one; 0 if unknown."""
        if not 0 < self.cutoff < min(self.depth, len(ranking.hits)):
            return 0.0
        last, following = ranking.hits[self.cutoff - 1].relevance, ranking.hits[self.cutoff].relevance
        return last - following if last is not None and following is not None else 0.0

    def _skipped(self, ranking: Ranking, margin: float) -> Ranking:
        first = f"the first {self.cutoff} hits" if self.cutoff > 1 else "the first hit"
        verb = "are" if self.cutoff > 1 else "is"
        why = f"there is no instruction, and {first} {verb} {margin:.2f} more relevant than the next"
        report = Stage(
            name=self.name,
            model=self.stage.model,
            received=min(self.depth, len(ranking.hits)),
            returned=0,
            milliseconds=0.0,
            note=f"skipped: {why}",
            kind="rank",
        )
        note = f"The stage {self.name!r} was skipped: {why}."
        return replace(ranking, stages=[*ranking.stages, report], notes=[*ranking.notes, note])


def scored_by_rank(ranking: Ranking, before: Ranking, depth: int) -> Ranking:
    """Return the ranking with scores in 0..1 for its first `depth` hits, to weigh them with other signals.

    Half of a score falls evenly with the rank, which keeps a model's order. Half is the score that the hit of the same
    rank had `before`, which tells how many passages answer. 1/rank could not be weighed: beside it, from the third hit
    on only the other signals count.
    """
    scores = scale([hit.score for hit in before.hits[:depth]], "min-max")
    head = [
        replace(hit, score=(score + 1 - place / depth) / 2)
        for place, (hit, score) in enumerate(zip(ranking.hits, scores, strict=False))
    ]
    return replace(ranking, hits=[*head, *ranking.hits[depth:]])


def _check_order(ordering: Ordering, passages: int, model: str) -> None:
    if ordering.places and sorted(ordering.places) != list(range(passages)):
        raise ModelError(
            f"{model} returned an order that does not contain each of the {passages} passages exactly once."
        )


def _in_order(hits: Sequence[Hit], places: Sequence[int], stage: str) -> list[Hit]:
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
