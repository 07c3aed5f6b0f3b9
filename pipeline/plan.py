"""How a request is reranked: how deep, and with which weights.

The request takes precedence over a tuning of the collection, and a tuning over the settings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..core.errors import NotFound, nearest
from ..core.text import listed
from ..core.values import EMPTY
from ..core.verdict import VerdictModel
from ..rerank.blend import Weights, restrict, with_reranker, with_shares
from ..rerank.protocols import Scorer
from ..rerank.signals import FROM_METADATA, NO_METADATA, MetadataSignals, Mix
from ..rerank.stages.cascade import Cascade, PlannedStage
from ..rerank.stages.fallback import FIRST
from ..rerank.stages.order import OrderStage, PlannedOrder
from ..rerank.stages.score import PlannedScore, ScoreStage
from ..store.manifest import TunedVerdicts, Tuning
from .request import DEFAULT, DEFAULT_LIMIT, NO_RERANKER, SearchRequest

DEFAULT_DEPTH = 50
MAX_TUNED_DEPTH = 100  # each leg of a search returns 100 hits by default
STALE = "the tuning of this collection is for another model of this name: run `resift tune` again"


@dataclass(frozen=True, slots=True)
class Rerankers:
    """The rerankers that a request may name, and how metadata counts in final scores."""

    cascades: Mapping[str, Cascade]
    default: str
    metadata: MetadataSignals = NO_METADATA
    missing: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """By the name of a reranker that is not configured: how to configure it, as a sentence after a space."""
    feedback: int = 0
    """How many of the best passages are searched with once more, where a request does not say."""

    @property
    def names(self) -> list[str]:
        """Return the names that a request may give."""
        return [DEFAULT, NO_RERANKER, *sorted(self.cascades)]

    def cascade(self, name: str) -> Cascade | None:
        """Return the stages of a reranker; None for "none".

        Raises:
            NotFound: There is no such reranker.
        """
        name = self.default if name in ("", DEFAULT) else name
        if name == NO_RERANKER:
            return None
        if name not in self.cascades:
            how = self.missing.get(name) or nearest(name, self.names)
            raise NotFound(f"Unknown reranker {name!r}.{how} Known: {listed(self.names)}.")
        return self.cascades[name]

    def scorer(self, name: str) -> Scorer | None:
        """Return the model that the first stage of a reranker scores with; None if there is none.

        Raises:
            NotFound: There is no such reranker.
        """
        cascade = self.cascade(name)
        return None if cascade is None else cascade.scorer

    def weights(self, scorer: Scorer) -> Weights:
        """Return a scorer's weights in the final score, where neither the request nor a tuning sets others."""
        return with_shares(scorer.weights, self.metadata.shares)

    def wrapped(self, wrap: Callable[[Scorer], Scorer]) -> "Rerankers":
        """Return the same rerankers with their scorers wrapped."""
        return replace(self, cascades={name: each.wrapped(wrap) for name, each in self.cascades.items()})


def plan_stages(
    request: SearchRequest, cascade: Cascade, *, metadata: MetadataSignals, tunings: Mapping[str, Tuning], now: datetime
) -> list[PlannedStage]:
    """Return the stages of a cascade as a request runs them. No stage reads more hits than the one before it."""
    planned: list[PlannedStage] = []
    for position, stage in enumerate(cascade.stages):
        left = len(cascade.stages) - position
        before = planned[-1].depth if planned else 0
        if isinstance(stage, OrderStage):
            depth = _least(stage.head, before or request.depth)
            # The offset does not count: all pages of a request are cut from one order.
            planned.append(PlannedOrder(stage, depth, cutoff=request.limit, stages_left=left))
        elif before:
            mix = _later_mix(request, stage.scorer, metadata=metadata, tunings=tunings, now=now)
            depth = _least(stage.head, before)
            planned.append(PlannedScore(stage, depth, mix=mix, name=stage.name, stages_left=left))
        else:
            first = _first(request, stage, metadata=metadata, tunings=tunings, now=now)
            planned.append(replace(first, stages_left=left))
    # A date, a boost or diversity can lift a hit from any rank, so that every hit has to be read.
    reads_all = request.depth or request.diversity or metadata.shares
    return planned if reads_all else _stopping_early(planned, max(request.limit, DEFAULT_LIMIT))


