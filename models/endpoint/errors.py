"""Turn the errors of the openai client into ours: try again later, send less, leave a parameter out, or give up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import ContextTooLong, ModelError, ModelUnavailable
from ...core.masking import SECRETS

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAIError


MAX_MESSAGE_CHARACTERS = 300  # of an endpoint's error message; some send whole pages

MAX_RETRY_AFTER_S = 30.0  # a longer wait than this is not worth waiting for

CHECK = "Check RESIFT_LLM__MODEL, OPENAI_BASE_URL and OPENAI_API_KEY."

# What OpenAI, vLLM, llama.cpp, LM Studio and Ollama say when a request is longer than the model's window.
_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|too many tokens|(prompt|input) is too long"
    r"|exceeds? .{0,40}context",
    re.IGNORECASE,
)

# Parameters that some endpoints reject, each with those that must be left out with it.
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "response_format": frozenset({"response_format"}),
    "json_schema": frozenset({"response_format"}),
    "seed": frozenset({"seed"}),
    "temperature": frozenset({"temperature"}),
    "max_completion_tokens": frozenset({"max_completion_tokens"}),  # `max_tokens` replaces it
    "max_tokens": frozenset({"max_tokens"}),
}


def excerpt(text: str) -> str:
    """Return the beginning of a text as one sentence on one line, without secrets, which some endpoints repeat."""
    masked = SECRETS.mask(text)  # before it is cut: a part of a secret cannot be recognized
    line = "".join(each for each in " ".join(masked.split()) if each.isprintable())[:MAX_MESSAGE_CHARACTERS]
    line = line or "no reason given"
    return line if line.endswith((".", "!", "?")) else f"{line}."


def parse_retry_after(value: str, now: datetime) -> float:
    """Return the seconds to wait by a Retry-After header, which holds a number or a date; 0 if it cannot be read."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def to_model_error(error: OpenAIError, endpoint: str, *, check: str = CHECK) -> ModelError:
    """Return our error for one of the client's; `check` tells the reader what to do."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APIStatusError):
        return _from_status(error, endpoint, _reason(error), check)
    if isinstance(error, APITimeoutError):
        return ModelUnavailable(f"{endpoint} did not answer in time. Try again later.")
    if isinstance(error, APIConnectionError):
        return ModelUnavailable(f"{endpoint} cannot be reached, or closed the connection. Is it running? {check}")
    return ModelError(f"The request to {endpoint} failed: {excerpt(str(error))} {check}")


def rejected_parameters(error: APIStatusError, parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return the optional parameters that the endpoint does not accept; empty if the error is about something else.

    If the error does not name a parameter, it is taken to be the JSON schema, the one that most endpoints lack.
    """
    text = str(error)
    if error.status_code not in {400, 422} or _TOO_LONG.search(text):
        return frozenset()
    named = next((those for name, those in _OPTIONAL.items() if name in text and those & parameters.keys()), None)
    return (named or frozenset({"response_format"})) & parameters.keys()


def _from_status(error: APIStatusError, endpoint: str, reason: str, check: str) -> ModelError:
    status = error.status_code
    if status in {400, 413, 422} and _TOO_LONG.search(str(error)):
        return ContextTooLong(f"The request is too long for the window of {endpoint}: {reason}")
    wait_s = parse_retry_after(error.response.headers.get("retry-after", ""), datetime.now(UTC))
    temporary = status in {408, 429} or status >= 500
    if temporary and wait_s <= MAX_RETRY_AFTER_S and "insufficient_quota" not in str(error):
        return ModelUnavailable(f"{endpoint} failed with status {status}: {reason}", retry_after_s=wait_s)
    if temporary and wait_s > MAX_RETRY_AFTER_S:
        return ModelError(f"{endpoint} failed with status {status}: {reason} Try again in {wait_s:.0f} s.")
    return ModelError(f"{endpoint} refused the request with status {status}: {reason} {check}")


def _reason(error: APIStatusError) -> str:
    body: Any = error.body
    inner = body.get("error", body) if isinstance(body, dict) else body  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    message = inner.get("message") if isinstance(inner, dict) else inner  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return excerpt(str(message or ""))  # pyright: ignore[reportUnknownArgumentType]
