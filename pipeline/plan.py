"""With which weights and how deep a question is reranked: as it says itself, as was tuned, or as the settings say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..core.values import EMPTY
from ..rerank.blend import Weights, restrict, with_reranker, with_shares
from ..rerank.protocols import Reranker
from ..rerank.signals import FROM_METADATA, NO_METADATA, MetadataSignals, Mix
from ..rerank.stages.cascade import Cascade, Scored, Turn
from ..store.manifest import Tuning
from .question import DEFAULT_DEPTH, USUAL_LIMIT, Question

STALE = "what was tuned for this collection is of another model of this name: run `resift tune` again"


@dataclass(frozen=True, slots=True)
class Reranking:
    """What a question may be reranked with, by name, and how scores are mixed with those of retrieval."""

    cascades: Mapping[str, Cascade]
    default: str
    metadata: MetadataSignals = NO_METADATA
    absent: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """By name, what to do so that a reranker is there: a sentence after a space."""


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
    weigh_tuned = question.rerank_weight is None and question.is_plain
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


def plan_turns(
    question: Question, cascade: Cascade, reranking: Reranking, tunings: Mapping[str, Tuning], *, now: datetime
) -> list[Turn]:
    """Return the stages of a cascade as a question is asked of them; none reads more hits than the one before it."""
    turns: list[Turn] = []
    for step in cascade.steps:
        most = turns[-1].depth if turns else 0
        if not isinstance(step, Scored):
            shown = question.offset + question.limit
            turns.append(Turn(step, _least(step.head, most or question.depth), shown=shown))
        elif turns:
            mix = _later_mix(question, step.reranker, tunings, reranking.metadata, now)
            turns.append(Turn(step, _least(step.head, most), mix))
        else:
            planned = plan(
                replace(question, depth=question.depth or step.head),
                tuning_of(step.reranker, tunings),
                weights=step.reranker.weights,
                metadata=reranking.metadata,
                now=now,
            )
            stale = step.reranker.name in tunings and not tuning_of(step.reranker, tunings)
            mix = replace(planned.mix, note=STALE) if stale else planned.mix
            turns.append(Turn(step, planned.depth, mix))
    # A date, a boost or diversity may lift a hit from any place, so that nothing read so far tells that more is idle.
    reads_all = question.depth or question.diversity or reranking.metadata.shares
    return turns if reads_all else _stopping_early(turns, max(question.limit, USUAL_LIMIT))


def _stopping_early(turns: Sequence[Turn], shown: int) -> list[Turn]:
    """Return the turns with how many hits are seen of each that scores: on a page, or by the stages after it.

    The offset does not count, nor a page shorter than usual: all pages of a question are cut from one order.
    """
    done: list[Turn] = []
    for turn in reversed(turns):
        done.append(replace(turn, shown=shown) if isinstance(turn.step, Scored) else turn)
        shown = max(shown, turn.depth)
    return done[::-1]


def tuning_of(reranker: Reranker, tunings: Mapping[str, Tuning]) -> Tuning | None:
    """Return what was tuned for a reranker; not what was for another model of its name."""
    tuning = tunings.get(reranker.name)
    return tuning if tuning is not None and tuning.model in {"", reranker.fingerprint} else None


def _least(head: int, most: int) -> int:
    return min(filter(None, (head, most)), default=DEFAULT_DEPTH)


def _later_mix(
    question: Question, reranker: Reranker, tunings: Mapping[str, Tuning], metadata: MetadataSignals, now: datetime
) -> Mix:
    """Return the mix of a stage after the first: what retrieval is to the first, the order before it is to this one.

    Metadata has its share again, for the share it has in the order before shrinks with that order's.
    """
    own = reranker.weights["rerank"] if question.rerank_weight is None else question.rerank_weight
    tuning = tuning_of(reranker, tunings)
    weights = with_shares(with_reranker(own), metadata.shares)
    return Mix(weights, metadata, now, tuning.calibration if tuning else None)


def tuned_weights(tuned: Weights, metadata: MetadataSignals) -> Weights:
    """Return tuned weights as far as the settings still have their signals; later ones take their configured share."""
    off = {name for name in FROM_METADATA if name not in metadata.shares}
    later = {name: share for name, share in metadata.shares.items() if name not in tuned}
    return with_shares(restrict(tuned, tuned.keys() - off), later)


def _note(used: Iterable[str]) -> str:
    names = ", ".join(used)
    return f"{names} tuned for this collection" if names else ""
