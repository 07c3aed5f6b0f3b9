"""What a stage returns when it fails: the order of the stage before, and the reason."""

from dataclasses import replace

from ...core.query import Query
from ...core.values import Ranking, Stage, StageKind

FIRST = "rerank"  # reports use this name for a first stage that scores, whichever model it runs


def keep_order(ranking: Ranking, report: Stage, reason: str) -> Ranking:
    """Return the ranking in its old order, marked degraded, with the failed stage's report and the reason as a note."""
    what = "Reranking" if report.name == FIRST else f"The stage {report.name!r}"
    note = f"{what} failed; the order is that of {_last_stage(ranking)}: {reason}"
    return replace(ranking, stages=[*ranking.stages, report], notes=[*ranking.notes, note], degraded=True)


def failed(
    ranking: Ranking, error: Exception, *, name: str, model: str, kind: StageKind, received: int, milliseconds: float
) -> Ranking:
    """Return the ranking in its old order after a stage that raised an error."""
    report = Stage(
        name=name,
        model=model,
        received=received,
        returned=0,
        milliseconds=milliseconds,
        note=str(error),
        kind=kind,
    )
    return keep_order(ranking, report, str(error))


def is_out_of_time(query: Query) -> bool:
    """Return whether the deadline of a query has passed."""
    return query.has_deadline and query.seconds_left <= 0


def _last_stage(ranking: Ranking) -> str:
    """Return the name of the stage that the order comes from."""
    made = [stage.name for stage in ranking.stages if stage.kind != "search" and stage.returned]
    return f"{made[-1]!r}" if made else "retrieval"
