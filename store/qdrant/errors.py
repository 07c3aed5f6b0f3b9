"""Map failures of a Qdrant server to our errors, and tell temporary ones from permanent ones."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import Hint, NotFound, Refused, ResiftError, StoreError, StoreUnavailable
from ...core.masking import SECRETS
from ...core.text import cut

# 500 is not temporary: the same request fails again.
_TRANSIENT_STATUSES = frozenset({408, 429, 502, 503, 504})

_GRPC_STATUSES = {
    "CANCELLED": 408,
    "DEADLINE_EXCEEDED": 408,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "INVALID_ARGUMENT": 400,
    "UNIMPLEMENTED": 501,
}

MAX_DETAIL = 300


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failed request over either transport: a REST status (0: no answer) and the message."""

    status: int
    detail: str
    retry_after_s: float = 0.0

    @property
    def is_transient(self) -> bool:
        """Return whether the same request may succeed a moment later. Each of our requests may be sent twice."""
        return self.status == 0 or self.status in _TRANSIENT_STATUSES


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that the client raises for a failed request."""
    from grpc.aio import AioRpcError
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.exceptions import ApiException

    return (AioRpcError, QdrantException, ApiException)


def _failure_of(error: Exception) -> _Failure:
    from grpc.aio import AioRpcError
    from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    match error:
        case ResourceExhaustedResponse():
            return _Failure(429, _short(str(error)), error.retry_after_s)
        case UnexpectedResponse():
            return _Failure(error.status_code or 500, _message_of(error))
        case ResponseHandlingException():
            source = error.source
            return _Failure(0, _short(f"{type(source).__name__} {source}".strip()))
        case AioRpcError():
            code = str(error.code().name)
            return _Failure(_GRPC_STATUSES.get(code, 500), _short(f"{code}: {error.details()}"))
        case _:
            return _Failure(500, _short(str(error)))


def to_resift_error(error: Exception, where: str, *, writes: bool = False) -> ResiftError:
    """Return our error for one of `failures()`, without the client's headers, which contain the key.

    Where a request `writes`, its message also says what became of earlier ones.
    """
    failure = _failure_of(error)
    if failure.status in (401, 403):
        return Refused(
            f"Qdrant at {where} refused the key: {failure.detail}. Set QDRANT_API_KEY to a key with the permission.",
            hint=Hint.FIND_CAUSE,
        )
    if failure.status == 404:
        return NotFound(f"Qdrant at {where}: {failure.detail}.", hint=Hint.LIST_COLLECTIONS)
    if failure.is_transient:
        kept = " What it acknowledged before is stored." if writes else ""
        return StoreUnavailable(
            f"Qdrant at {where} does not answer: {failure.detail.rstrip('.')}.{kept} Check that the "
            "server is running and that QDRANT_URL is its address, then try again.",
            retry_after_s=failure.retry_after_s,
            hint=Hint.FIND_CAUSE,
        )
    return StoreError(f"Qdrant at {where} failed: {failure.detail}. See the server's log.")


def _message_of(error: object) -> str:
    """Return the message in the body of a REST error, or the beginning of a body in another format."""
    import json

    content: bytes = getattr(error, "content", b"")
    status = f"{getattr(error, 'status_code', '')} {getattr(error, 'reason_phrase', '')}".strip()
    try:
        message = json.loads(content)["status"]["error"]
    except (ValueError, KeyError, TypeError):
        message = content.decode("utf-8", "replace")
    return _short(f"{status}: {message}")


def _short(text: str) -> str:
    return cut(" ".join(SECRETS.mask(text).split()), MAX_DETAIL)  # masked first: a part of a secret is not recognized
