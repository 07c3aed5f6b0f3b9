"""The rerankers that a question may choose: the built-in ones, and those of RESIFT_RERANKERS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import InvalidInput, nearest, require_extra
from ..models.lazy import Lazy
from ..models.pair.loading import find_cross_encoder
from ..models.worker_pool import WorkerPool
from ..rerank.blend import Weights, with_reranker
from ..rerank.cache import Cached
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import EndpointOptions, RerankEndpoint
from ..rerank.endpoint_shapes import SHAPES
from ..rerank.late_interaction import TokenModel
from ..rerank.protocols import Reranker
from ..rerank.stages.cascade import Cascade, Scored, Step
from ..settings.load import Settings
from ..settings.rerankers import CascadeRow, CrossEncoderRow, EndpointRow, LateInteractionRow, PluginRow, Row
from .extensions import PluginReranker, build_plugin

READ_AT_ONCE = 8  # hits, of cross-encoders in this process; endpoints take all at once

FOREIGN_WEIGHT = 0.5  # until `resift tune` has measured it, neither side can undo the other alone


@dataclass(frozen=True, slots=True)
class RerankerBuilder:
    """What rerankers are built with."""

    settings: Settings
    workers: WorkerPool

    def cached(self, reranker: Reranker) -> Reranker:
        """Return the reranker with a memory for its scores, as large as the settings say."""
        limit = self.settings.rerank.cache_size
        return Cached(reranker, limit=limit) if limit else reranker

    def weights(self, own: Weights, weight: float | None = None) -> Weights:
        """Return a reranker's weights: those of its row, of the settings, or its own."""
        chosen = self.settings.rerank.weight if weight is None else weight
        return own if chosen is None else with_reranker(chosen)


def _cross_encoder(row: CrossEncoderRow, shop: RerankerBuilder) -> Reranker:
    model = find_cross_encoder(row.model, options=row.options)
    digest = f"{model.digest} {row.options.digest}".strip()
    weights = shop.weights(model.weights, row.weight)
    return CrossEncoder(replace(model, weights=weights, digest=digest), shop.workers)


def _late_interaction(row: LateInteractionRow, shop: RerankerBuilder) -> Reranker:
    from ..models.text.token_vectors import TokenVectorModel

    require_extra("fastembed", f"The late-interaction model {row.model!r} of RESIFT_RERANKERS")
    model = Lazy(lambda: TokenVectorModel.open(row.model, row.folder, options=row.options))
    weights = shop.weights(with_reranker(FOREIGN_WEIGHT), row.weight)
    return TokenModel(row.model, model, shop.workers, weights=weights, form=row.form)


def _endpoint(row: EndpointRow, shop: RerankerBuilder) -> Reranker:
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


def _plugin(row: PluginRow, shop: RerankerBuilder) -> Reranker:
    reranker, package = build_plugin("resift.rerankers", row.kind, row.options)
    return PluginReranker(reranker, package, weights=shop.weights(reranker.weights, row.weight))


BUILDERS: dict[str, Callable[[Any, RerankerBuilder], Reranker]] = {
    "cross-encoder": _cross_encoder,
    "late-interaction": _late_interaction,
    **dict.fromkeys(SHAPES, _endpoint),
}
"""Builders by the `kind` of a row; other kinds are plug-ins. Models and their libraries load when first used."""


def build_steps(shop: RerankerBuilder) -> tuple[dict[str, Step], list[RerankEndpoint]]:
    """Return the rows of the table that are one stage, by name, and the endpoints among them, which must be closed."""
    steps: dict[str, Step] = {}
    endpoints: list[RerankEndpoint] = []
    for name, row in shop.settings.rerankers.items():
        if isinstance(row, CascadeRow):
            continue
        reranker = BUILDERS.get(row.kind, _plugin)(row, shop)
        if isinstance(reranker, RerankEndpoint):
            endpoints.append(reranker)
        slice_ = READ_AT_ONCE if isinstance(reranker, CrossEncoder) else 0
        follows = _takes_instructions(row, reranker)
        steps[name] = Scored(name, shop.cached(reranker), takes_instructions=follows, slice=slice_)
    return steps, endpoints


def _takes_instructions(row: Row, reranker: Reranker) -> bool:
    if isinstance(reranker, PluginReranker):
        return reranker.takes_instructions
    return not isinstance(row, CascadeRow | PluginRow) and row.form.follows_instructions


def build_cascades(rows: Mapping[str, Row], steps: Mapping[str, Step]) -> dict[str, Cascade]:
    """Return what questions choose from: every step alone, and the cascades of the table.

    Raises:
        InvalidInput: A cascade names a stage that does not exist.
    """
    cascades = {name: Cascade((step,)) for name, step in steps.items()}
    for name, row in rows.items():
        if isinstance(row, CascadeRow):
            cascades[name] = Cascade(tuple(_step(name, stage, head, steps) for stage, head in row.steps))
    return cascades


def _step(cascade: str, stage: str, head: int, steps: Mapping[str, Step]) -> Step:
    if stage not in steps:
        known = ", ".join(sorted(steps))
        raise InvalidInput(
            f"RESIFT_RERANKERS: {cascade}.stages: no reranker {stage!r}.{nearest(stage, steps)} Known: {known}."
        )
    return replace(steps[stage], head=head or steps[stage].head)
