"""A stage that scores: score the head of a ranking, blend and reorder it. The tail keeps its order."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import anyio

from ...core.errors import ModelError
from ...core.query import Query
from ...core.text import counted
from ...core.values import Hit, Ranking, Stage
from ...core.verdict import VerdictModel
from ..blend import blend, restrict
from ..protocols import Scorer, Scores
from ..signals import FROM_METADATA, Mix, notes_on_dates, signals_of
from .budget import FIRST_SLICE, EarlyStop, HeadReader, Pace
from .fallback import FIRST, failed, require_time

CUT_PASSAGE = "A passage is longer than the reranker reads; only its beginning was read."


@dataclass(frozen=True, slots=True)
class ScoreStage:
    """A stage whose scores are blended with the order before it."""

    name: str
    scorer: Scorer
    head: int = 0
    """Maximum number of hits it reads, never more than the stage before. 0: as the request or a tuning says."""
    takes_instructions: bool = False
    slice_size: int = 0
    """How many hits it reads before it checks whether more would change anything; 0 reads the head at once."""
    pace: Pace = field(default_factory=Pace, compare=False)
    verdict_models: tuple[VerdictModel, ...] = ()
    """What verdicts on its scores are reached with, in order of preference."""

    @property
    def model(self) -> str:
        """Return the name of its model."""
        return self.scorer.name


@dataclass(frozen=True, slots=True)
class PlannedScore:
    """A score stage as one request runs it."""

    stage: ScoreStage
    depth: int
    mix: Mix = field(default_factory=lambda: Mix({"rerank": 1.0}))
    """In the mix, "fused" is the score of the stage before, and "rerank" that of this one."""
    cutoff: int = 0
    """How many hits the caller, or a later stage, will see; 0 if unknown."""
    name: str = FIRST
    """The name in reports and scores."""
    stages_left: int = 1
    """How many stages share the time left, this one included."""

    @property
    def early_stop(self) -> EarlyStop | None:
        """Return when reading ends before the depth; None if it never does."""
        slice_size = self.stage.slice_size
        return EarlyStop(self.cutoff, slice_size) if self.cutoff and slice_size else None

    async def run(self, ranking: Ranking, query: Query, *, known: Sequence[float] = ()) -> Ranking:
        """Return the ranking with its head reordered; in its old order, marked degraded, when the scorer fails.

        `known` are the scores that this stage gave to the first hits before. They are not read again.
        """
        start, scorer = query.clock(), self.stage.scorer
        head = ranking.hits[: self.depth]
        if not head:
            return ranking
        query = query.share(self.stages_left)
        if not self.stage.takes_instructions:
            query = query.without_instruction()
        passages = [hit.passage for hit in head]
        is_first_call = self.stage.pace.seconds_per_passage is None
        reader = HeadReader(query, len(head), pace=self.stage.pace, early_stop=self.early_stop, known=known)
        try:
            require_time(query)
            while not self._is_enough(reader, head) and (size := reader.next_slice()):
                part = None
                with anyio.move_on_after(reader.slice_timeout_s):
                    part = await scorer.score(query, passages[reader.done : reader.done + size])
                reader.add(scorer, size, part)
            scores = reader.scores(scorer)
        except ModelError as error:
            took_ms = 1000 * (query.clock() - start)
            return failed(
                ranking,
                error,
                name=self.name,
                model=scorer.name,
                kind="score",
                received=len(head),
                milliseconds=took_ms,
            )
        reordered = self._reordered(ranking, head, scores, query, start)
        return self._with_time_note(reordered, is_first_call=is_first_call)

    def _is_enough(self, reader: HeadReader, head: Sequence[Hit]) -> bool:
        finals = _finals(head, reader.values, self.mix) if reader.may_stop else ()
        return reader.is_enough(finals, [hit.score for hit in head])

    def _reordered(
        self, ranking: Ranking, head: Sequence[Hit], scores: Scores, query: Query, start_s: float
    ) -> Ranking:
        read = len(scores.values)
        reordered = self._blended(head[:read], scores)
        lowest = min(hit.score for hit in reordered)
        tail = [replace(hit, score=min(hit.score, lowest)) for hit in ranking.hits[read:]]
        stopped = self._stopped_early(head, scores)
        out_of_time = read < len(head) and not stopped
        cut = f"time budget reached after {read} of {len(head)}" if out_of_time else stopped
        cached = f"{scores.cached} of {read} from the cache" if scores.cached else ""
        report = Stage(
            name=self.name,
            model=self.stage.model,
            received=len(head),
            returned=read,
            milliseconds=1000 * (query.clock() - start_s),
            note="; ".join(part for part in (cut, cached, self.mix.note) if part),
            kind="score",
            out_of_time=out_of_time,
            cached=scores.cached,
        )
        undated = [note for note in notes_on_dates(head, self.mix) if note not in ranking.notes]
        notes = [*ranking.notes, *scores.notes, *self._notes(scores, query), *undated]
        hits = _renumbered([*reordered, *tail])
        return replace(ranking, hits=hits, stages=[*ranking.stages, report], notes=notes)

    def _notes(self, scores: Scores, query: Query) -> list[str]:
        notes = [CUT_PASSAGE] if scores.cut else []
        if query.instruction:
            notes.append(f"{self.stage.model} followed the instruction for {counted(len(scores.values), 'passage')}.")
        return notes

    def _stopped_early(self, head: Sequence[Hit], scores: Scores) -> str:
        """Return why reading stopped before the end without any loss; "" if it did not."""
        read, stop = len(scores.values), self.early_stop
        if stop is None or read == len(head):
            return ""
        if stop.is_enough(_finals(head, scores.values, self.mix), [hit.score for hit in head]):
            return f"stopped after {read} of {len(head)}, since more would hardly change the first {stop.upper}"
        return ""

    def _with_time_note(self, ranking: Ranking, *, is_first_call: bool) -> Ranking:
        """Return the ranking with a note that says how much was read, if the time budget ended first."""
        report = ranking.stages[-1]
        if not report.out_of_time:
            return ranking
        loads = is_first_call and report.returned <= FIRST_SLICE
        stage = "" if self.name == FIRST else f" by the stage {self.name!r}"
        why = " This was its first call, which also loads the model; the next one reads more." if loads else ""
        counts = f"{report.returned} of {report.received} hits were reranked{stage}"
        note = (
            f"The time budget ran out: {counts}; the others keep their former order.{why} "
            "To rerank more, raise `time_budget_ms` or leave it out."
        )
        return replace(ranking, notes=[*ranking.notes, note])

    def _blended(self, head: Sequence[Hit], scores: Scores) -> list[Hit]:
        """Return the hits read with their new scores, best first."""
        signals = signals_of(head, scores.values, self.mix)
        finals = blend(signals, restrict(self.mix.weights, signals))
        from_metadata = {name: signals[name] for name in FROM_METADATA if name in signals}
        by_score = sorted(range(len(head)), key=lambda place: (-scores.values[place], place))
        ranks = {place: rank for rank, place in enumerate(by_score, start=1)}
        calibration = self.mix.calibration
        relevance = self.stage.scorer.relevance if calibration is None else calibration.probability
        scored = [
            replace(
                hit,
                score=final,
                scores={
                    **hit.scores,
                    self.name: raw,
                    **{name: values[place] for name, values in from_metadata.items()},
                    "blend": final,
                },
                ranks={**hit.ranks, self.name: ranks[place]},
                relevance=relevance(raw),
            )
            for place, (hit, raw, final) in enumerate(zip(head, scores.values, finals, strict=True))
        ]
        return sorted(scored, key=lambda hit: (-hit.score, hit.rank))


def _finals(head: Sequence[Hit], read: Sequence[float], mix: Mix) -> list[float]:
    """Return the final scores of the hits read."""
    signals = signals_of(head[: len(read)], read, mix)
    return blend(signals, restrict(mix.weights, signals))


def _renumbered(hits: Sequence[Hit]) -> list[Hit]:
    return [
        replace(hit, rank=rank, was=hit.was or hit.rank, ranks={**hit.ranks, "blend": rank})
        for rank, hit in enumerate(hits, start=1)
    ]
