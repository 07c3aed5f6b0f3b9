"""With which weights and how deep a question is reranked: as it says itself, as was tuned, or as the settings say."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..rerank.blend import Weights, restrict, with_reranker, with_shares
from ..rerank.signals import FROM_METADATA, MetadataSignals, Mix
from ..search.manifest import Tuning
from .question import DEFAULT_DEPTH, Question


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is reranked."""

    depth: int
    mix: Mix


def plan(
    question: Question, tuning: Tuning | None, *, weights: Weights, metadata: MetadataSignals, now: datetime
) -> Plan:
    """Return how a question is reranked; `weights` are those of scores where nothing else says.

    A depth or weight in the question goes before the tuned one. Tuned weights hold for hybrid search of texts alone,
    for which they were found; relevance is of the reranker's scores, whatever was searched.
    """
    weigh_tuned = question.rerank_weight is None and question.mode == "hybrid" and question.field == "text"
    asked = weights if question.rerank_weight is None else with_reranker(question.rerank_weight)
    configured = with_shares(asked, metadata.shares)
    if tuning is None:
        return Plan(question.depth or DEFAULT_DEPTH, Mix(configured, metadata, now))
    used = {
        "weights": weigh_tuned,
        "depth": not question.depth,
        "relevance": tuning.calibration is not None,
    }
    mix = Mix(
        tuned_weights(tuning.weights, metadata) if weigh_tuned else configured,
        metadata,
        now,
        tuning.calibration,
        _note(name for name, is_used in used.items() if is_used),
    )
    return Plan(question.depth or tuning.depth, mix)


def tuned_weights(tuned: Weights, metadata: MetadataSignals) -> Weights:
    """Return tuned weights as far as the settings still have their signals; later ones take their configured share."""
    off = {name for name in FROM_METADATA if name not in metadata.shares}
    later = {name: share for name, share in metadata.shares.items() if name not in tuned}
    return with_shares(restrict(tuned, tuned.keys() - off), later)


def _note(used: Iterable[str]) -> str:
    names = ", ".join(used)
    return f"{names} tuned for this collection" if names else ""
