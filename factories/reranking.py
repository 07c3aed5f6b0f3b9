"""All rerankers that a search can name: the built-in ones, those of the settings, and the language model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from anyio import CapacityLimiter

from ..core.errors import InvalidInput
from ..models.bundled import RERANKER_FOLDER
from ..models.endpoint.chat import LanguageModel
from ..models.pair.loading import find_cross_encoder
from ..pipeline.plan import Rerankers
from ..pipeline.rephrasing import Rephraser
from ..pipeline.request import NO_RERANKER
from ..prompts.templates import Template
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import RerankEndpoint
from ..rerank.llm.listwise import Listwise
from ..rerank.protocols import Scorer
from ..rerank.stages.cascade import Cascade, RerankStage, ScoreStage
from ..settings.reranker_rows import CROSS_ENCODER, LLM, MAXSIM
from .extensions import PluginReranker
from .language_model import (
    NEEDS_A_MODEL,
    open_language_model,
    open_listwise,
    open_rephraser,
    open_templates,
    ordering_step,
)
from .rerankers import READ_AT_ONCE, RerankerBuilder, build_cascades, build_steps


@dataclass(frozen=True, slots=True)
class RerankingParts:
    """What a pipeline reranks with, and the parts of it that the engine loads, shows and closes."""

    reranking: Rerankers
    cross_encoder: CrossEncoder
    templates: Mapping[str, Template]
    language_model: LanguageModel | None
    listwise: Listwise | None
    rephraser: Rephraser | None
    to_close: tuple[RerankEndpoint | PluginReranker, ...]


def build_reranking(builder: RerankerBuilder, maxsim: Scorer) -> RerankingParts:
    """Return the rerankers of the settings; no model is loaded.

    Raises:
        InvalidInput: The settings name a reranker or a template that does not exist.
    """
    settings = builder.settings
    found = find_cross_encoder(settings.reranker or str(RERANKER_FOLDER))
    cross_encoder = CrossEncoder(replace(found, weights=builder.weights(found.weights)), builder.workers)
    configured, to_close = build_steps(builder)
    steps: dict[str, RerankStage] = {
        CROSS_ENCODER: ScoreStage(
            CROSS_ENCODER, builder.cached(cross_encoder), slice_size=READ_AT_ONCE, verdict_models=found.verdicts
        ),
        MAXSIM: ScoreStage(MAXSIM, builder.cached(maxsim)),
        **configured,
    }
    templates, language_model = open_templates(settings), open_language_model(settings)
    at_once = CapacityLimiter(settings.llm.at_once)
    listwise = open_listwise(settings, language_model, templates, at_once)
    if listwise is not None:
        steps[LLM] = ordering_step(listwise, settings)
    cascades = build_cascades(settings.rerankers, steps)
    if listwise is not None:
        cascades[LLM] = Cascade((steps[CROSS_ENCODER], steps[LLM]))
    reranking = Rerankers(
        cascades,
        default=_default(settings.rerank.default, cascades),
        metadata=settings.blend.signals,
        missing={LLM: NEEDS_A_MODEL},
        feedback=settings.rerank.feedback,
    )
    return RerankingParts(
        reranking,
        cross_encoder,
        templates=templates,
        language_model=language_model,
        listwise=listwise,
        rephraser=open_rephraser(settings, language_model, templates, at_once),
        to_close=tuple(to_close),
    )


def _default(chosen: str, cascades: Mapping[str, Cascade]) -> str:
    if chosen not in {NO_RERANKER, *cascades}:
        known = ", ".join([NO_RERANKER, *cascades])
        raise InvalidInput(f"RESIFT_RERANK__DEFAULT = {chosen!r} is not a known reranker. Known: {known}.")
    return chosen
