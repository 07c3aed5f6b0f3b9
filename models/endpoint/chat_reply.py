"""Read the body of a chat completion, whose fields many endpoints leave out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ValidationError

from ...core.errors import ModelError
from ...core.masking import SECRETS

TRUNCATED = frozenset({"length", "max_tokens"})  # finish reasons of a reply that hit its limit

MAX_REFUSAL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A model's reply and what it cost."""

    text: str
    complete: bool = True
    """False if the endpoint cut the reply at its limit."""
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0

    def with_retries(self, retries: int) -> ChatReply:
        """Return the reply with the number of failed requests that came before it."""
        return replace(self, retries=retries)


def _joined(content: Any) -> Any:
    """Return the text of a message that comes in parts, without parts of another type, such as thoughts."""
    if not isinstance(content, list):
        return content
    return "".join(_text_of(part) for part in cast("list[Any]", content))


def _text_of(part: Any) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case _:
            return ""


class _Message(BaseModel):
    content: Annotated[str | None, BeforeValidator(_joined)] = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def _usage_or_none(usage: Any) -> _Usage | None:
    """Return the usage if it can be read: an answer is not worth less without it."""
    try:
        return _Usage.model_validate(usage)
    except ValidationError:
        return None


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: Annotated[_Usage | None, BeforeValidator(_usage_or_none)] = None


def read_reply(body: bytes, endpoint: str) -> ChatReply:
    """Return the reply in the body of a chat completion; `endpoint` names its origin in error messages.

    Raises:
        ModelError: The body is not a chat completion, or the model refused to answer.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:  # not as the cause: it contains the body, which may contain the key
        raise ModelError(
            f"The answer of {endpoint} is not a chat completion. Check that OPENAI_BASE_URL is the base of an "
            "OpenAI-compatible API."
        ) from None
    if not completion.choices:
        raise ModelError(f"The answer of {endpoint} contains no choice. Check RESIFT_LLM__MODEL.")
    choice, usage = completion.choices[0], completion.usage or _Usage()
    if choice.message.refusal or choice.finish_reason == "content_filter":
        reason = SECRETS.mask(choice.message.refusal or "its content filter was triggered")[:MAX_REFUSAL_CHARACTERS]
        raise ModelError(f"{endpoint} refused to answer: {reason}")
    return ChatReply(
        text=choice.message.content or "",
        complete=choice.finish_reason not in TRUNCATED,
        tokens_in=usage.prompt_tokens or 0,
        tokens_out=usage.completion_tokens or 0,
    )
