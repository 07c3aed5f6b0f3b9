"""What a stage returns when it fails: the order of the stage before, and the reason."""

from dataclasses import replace

from ...core.errors import ModelError, QueryUnread
from ...core.query import Query
from ...core.values import Ranking, Stage, StageKind

FIRST = "rerank"  # reports use this name for a first stage that scores, whichever model it runs


def failed(
    ranking: Ranking, error: Exception, *, name: str, model: str, kind: StageKind, received: int, milliseconds: float
) -> Ranking:
    """Return the ranking in its old order, marked degraded, with the failed stage's report and the reason as a note."""
    report = Stage(
        name=name,
        model=model,
        received=received,
        returned=0,
        milliseconds=milliseconds,
        note=str(error),
        kind=kind,
    )
    what = "Reranking" if name == FIRST else f"The stage {name!r}"
    note = f"{what} failed; the order is that of {_last_stage(ranking)}: {error}"
    return replace(
        ranking,
        stages=[*ranking.stages, report],
        notes=[*ranking.notes, note],
        degraded=True,
        unread=isinstance(error, QueryUnread) and ranking.unread >= ranking.degraded,
        failure=ranking.failure or note,
    )


def require_time(query: Query) -> None:
    """Check that a stage can start before the deadline of a query.

    Raises:
        ModelError: The deadline has passed.
    """
    if query.has_deadline and query.seconds_left <= 0:
        raise ModelError("the time budget was used up before this stage. Raise the budget.")


def _last_stage(ranking: Ranking) -> str:
    """Return the name of the stage that the order comes from."""
    made = [stage.name for stage in ranking.stages if stage.kind != "search" and stage.returned]
    if made:
        return f"{made[-1]!r}"
    return "retrieval" if any(stage.kind == "search" for stage in ranking.stages) else "the request"
