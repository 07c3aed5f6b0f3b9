"""The rerankers that a question may choose: the built-in ones, and those of RESIFT_RERANKERS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import InvalidInput, nearest, require_extra
from ..models.lazy import Lazy
from ..models.pair.loading import find_cross_encoder
from ..models.worker_pool import WorkerPool
from ..rerank.blend import Weights, with_reranker
from ..rerank.cache import CachedScorer
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import EndpointOptions, RerankEndpoint
from ..rerank.endpoint_shapes import SHAPES
from ..rerank.late_interaction import TokenModel
from ..rerank.protocols import Scorer
from ..rerank.stages.cascade import Cascade, RerankStage, ScoreStage
from ..settings.load import Settings
from ..settings.rerankers import CascadeRow, CrossEncoderRow, EndpointRow, LateInteractionRow, Row

READ_AT_ONCE = 8  # hits, of cross-encoders in this process; endpoints take all at once

FOREIGN_WEIGHT = 0.5  # until `resift tune` has measured it, neither side can undo the other alone


@dataclass(frozen=True, slots=True)
class RerankerBuilder:
    """What rerankers are built with."""

    settings: Settings
    workers: WorkerPool

    def cached(self, reranker: Scorer) -> Scorer:
        """Return the reranker with a memory for its scores, as large as the settings say."""
        limit = self.settings.rerank.cache_size
        return CachedScorer(reranker, limit=limit) if limit else reranker

    def weights(self, own: Weights, weight: float | None = None) -> Weights:
        """Return a reranker's weights: those of its row, of the settings, or its own."""
        chosen = self.settings.rerank.weight if weight is None else weight
        return own if chosen is None else with_reranker(chosen)


def _cross_encoder(row: CrossEncoderRow, shop: RerankerBuilder) -> Scorer:
    model = find_cross_encoder(row.model, options=row.options)
    digest = f"{model.digest} {row.options.digest}".strip()
    weights = shop.weights(model.weights, row.weight)
    return CrossEncoder(replace(model, weights=weights, digest=digest), shop.workers)


def _late_interaction(row: LateInteractionRow, shop: RerankerBuilder) -> Scorer:
    from ..models.text.token_vectors import TokenVectorModel

    require_extra("fastembed", f"The late-interaction model {row.model!r} of RESIFT_RERANKERS")
    model = Lazy(lambda: TokenVectorModel.open(row.model, row.folder, options=row.options))
    weights = shop.weights(with_reranker(FOREIGN_WEIGHT), row.weight)
    return TokenModel(row.model, model, shop.workers, weights=weights, form=row.form)


def _endpoint(row: EndpointRow, shop: RerankerBuilder) -> Scorer:
    options = EndpointOptions(
        row.kind,
        shop.weights(with_reranker(FOREIGN_WEIGHT), row.weight),
        model=row.model,
        url=row.url,
        key=row.key,
        timeout_s=row.timeout_s,
        batch=row.batch,
        concurrency=row.concurrency,
        scores=row.scores,
        form=row.form,
    )
    return RerankEndpoint(options)


BUILDERS: dict[str, Callable[[Any, RerankerBuilder], Scorer]] = {
    "cross-encoder": _cross_encoder,
    "late-interaction": _late_interaction,
    **dict.fromkeys(SHAPES, _endpoint),
}
"""By the `kind` of a row, what builds a reranker of it; heavy libraries are imported when a model is loaded."""


def build_steps(shop: RerankerBuilder) -> tuple[dict[str, RerankStage], list[RerankEndpoint]]:
    """Return the rows of the table that are one stage, by name, and the endpoints among them, which must be closed."""
    steps: dict[str, RerankStage] = {}
    endpoints: list[RerankEndpoint] = []
    for name, row in shop.settings.rerankers.items():
        if isinstance(row, CascadeRow):
            continue
        reranker = BUILDERS[row.kind](row, shop)
        if isinstance(reranker, RerankEndpoint):
            endpoints.append(reranker)
        slice_ = READ_AT_ONCE if isinstance(reranker, CrossEncoder) else 0
        follows = row.form.follows_instructions
        steps[name] = ScoreStage(name, shop.cached(reranker), takes_instructions=follows, slice_size=slice_)
    return steps, endpoints


def build_cascades(rows: Mapping[str, Row], steps: Mapping[str, RerankStage]) -> dict[str, Cascade]:
    """Return what questions choose from: every step alone, and the cascades of the table.

    Raises:
        InvalidInput: A cascade names a stage that does not exist.
    """
    cascades = {name: Cascade((step,)) for name, step in steps.items()}
    for name, row in rows.items():
        if isinstance(row, CascadeRow):
            cascades[name] = Cascade(tuple(_step(name, stage, head, steps) for stage, head in row.steps))
    return cascades


def _step(cascade: str, stage: str, head: int, steps: Mapping[str, RerankStage]) -> RerankStage:
    if stage not in steps:
        known = ", ".join(sorted(steps))
        raise InvalidInput(
            f"RESIFT_RERANKERS: {cascade}.stages: no reranker {stage!r}.{nearest(stage, steps)} Known: {known}."
        )
    return replace(steps[stage], head=head or steps[stage].head)
