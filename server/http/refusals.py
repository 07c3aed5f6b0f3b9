"""How a request is refused: a status, and JSON that says in a sentence why and what to do."""

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from ...api.caller import CALLER

KINDS: Mapping[int, str] = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    421: "unknown_host",
    422: "invalid_input",
    429: "rate_limited",
    499: "client_gone",
    500: "internal_error",
    503: "unavailable",
}
"""By status, the word for programs."""

MCP_PATH = "/mcp"

REFUSED = -32000
"""The code of JSON-RPC for errors that a server defines."""


class _Refusal(JSONResponse):
    """An answer that is an error of JSON-RPC where MCP is served: its clients show their users nothing else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == MCP_PATH:
            content = json.loads(self.body)
            error = {"code": REFUSED, "message": content["message"], "data": {"type": content["error"]["type"]}}
            self.body = self.render({"jsonrpc": "2.0", "id": None, "error": error})
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def refusal(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer to a request that is not served."""
    return _Refusal(_content(status, message), status_code=status, headers=headers)


def body_of(status: int, message: str) -> bytes:
    """Return the body of such an answer, for where there is no request yet."""
    return json.dumps(_content(status, message)).encode()


def try_later(status: int, message: str, *, after_s: float) -> JSONResponse:
    """Return the answer to a request that may succeed later, with the time to wait in whole seconds."""
    return refusal(status, message, headers={"Retry-After": str(max(1, math.ceil(after_s)))})


def close_after(response: JSONResponse) -> JSONResponse:
    """Return the answer with the order to close the connection, whose request was not read to its end."""
    response.headers["Connection"] = "close"
    return response


def _content(status: int, message: str) -> dict[str, Any]:
    """Return the content.

    The message stands three times, because Cohere's client reads `message`, OpenAI's `error.message` and those of
    Jina `detail`.
    """
    told = CALLER.get().hidden.hide(message)
    error = {"type": KINDS.get(status, "error"), "message": told}
    return {"message": told, "error": error, "detail": told}
