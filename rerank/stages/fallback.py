"""What stays when a stage fails: the order of the stage before, the failure in the open."""

from dataclasses import replace

from ...core.values import Ranking, Stage

FIRST = "rerank"  # the name of a first stage that scores, whatever model it has


def keep_order(ranking: Ranking, report: Stage, reason: str) -> Ranking:
    """Return the ranking with its order as it was, the failed stage's report, and the reason in its notes."""
    what = "Reranking" if report.name == FIRST else f"The stage {report.name!r}"
    note = f"{what} failed, the order is that of {_last(ranking)}: {reason}"
    return replace(ranking, stages=[*ranking.stages, report], notes=[*ranking.notes, note], degraded=True)


def _last(ranking: Ranking) -> str:
    """Return the name of the stage that made the order."""
    made = [stage.name for stage in ranking.stages if stage.kind != "search" and stage.returned]
    return f"{made[-1]!r}" if made else "retrieval"
