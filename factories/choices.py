"""What questions may be reranked with: the built-in rerankers, those of the settings, and the language model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..core.errors import InvalidInput
from ..models.bundled import RERANKER_FOLDER
from ..models.endpoint.chat import LanguageModel
from ..models.pair.loading import find_cross_encoder
from ..pipeline.plan import Rerankers
from ..pipeline.request import NO_RERANKER
from ..prompts.templates import Template
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import RerankEndpoint
from ..rerank.llm.listwise import Listwise
from ..rerank.protocols import Scorer
from ..rerank.signals import MetadataSignals
from ..rerank.stages.cascade import Cascade, RerankStage, ScoreStage
from ..settings.rerankers import CROSS_ENCODER, LLM, MAXSIM
from .language_model import open_language_model, open_listwise, open_templates, ordering_step
from .rerankers import READ_AT_ONCE, RerankerBuilder, build_cascades, build_steps

NEEDS_A_MODEL = " Set RESIFT_LLM__MODEL, and OPENAI_API_KEY or OPENAI_BASE_URL."


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of a question, and those among them that are loaded, shown or closed on their own."""

    reranking: Rerankers
    cross_encoder: CrossEncoder
    templates: Mapping[str, Template]
    language_model: LanguageModel | None
    listwise: Listwise | None
    endpoints: tuple[RerankEndpoint, ...]


def build_choices(shop: RerankerBuilder, maxsim: Scorer) -> Choices:
    """Return what the settings let a question choose; no model is loaded.

    Raises:
        InvalidInput: They name a reranker or a template that does not exist.
    """
    settings = shop.settings
    found = find_cross_encoder(settings.reranker or str(RERANKER_FOLDER))
    cross_encoder = CrossEncoder(replace(found, weights=shop.weights(found.weights)), shop.workers)
    configured, endpoints = build_steps(shop)
    steps: dict[str, RerankStage] = {
        CROSS_ENCODER: ScoreStage(CROSS_ENCODER, shop.cached(cross_encoder), slice_size=READ_AT_ONCE),
        MAXSIM: ScoreStage(MAXSIM, shop.cached(maxsim)),
        **configured,
    }
    templates, language_model = open_templates(settings), open_language_model(settings)
    listwise = open_listwise(settings, language_model, templates)
    if listwise is not None:
        steps[LLM] = ordering_step(listwise, settings)
    cascades = build_cascades(settings.rerankers, steps)
    if listwise is not None:
        cascades[LLM] = Cascade((steps[CROSS_ENCODER], steps[LLM]))
    reranking = Rerankers(
        cascades,
        default=_default(settings.rerank.default, cascades),
        metadata=MetadataSignals(**settings.blend.model_dump(exclude={"official_sources"})),
        missing={LLM: NEEDS_A_MODEL},
    )
    return Choices(
        reranking,
        cross_encoder,
        templates=templates,
        language_model=language_model,
        listwise=listwise,
        endpoints=tuple(endpoints),
    )


def _default(chosen: str, cascades: Mapping[str, Cascade]) -> str:
    if chosen not in {NO_RERANKER, *cascades}:
        known = ", ".join([NO_RERANKER, *cascades])
        raise InvalidInput(f"RESIFT_RERANK__DEFAULT = {chosen!r} is no reranker. Known: {known}.")
    return chosen
