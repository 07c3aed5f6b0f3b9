"""What comes back from a chat completion, read with suspicion."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import BaseModel, ValidationError

from ...core.errors import ModelError

STOPPED_SHORT = frozenset({"length", "max_tokens"})


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A model's words, and what they cost."""

    text: str
    whole: bool = True
    """False where the endpoint cut the reply."""
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0
    first_token: tuple[tuple[str, float], ...] = ()
    """The likeliest first tokens and the logarithms of their probabilities; empty where the endpoint gives none."""

    def after(self, retries: int) -> ChatReply:
        """Return the reply as one that so many failed requests went before."""
        return replace(self, retries=retries)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Candidate(BaseModel):
    token: str
    logprob: float


class _Position(BaseModel):
    top_logprobs: list[_Candidate] = []


class _Logprobs(BaseModel):
    content: list[_Position] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


def read_reply(body: bytes, where: str) -> ChatReply:
    """Return the reply in the body of a chat completion.

    Raises:
        ModelError: The body is none, or the model refused.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:  # it holds the body, which may hold the key
        raise ModelError(f"{where} answered with what is no chat completion. Check OPENAI_BASE_URL.") from None
    if not completion.choices:
        raise ModelError(f"{where} answered without a choice.")
    choice, usage = completion.choices[0], completion.usage or _Usage()
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ModelError(f"{where} refused: {(choice.message.refusal or 'its content filter')[:200]}")
    positions = (choice.logprobs.content if choice.logprobs else None) or []
    return ChatReply(
        choice.message.content or "",
        whole=choice.finish_reason not in STOPPED_SHORT,
        tokens_in=usage.prompt_tokens or 0,
        tokens_out=usage.completion_tokens or 0,
        first_token=tuple((each.token, each.logprob) for each in positions[0].top_logprobs) if positions else (),
    )
