"""Rerankers from the rows of RESIFT_RERANKERS, and the cascades of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import InvalidInput, nearest
from ..core.extras import require_extra
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
from ..settings.reranker_rows import CascadeRow, CrossEncoderRow, EndpointRow, LateInteractionRow, PluginRow, Row
from .extensions import PluginReranker, build_plugin

READ_AT_ONCE = 4  # hits that a local cross-encoder scores per slice; endpoints get all hits in one request

UNMEASURED_WEIGHT = 0.5  # equal shares, until `resift tune` has measured the reranker


@dataclass(frozen=True, slots=True)
class RerankerBuilder:
    """Builds rerankers from the settings; the models run on `workers`."""

    settings: Settings
    workers: WorkerPool

    def cached(self, reranker: Scorer) -> Scorer:
        """Return the reranker with a cache for its scores, of the size in the settings."""
        limit = self.settings.rerank.cache_size
        return CachedScorer(reranker, limit=limit) if limit else reranker

    def weights(self, own: Weights, weight: float | None = None) -> Weights:
        """Return a reranker's weights: from its row, else from the settings, else its own."""
        chosen = self.settings.rerank.weight if weight is None else weight
        return own if chosen is None else with_reranker(chosen)


def _cross_encoder(row: CrossEncoderRow, builder: RerankerBuilder) -> Scorer:
    model = find_cross_encoder(row.model, options=row.options)
    digest = f"{model.digest} {row.options.digest}".strip()
    weights = builder.weights(model.weights, row.weight)
    return CrossEncoder(replace(model, weights=weights, digest=digest), builder.workers)


def _late_interaction(row: LateInteractionRow, builder: RerankerBuilder) -> Scorer:
    from ..models.text.token_vectors import TokenVectorModel

    require_extra("fastembed", f"The late-interaction model {row.model!r} of RESIFT_RERANKERS")
    model = Lazy(lambda: TokenVectorModel.open(row.model, row.folder, options=row.options))
    weights = builder.weights(with_reranker(UNMEASURED_WEIGHT), row.weight)
    return TokenModel(row.model, model, builder.workers, weights=weights, form=row.form)


def _endpoint(row: EndpointRow, builder: RerankerBuilder) -> Scorer:
    options = EndpointOptions(
        row.kind,
        builder.weights(with_reranker(UNMEASURED_WEIGHT), row.weight),
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


def _plugin(row: PluginRow, builder: RerankerBuilder) -> Scorer:
    reranker, package = build_plugin("resift.rerankers", row.kind, row.options)
    return PluginReranker(reranker, package, weights=builder.weights(reranker.weights, row.weight))


BUILDERS: dict[str, Callable[[Any, RerankerBuilder], Scorer]] = {
    "cross-encoder": _cross_encoder,
    "late-interaction": _late_interaction,
    **dict.fromkeys(SHAPES, _endpoint),
}
"""Builders by the `kind` of a row; other kinds are plug-ins. Models and their libraries load when first used."""


def build_steps(builder: RerankerBuilder) -> tuple[dict[str, RerankStage], list[RerankEndpoint | PluginReranker]]:
    """Return the single-stage rows by name, and the rerankers among them that must be closed."""
    steps: dict[str, RerankStage] = {}
    to_close: list[RerankEndpoint | PluginReranker] = []
    for name, row in builder.settings.rerankers.items():
        if isinstance(row, CascadeRow):
            continue
        reranker = BUILDERS.get(row.kind, _plugin)(row, builder)
        if isinstance(reranker, RerankEndpoint | PluginReranker):
            to_close.append(reranker)
        is_local = isinstance(reranker, CrossEncoder)
        steps[name] = ScoreStage(
            name,
            builder.cached(reranker),
            takes_instructions=_takes_instructions(row, reranker),
            slice_size=READ_AT_ONCE if is_local else 0,
            verdict_models=reranker.model.verdicts if is_local else (),
        )
    return steps, to_close


def _takes_instructions(row: Row, reranker: Scorer) -> bool:
    if isinstance(reranker, PluginReranker):
        return reranker.takes_instructions
    return not isinstance(row, CascadeRow | PluginRow) and row.form.follows_instructions


def build_cascades(rows: Mapping[str, Row], steps: Mapping[str, RerankStage]) -> dict[str, Cascade]:
    """Return every step as a cascade of its own, and the cascades of the table.

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
