"""The evaluation of a judged set from end to end, and everything its reports show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from ...core.values import NO_USAGE, Usage
from ...ingest.job import Progress
from ...pipeline.pipeline import Pipeline
from ..compare import Comparison, Measured, compare
from ..judged import Judged
from ..measures import DECISIVE, QUALITY, best_recall, means, per_query
from ..memory import ScoreMemory
from ..run import Answer, Run, ask_all
from ..sweep import Milliseconds, Sweep, milliseconds, sweep
from ..systems import FINAL, FIRST_STAGE, EvaluationTarget, questions, questions_by_depth, systems


@dataclass(frozen=True, slots=True)
class Subject:
    """What was evaluated, and with what: `model` is the reranker's, `created` a moment in ISO form."""

    name: str
    split: str
    documents: int
    model: str
    seed: int
    version: str
    created: str


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system's mean measures, milliseconds by query, of all it does and of what reranking adds, and its requests."""

    name: str
    measures: Mapping[str, float]
    total: Milliseconds
    added: Milliseconds
    usage: Usage
    """Of all queries together."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What retrieval leaves to win: recall among the candidates, recall at 5 now, and the best any order could have."""

    depth: int
    recall: float
    recall_at_5: float
    best_recall_at_5: float

    @property
    def prediction(self) -> str:
        """Return the prediction in words."""
        gain = self.best_recall_at_5 - self.recall_at_5
        found = f"R@{self.depth} is {self.recall:.3f}, R@5 is {self.recall_at_5:.3f}"
        short = self.best_recall_at_5 < self.recall - 5e-4
        why = "; some queries have more relevant documents than five places" if short else ""
        return f"{found}: reranking can gain up to {gain:.3f} in R@5{why}."


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The evaluation of one set. `by_query` holds nDCG@10 by system and query id."""

    subject: Subject
    asked: EvaluationTarget
    queries: int
    systems: Sequence[SystemRow]
    ceiling: Ceiling
    comparisons: Sequence[Comparison]
    sweep: Sweep
    by_query: Mapping[str, Mapping[str, float]]


async def evaluate(
    pipeline: Pipeline,
    judged: Judged,
    asked: EvaluationTarget,
    *,
    subject: Subject,
    depths: Sequence[int],
    progress: Progress | None = None,
) -> EvaluationReport:
    """Ask every query of every system and at every depth, and measure the answers.

    Each passage is reranked once for each query; what an order would have taken is the sum of its passages' times.

    Raises:
        ModelError: The reranker failed.
    """
    await _warm_up(pipeline, judged, asked)
    memory, compared = ScoreMemory(), systems(pipeline.rerankers)
    remembering = pipeline.with_rerankers(memory.wrap)
    runs = await ask_all(remembering, memory, judged, questions(asked, compared), progress=progress)
    swept = await ask_all(remembering, memory, judged, questions_by_depth(asked, depths), progress=progress)
    measured = {name: Measured(name, run, _values(judged, run, QUALITY)) for name, run in runs.items()}
    return EvaluationReport(
        subject,
        asked,
        len(judged.queries),
        systems=[_row(each) for each in measured.values()],
        ceiling=_ceiling(judged, asked.depth, runs),
        comparisons=[
            compare(judged, measured[system.name], measured[system.against], seed=subject.seed)
            for system in compared
            if system.against
        ],
        sweep=sweep(judged, swept),
        by_query={name: each.values[DECISIVE] for name, each in measured.items()},
    )


async def _warm_up(pipeline: Pipeline, judged: Judged, asked: EvaluationTarget) -> None:
    """Answer for nothing a query that nobody judged: the first one loads the models, and scores are kept."""
    await pipeline.ask(replace(questions(asked)[FINAL], query=f"Warm up for {judged.name}"))


def _values(judged: Judged, run: Run, measures: Sequence[str]) -> dict[str, dict[str, float]]:
    return per_query(judged.grades, {key: answer.documents for key, answer in run.items()}, measures)


def _row(system: Measured) -> SystemRow:
    answers = list(system.run.values())
    total = milliseconds([answer.retrieval_ms + answer.added_ms for answer in answers])
    added = milliseconds([answer.added_ms for answer in answers])
    return SystemRow(
        system.name,
        means(system.values),
        total=total,
        added=added,
        usage=sum((answer.usage for answer in answers), NO_USAGE),
    )


def _ceiling(judged: Judged, depth: int, runs: Mapping[str, Mapping[str, Answer]]) -> Ceiling:
    """Measure the candidates, which are the first `depth` documents of a reranked answer, in whatever order."""
    candidates = {key: answer.documents[:depth] for key, answer in runs[FINAL].items()}
    recall = per_query(judged.grades, candidates, [f"R@{depth}"])
    now = means(_values(judged, runs[FIRST_STAGE], ["R@5"]))["R@5"]
    best = fmean(best_recall(judged.grades[key], each, cutoff=5) for key, each in candidates.items())
    return Ceiling(depth, means(recall)[f"R@{depth}"], recall_at_5=now, best_recall_at_5=best)
