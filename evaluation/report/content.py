"""What a report of an evaluation says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ...core.values import NO_USAGE, Usage
from ...ingest.report import Failure
from ..compare import Comparison, SystemResult, compare
from ..judged import JudgedSet
from ..measures import MAIN_MEASURE, MEASURES, means, oracle_recall, per_query
from ..run import Run
from ..sweep import DepthSweep, Milliseconds, percentiles, sweep_depths
from ..systems import FIRST_STAGE, RERANKED, EvaluationTarget, System


@dataclass(frozen=True, slots=True)
class Subject:
    """What was evaluated: the judged set, the reranker's `model`, and when (`created`, ISO 8601)."""

    name: str
    split: str
    documents: int
    model: str
    seed: int
    version: str
    created: str


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system's mean measures, its milliseconds per query, and how many of them reranking adds.

    `total` and `added` are None if they were not measured.
    """

    name: str
    measures: Mapping[str, float]
    total: Milliseconds | None
    added: Milliseconds | None
    usage: Usage
    """Of all queries together."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How much reranking can gain: recall among the candidates, recall at 5 before, and recall at 5 at best."""

    depth: int
    recall: float
    recall_at_5: float
    best_recall_at_5: float

    @property
    def prediction(self) -> str:
        """Return the possible gain in words."""
        gain = self.best_recall_at_5 - self.recall_at_5
        measured = f"R@{self.depth} is {self.recall:.3f}, R@5 is {self.recall_at_5:.3f}"
        is_bounded = self.best_recall_at_5 < self.recall - 5e-4
        reason = "; some queries have more than five relevant documents" if is_bounded else ""
        return f"{measured}: reranking can gain up to {gain:.3f} in R@5{reason}."


@dataclass(frozen=True, slots=True)
class Fallback:
    """Systems in which a stage failed for the same queries, whose results are what a search gives then."""

    systems: Sequence[str]
    """Their names, or "depth 50" of the depths compared."""
    queries: Sequence[str]
    """The ids of the queries."""
    reason: str
    """Why the first of them failed."""


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The evaluation of one judged set."""

    subject: Subject
    target: EvaluationTarget
    queries: int
    systems: Sequence[SystemRow]
    ceiling: Ceiling
    comparisons: Sequence[Comparison]
    sweep: DepthSweep
    by_query: Mapping[str, Mapping[str, float]]
    """nDCG@10 by system and query id."""
    failures: Sequence[Failure] = ()
    """Documents of the set that could not be ingested."""
    fallbacks: Sequence[Fallback] = ()
    """Where systems counted as a search does whose reranker fails."""
    unwritten: int = 0
    """How many lines of the list have no question yet, and were left out."""
    unanswered: int = 0
    """How many queries have no relevant document, and were left out."""
    missing: int = 0
    """How many relevant documents are not among those of the set. They count as not found."""
    unanswerable: int = 0
    """How many queries were left out because all of their relevant documents are missing."""
    sweep_usage: Usage = NO_USAGE
    """Of all queries at all depths together."""
    repeated: int = 0
    """How many lines of the list repeat the question of an earlier one, with which they were joined."""


def build_report(
    judged: JudgedSet,
    target: EvaluationTarget,
    *,
    subject: Subject,
    systems: Sequence[System],
    runs: Mapping[str, Run],
    runs_by_depth: Mapping[int, Run],
    failures: Sequence[Failure] = (),
) -> EvaluationReport:
    """Measure the runs and return the report."""
    results = {name: SystemResult(name, run, _measure(judged, run, MEASURES)) for name, run in runs.items()}
    return EvaluationReport(
        subject=subject,
        target=target,
        queries=len(judged.queries),
        systems=[_row(each) for each in results.values()],
        ceiling=_ceiling(judged, target.depth, runs),
        comparisons=[
            compare(judged, results[system.name], results[system.against], seed=subject.seed)
            for system in systems
            if system.against
        ],
        sweep=sweep_depths(judged, runs_by_depth),
        by_query={name: each.values[MAIN_MEASURE] for name, each in results.items()},
        failures=failures,
        fallbacks=_fallbacks({**runs, **{f"depth {depth}": run for depth, run in sorted(runs_by_depth.items())}}),
        unwritten=judged.unwritten,
        unanswered=judged.unanswered,
        missing=judged.missing,
        unanswerable=judged.unanswerable,
        sweep_usage=sum((each.usage for run in runs_by_depth.values() for each in run.values()), NO_USAGE),
        repeated=judged.repeated,
    )


def _fallbacks(runs: Mapping[str, Run]) -> list[Fallback]:
    failed = {name: tuple(key for key, result in run.items() if result.failure) for name, run in runs.items()}
    fallbacks: list[Fallback] = []
    for queries in dict.fromkeys(each for each in failed.values() if each):
        systems = [name for name, keys in failed.items() if keys == queries]
        fallbacks.append(Fallback(systems, queries, reason=runs[systems[0]][queries[0]].failure))
    return fallbacks


def _measure(judged: JudgedSet, run: Run, measures: Sequence[str]) -> dict[str, dict[str, float]]:
    return per_query(judged.grades, {key: result.documents for key, result in run.items()}, measures)


def _row(system: SystemResult) -> SystemRow:
    results = list(system.run.values())
    times = [(each, each.added_ms) for each in results]
    return SystemRow(
        name=system.name,
        measures=means(system.values),
        total=percentiles([None if added is None else each.retrieval_ms + added for each, added in times]),
        added=percentiles([added for _, added in times]),
        usage=sum((result.usage for result in results), NO_USAGE),
    )


def _ceiling(judged: JudgedSet, depth: int, runs: Mapping[str, Run]) -> Ceiling:
    """Measure the candidates: the first `depth` documents of a result that was reranked without stopping early."""
    candidates = {key: result.documents[:depth] for key, result in runs[RERANKED].items()}
    return Ceiling(
        depth=depth,
        recall=means(per_query(judged.grades, candidates, [f"R@{depth}"]))[f"R@{depth}"],
        recall_at_5=means(_measure(judged, runs[FIRST_STAGE], ["R@5"]))["R@5"],
        best_recall_at_5=fmean(oracle_recall(judged.grades[key], each, cutoff=5) for key, each in candidates.items()),
    )
