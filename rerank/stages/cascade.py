"""Rerankers one after the other, each over the head of what the one before it left: the dearer, the fewer passages."""

import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ...core.values import Ranking, Stage
from ..protocols import Orderer, Reranker
from ..signals import Mix
from .budget import Budget, EarlyStop, Pace
from .fallback import FIRST, keep_order
from .order import order_head
from .score import rerank_head


@dataclass(frozen=True, slots=True)
class Scored:
    """A stage that scores each passage; the scores are blended with the order before it."""

    name: str
    reranker: Reranker
    head: int = 0
    """How many hits it reads at most, and no more than the stage before; 0 is what the question or a tuning says."""
    takes_instructions: bool = False
    slice: int = 0
    """How many hits it reads before it looks whether more would change anything; 0 where it is best handed all."""

    @property
    def model(self) -> str:
        """Return the name of its model."""
        return self.reranker.name


@dataclass(frozen=True, slots=True)
class Ordered:
    """A stage that puts its head in order as a whole; its order is the final one."""

    name: str
    orderer: Orderer
    head: int = 0
    takes_instructions: bool = True
    wide_margin: float = 0.0
    """Without an instruction skipped where the last hit shown is so much more relevant than the next. 0: never."""

    @property
    def model(self) -> str:
        """Return the name of its model."""
        return self.orderer.name


Step: TypeAlias = Scored | Ordered


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a question chooses by one name: one stage or several."""

    steps: tuple[Step, ...]

    @property
    def model(self) -> str:
        """Return the names of the models, in their order."""
        return " > ".join(step.model for step in self.steps)

    @property
    def reranker(self) -> Reranker | None:
        """Return the reranker of the first stage, which is blended with retrieval; None when that only orders."""
        first = self.steps[0]
        return first.reranker if isinstance(first, Scored) else None

    @property
    def takes_instructions(self) -> bool:
        """Return whether any stage follows an instruction."""
        return any(step.takes_instructions for step in self.steps)

    @property
    def stops_early(self) -> bool:
        """Return whether any stage may read less than its depth."""
        return any(isinstance(step, Scored) and step.slice > 0 for step in self.steps)

    def wrapped(self, wrap: Callable[[Reranker], Reranker]) -> "Cascade":
        """Return the cascade with its rerankers wrapped."""
        steps = [
            replace(each, reranker=wrap(each.reranker)) if isinstance(each, Scored) else each for each in self.steps
        ]
        return Cascade(tuple(steps))


@dataclass(frozen=True, slots=True)
class Turn:
    """A stage as a question is asked of it: how many hits it reads, and how its scores are blended."""

    step: Step
    depth: int
    mix: Mix = field(default_factory=lambda: Mix({"rerank": 1.0}))
    shown: int = 0
    """How many hits the caller, or a stage after this one, will see; 0 where nobody knows."""

    @property
    def early_stop(self) -> EarlyStop | None:
        """Return when its reading ends before the depth; None where it does not."""
        slice_ = self.step.slice if isinstance(self.step, Scored) else 0
        return EarlyStop(self.shown, slice_) if self.shown and slice_ else None


async def run_cascade(
    ranking: Ranking,
    query: str,
    instruction: str,
    turns: Sequence[Turn],
    *,
    milliseconds: float,
    paces: MutableMapping[str, Pace],
    clock: Callable[[], float] = time.perf_counter,
) -> Ranking:
    """Return the ranking after all stages; one that fails leaves the order as it was, and the next goes on from there.

    Of a time budget each stage may take an equal part of what is left: what one does not need goes to those after it.
    """
    deadline = clock() + milliseconds / 1000
    for place, turn in enumerate(turns):
        left_ms = 1000 * (deadline - clock()) / (len(turns) - place) if milliseconds else 0.0
        stage = name_of(place, turn.step)
        if milliseconds and left_ms <= 0:
            ranking = _out_of_time(ranking, turn, stage, milliseconds)
        elif isinstance(turn.step, Scored):
            ranking = await rerank_head(
                ranking,
                query,
                turn.step.reranker,
                stage=stage,
                instruction=instruction if turn.step.takes_instructions else "",
                budget=Budget(turn.depth, left_ms, paces[turn.step.name], turn.early_stop),
                mix=turn.mix,
                clock=clock,
            )
        else:
            ranking = await _order(ranking, query, instruction, turn, turn.step, left_ms, clock)
    return ranking


async def _order(
    ranking: Ranking,
    query: str,
    instruction: str,
    turn: Turn,
    step: Ordered,
    left_ms: float,
    clock: Callable[[], float],
) -> Ranking:
    """Return the ranking after a stage that orders, or is skipped where it could change little."""
    margin = _margin(ranking, turn)
    if not instruction and margin >= step.wide_margin > 0:
        return _skipped(ranking, turn, margin)
    return await order_head(
        ranking,
        query,
        instruction,
        step.orderer,
        stage=step.name,
        depth=turn.depth,
        milliseconds=left_ms,
        clock=clock,
    )


def name_of(place: int, step: Step) -> str:
    """Return the name of a stage in reports and scores: "rerank" for a first one that scores, else its own."""
    return FIRST if place == 0 and isinstance(step, Scored) else step.name


def _margin(ranking: Ranking, turn: Turn) -> float:
    """Return how much more relevant the last hit shown is than the next in the head; 0 where nothing tells."""
    if not 0 < turn.shown < min(turn.depth, len(ranking.hits)):
        return 0.0
    last, following = ranking.hits[turn.shown - 1].relevance, ranking.hits[turn.shown].relevance
    return last - following if last is not None and following is not None else 0.0


def _skipped(ranking: Ranking, turn: Turn, margin: float) -> Ranking:
    why = f"there is no instruction, and the hits shown are {margin:.2f} more relevant than the next"
    report = Stage(
        turn.step.name, turn.step.model, min(turn.depth, len(ranking.hits)), 0, 0.0, f"skipped: {why}", "rank"
    )
    note = f"The stage {turn.step.name!r} was skipped: {why}."
    return replace(ranking, stages=[*ranking.stages, report], notes=[*ranking.notes, note])


def _out_of_time(ranking: Ranking, turn: Turn, stage: str, milliseconds: float) -> Ranking:
    reason = f"nothing was left of the time budget of {milliseconds:g} ms. Allow more."
    kind = "score" if isinstance(turn.step, Scored) else "rank"
    received = min(turn.depth, len(ranking.hits))
    return keep_order(ranking, Stage(stage, turn.step.model, received, 0, 0.0, reason, kind), reason)
