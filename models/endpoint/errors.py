"""What an endpoint's failures mean: ask again later, ask for less, ask otherwise, or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import ContextTooLong, ModelError, ModelUnavailable

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAIError


MOST_CHARACTERS = 300  # of what an endpoint says of its failure: some send whole pages


def quoted(text: str, secret: str) -> str:
    """Return the beginning of a text as one sentence on one line, without the key, which some endpoints repeat."""
    clean = text.replace(secret, "***") if secret else text
    line = "".join(each for each in " ".join(clean.split()) if each.isprintable())[:MOST_CHARACTERS]
    line = line or "no reason given"
    return line if line.endswith((".", "!", "?")) else f"{line}."


def wait_of(retry_after: str, now: datetime) -> float:
    """Return how many seconds Retry-After, a number or a date, says to wait; 0 where it says nothing of use."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


LONGEST_WAIT_S = 30.0  # that an endpoint may ask for; beyond, nobody waits for this answer

CHECK = "Check RESIFT_LLM__MODEL, OPENAI_BASE_URL and OPENAI_API_KEY."

# What OpenAI, vLLM, llama.cpp, LM Studio and Ollama say when a request is longer than the window.
_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|too many tokens|(prompt|input) is too long"
    r"|exceeds? .{0,40}context",
    re.IGNORECASE,
)

# What endpoints may not take, each with what goes with it.
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "response_format": frozenset({"response_format"}),
    "json_schema": frozenset({"response_format"}),
    "seed": frozenset({"seed"}),
    "temperature": frozenset({"temperature"}),
    "max_completion_tokens": frozenset({"max_completion_tokens"}),  # `max_tokens` takes its place
    "max_tokens": frozenset({"max_tokens"}),
    "logprobs": frozenset({"logprobs", "top_logprobs"}),
}


def failure_of(error: OpenAIError, where: str, *, secret: str, check: str = CHECK) -> ModelError:
    """Return our error for the client's, without the secret; `check` says what to do."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APIStatusError):
        return _of_status(error, where, _said(error, secret), check)
    if isinstance(error, APITimeoutError):
        return ModelUnavailable(f"{where} gave no answer in time.")
    if isinstance(error, APIConnectionError):
        return ModelUnavailable(f"{where} cannot be reached, or broke off. Is it running? {check}")
    return ModelError(f"{where} cannot be asked: {quoted(str(error), secret)} {check}")


def refused_parameter(error: APIStatusError, parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return the optional parameters that the endpoint does not take; empty where it complains of something else.

    One that only says that the request is bad is asked once more without a schema, the likeliest cause.
    """
    text = str(error)
    if error.status_code not in {400, 422} or _TOO_LONG.search(text):
        return frozenset()
    named = next((those for name, those in _OPTIONAL.items() if name in text and those & parameters.keys()), None)
    return (named or frozenset({"response_format"})) & parameters.keys()


def _of_status(error: APIStatusError, where: str, said: str, check: str) -> ModelError:
    status = error.status_code
    if status in {400, 413, 422} and _TOO_LONG.search(str(error)):
        return ContextTooLong(f"{where} has a smaller window than it was given to read: {said}")
    wait_s = wait_of(error.response.headers.get("retry-after", ""), datetime.now(UTC))
    passes = status in {408, 429} or status >= 500
    if passes and wait_s <= LONGEST_WAIT_S and "insufficient_quota" not in str(error):
        return ModelUnavailable(f"{where} failed with status {status}: {said}", retry_after_s=wait_s)
    if passes and wait_s > LONGEST_WAIT_S:
        return ModelError(f"{where} asks to be left alone for {wait_s:.0f} s (status {status}): {said}")
    return ModelError(f"{where} refused with status {status}: {said} {check}")


def _said(error: APIStatusError, secret: str) -> str:
    body: Any = error.body
    inner = body.get("error", body) if isinstance(body, dict) else body  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    message = inner.get("message") if isinstance(inner, dict) else inner  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return quoted(str(message or ""), secret)  # pyright: ignore[reportUnknownArgumentType]
