"""The language model of the settings."""

from ..models.language_model import Endpoint, LanguageModel
from .settings import Settings


def open_language_model(settings: Settings) -> LanguageModel | None:
    """Return the model that the settings name; None without one, or with neither an endpoint nor a key."""
    key, llm = settings.openai_api_key.get_secret_value(), settings.llm
    if not llm.model or not (key or settings.openai_base_url):
        return None
    return LanguageModel(Endpoint(llm.model, settings.openai_base_url, key, llm.timeout_s, llm.retries))
