"""The language model of the settings, its prompt templates, and what it does: rerank, and rephrase queries."""

from collections.abc import Mapping

from anyio import CapacityLimiter

from ..core.errors import InvalidInput
from ..core.extras import require_extra
from ..models.endpoint.chat import LanguageModel
from ..models.endpoint.client import Endpoint
from ..pipeline.rephrasing import TEMPLATE, Rephraser, RephrasingOptions
from ..prompts.templates import SHIPPED, Template, load_templates
from ..rerank.llm.listwise import Listwise, ListwiseOptions
from ..rerank.stages.cascade import OrderStage
from ..settings.load import Settings
from ..settings.reranker_rows import LLM

NEEDS_A_MODEL = " Set RESIFT_LLM__MODEL, and OPENAI_API_KEY or OPENAI_BASE_URL."


def open_language_model(settings: Settings) -> LanguageModel | None:
    """Return the language model of the settings; None without a model name, or with neither an endpoint nor a key.

    Raises:
        MissingExtra: The extra `openai` is not installed.
    """
    key, llm = settings.openai_api_key.get_secret_value(), settings.llm
    if not llm.model or not (key or settings.openai_base_url):
        return None
    require_extra("openai", f"RESIFT_LLM__MODEL = {llm.model!r}")
    return LanguageModel(
        Endpoint(llm.model, settings.openai_base_url, api_key=key, timeout_s=llm.timeout_s, retries=llm.retries)
    )


def open_templates(settings: Settings) -> dict[str, Template]:
    """Return the templates that come with Resift and the user's own, which replace those of the same name.

    Raises:
        InvalidInput: One cannot be used.
    """
    return load_templates([SHIPPED, settings.prompts_dir] if settings.prompts_dir else [SHIPPED])


def open_rephraser(
    settings: Settings,
    model: LanguageModel | None,
    templates: Mapping[str, Template],
    limiter: CapacityLimiter,
) -> Rephraser | None:
    """Return what writes phrasings of queries; None if the settings ask for none.

    Raises:
        InvalidInput: The settings ask for some, but name no language model; or the template does not rephrase.
    """
    llm, template = settings.llm, templates[TEMPLATE]
    if template.reply != "queries":
        raise InvalidInput(
            f"The template {TEMPLATE!r} in RESIFT_PROMPTS_DIR must have the reply 'queries', not {template.reply!r}. "
            "Correct it, or give it another name."
        )
    if not llm.rephrase:
        return None
    if model is None:
        raise InvalidInput(f"RESIFT_LLM__REPHRASE = {llm.rephrase} needs a language model.{NEEDS_A_MODEL}")
    options = RephrasingOptions(
        most=llm.rephrase, limit_s=llm.rephrase_s, reply_tokens=llm.reply_tokens, cache_size=llm.cache_size
    )
    return Rephraser(model, template, options, limiter=limiter)


def open_listwise(
    settings: Settings,
    model: LanguageModel | None,
    templates: Mapping[str, Template],
    limiter: CapacityLimiter,
) -> Listwise | None:
    """Return the LLM reranker; None without a language model.

    Raises:
        InvalidInput: The settings name a template that does not order passages.
    """
    if model is None:
        return None
    llm = settings.llm
    options = ListwiseOptions(
        strategy=llm.strategy,
        template=llm.template,
        permutations=llm.permutations,
        passage_tokens=llm.passage_tokens,
        reply_tokens=llm.reply_tokens,
        total_s=llm.total_s,
        max_calls=llm.max_calls,
        max_tokens=llm.max_tokens_per_query,
        cache_size=llm.cache_size,
        date_field=settings.blend.recency_field,
        official_sources=tuple(settings.blend.official_sources),
    )
    return Listwise(model, templates, options, limiter=limiter)


def ordering_step(listwise: Listwise, settings: Settings) -> OrderStage:
    """Return the stage in which the language model reorders the first hits."""
    return OrderStage(LLM, listwise, head=settings.llm.head, wide_margin=settings.llm.wide_margin)
