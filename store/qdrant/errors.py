"""What goes wrong at a Qdrant server: which failures pass, and what the others are called here."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import Hint, NotFound, Refused, ResiftError, StoreError, StoreUnavailable

# REST statuses and gRPC codes of one meaning. 500 is no passing trouble: asked again, the same request fails again.
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
class _Trouble:
    """A failed request, whichever way it went: a REST status (0: no answer came), and what was said."""

    status: int
    detail: str
    retry_after_s: float = 0.0

    @property
    def is_transient(self) -> bool:
        """Return whether the same request may succeed a moment later; every request of ours may be sent twice."""
        return self.status == 0 or self.status in _TRANSIENT_STATUSES


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions by which the client tells of a failed request."""
    from grpc.aio import AioRpcError
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.exceptions import ApiException

    return (AioRpcError, QdrantException, ApiException)


def _trouble_of(error: Exception) -> _Trouble:
    from grpc.aio import AioRpcError
    from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    match error:
        case ResourceExhaustedResponse():
            return _Trouble(429, _short(str(error)), error.retry_after_s)
        case UnexpectedResponse():
            return _Trouble(error.status_code or 500, _said(error))
        case ResponseHandlingException():
            source = error.source
            return _Trouble(0, _short(f"{type(source).__name__} {source}".strip()))
        case AioRpcError():
            code = str(error.code().name)
            return _Trouble(_GRPC_STATUSES.get(code, 500), _short(f"{code}: {error.details()}"))
        case _:
            return _Trouble(500, _short(str(error)))


def described(error: Exception, where: str) -> ResiftError:
    """Return our error for one of `failures()`, without the client's headers, which hold the key."""
    trouble = _trouble_of(error)
    if trouble.status in (401, 403):
        return Refused(
            f"Qdrant at {where} refused the key: {trouble.detail}. Set QDRANT_API_KEY to a key with the permission.",
            hint=Hint.FIND_CAUSE,
        )
    if trouble.status == 404:
        return NotFound(f"Qdrant at {where}: {trouble.detail}.", hint=Hint.LIST_COLLECTIONS)
    if trouble.is_transient:
        return StoreUnavailable(
            f"Qdrant at {where} does not answer: {trouble.detail}. What was acknowledged is stored. Check that the "
            "server is running, then try again.",
            retry_after_s=trouble.retry_after_s,
            hint=Hint.FIND_CAUSE,
        )
    return StoreError(f"Qdrant at {where} could not do it: {trouble.detail}. See the server's log.")


def _said(error: object) -> str:
    """Return the message in a REST error's body, or its beginning when it is of another kind (a proxy's page)."""
    import json

    content: bytes = getattr(error, "content", b"")
    status = f"{getattr(error, 'status_code', '')} {getattr(error, 'reason_phrase', '')}".strip()
    try:
        message = json.loads(content)["status"]["error"]
    except (ValueError, KeyError, TypeError):
        message = content.decode("utf-8", "replace")
    return _short(f"{status}: {message}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_DETAIL else f"{line[:MAX_DETAIL]}…"