def tuning_of(scorer: Scorer, tunings: Mapping[str, Tuning]) -> Tuning | None:
    """Return the tuning for a scorer, unless it was made for another model of the same name."""
    tuning = tunings.get(scorer.name)
    return tuning if tuning is not None and tuning.model in {"", scorer.fingerprint} else None


def verdict_models(
    stage: str, planned: Sequence[PlannedStage], tuned: Mapping[str, TunedVerdicts]
) -> tuple[VerdictModel, ...]:
    """Return the verdict models for the scores of a planned stage."""
    found = next((each.stage for each in planned if isinstance(each, PlannedScore) and each.name == stage), None)
    if found is None:
        return ()
    return verdict_models_of(found, tuned)


def verdict_models_of(stage: ScoreStage, tuned: Mapping[str, TunedVerdicts]) -> tuple[VerdictModel, ...]:
    """Return the verdict models of a stage: those tuned for a collection and this very reranker, else its own."""
    own = tuned.get(stage.scorer.name)
    return own.models if own is not None and own.model == stage.scorer.fingerprint else stage.verdict_models


def tuned_weights(tuned: Weights, metadata: MetadataSignals) -> Weights:
    """Return tuned weights without signals that are now off; signals switched on since take their configured share."""
    off = {name for name in FROM_METADATA if name not in metadata.shares}
    added = {name: share for name, share in metadata.shares.items() if name not in tuned}
    return with_shares(restrict(tuned, tuned.keys() - off), added)


def _first(
    request: SearchRequest,
    stage: ScoreStage,
    *,
    metadata: MetadataSignals,
    tunings: Mapping[str, Tuning],
    now: datetime,
) -> PlannedScore:
    """Return the plan of a first stage.

    A depth or weight in the request takes precedence over a tuning. Tuned weights apply to plain hybrid search, for
    which they were found; a tuned calibration applies to the scorer's scores in any search.
    """
    scorer, weight = stage.scorer, request.rerank_weight
    weights = with_shares(scorer.weights if weight is None else with_reranker(weight), metadata.shares)
    depth, tuning = request.depth or stage.head, tuning_of(scorer, tunings)
    if tuning is None:
        note = STALE if scorer.name in tunings else ""
        return PlannedScore(stage, depth or DEFAULT_DEPTH, mix=Mix(weights, metadata, now=now, note=note), name=FIRST)
    uses_weights = weight is None and request.is_plain and bool(tuning.weights)
    uses_depth = not depth and bool(tuning.weights)
    used = {"weights": uses_weights, "depth": uses_depth, "relevance": tuning.calibration is not None}
    names = ", ".join(name for name, is_used in used.items() if is_used)
    mix = Mix(
        tuned_weights(tuning.weights, metadata) if uses_weights else weights,
        metadata,
        now=now,
        calibration=tuning.calibration,
        note=f"{names} tuned for this collection" if names else "",
    )
    return PlannedScore(stage, depth or tuning.depth, mix=mix, name=FIRST)


def _later_mix(
    request: SearchRequest,
    scorer: Scorer,
    *,
    metadata: MetadataSignals,
    tunings: Mapping[str, Tuning],
    now: datetime,
) -> Mix:
    """Return the mix of a stage after the first, which is blended with the order before it instead of retrieval.

    Metadata has its share again, since its share in the order before shrinks with that order's own.
    """
    weight = scorer.weights["rerank"] if request.rerank_weight is None else request.rerank_weight
    tuning = tuning_of(scorer, tunings)
    weights = with_shares(with_reranker(weight), metadata.shares)
    return Mix(weights, metadata, now=now, calibration=tuning.calibration if tuning else None)


def _stopping_early(planned: Sequence[PlannedStage], cutoff: int) -> list[PlannedStage]:
    """Return the stages with how many of each scoring stage's hits are seen: on a page, or by the stages after it.

    Neither the offset nor a page shorter than usual counts: all pages of a request are cut from one order.
    """
    stages: list[PlannedStage] = []
    for stage in reversed(planned):
        stages.append(replace(stage, cutoff=cutoff) if isinstance(stage, PlannedScore) else stage)
        cutoff = max(cutoff, stage.depth)
    return stages[::-1]


def _least(head: int, limit: int) -> int:
    return min(filter(None, (head, limit)), default=DEFAULT_DEPTH)
