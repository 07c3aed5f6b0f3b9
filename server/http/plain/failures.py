"""Errors as the plain HTTP API answers them: a status, and one body that every vendor's client can show."""

import re
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from math import ceil
from typing import Annotated, Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ....api.arguments import describe_problems
from ....core.errors import (
    CollectionBusy,
    ContextTooLong,
    DamagedCollection,
    DamagedManifest,
    Forbidden,
    Hint,
    IncompatibleCollection,
    InvalidInput,
    NotFound,
    PathRefused,
    ResiftError,
    StoreBusy,
    Unavailable,
    UnreadableFile,
)
from ....core.masking import SECRETS
from ....core.text import cut, cut_middle, encodable
from ..refusals import refusal

JSON: Final = "application/json"

MAX_MESSAGE_CHARACTERS = 2_000  # messages quote the refused value, and a caller may have sent a megabyte

STATUSES: Mapping[type[ResiftError], HTTPStatus] = {
    Forbidden: HTTPStatus.FORBIDDEN,
    PathRefused: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    IncompatibleCollection: HTTPStatus.CONFLICT,
    DamagedCollection: HTTPStatus.CONFLICT,
    DamagedManifest: HTTPStatus.CONFLICT,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnreadableFile: HTTPStatus.UNPROCESSABLE_ENTITY,
    ContextTooLong: HTTPStatus.UNPROCESSABLE_ENTITY,
    CollectionBusy: HTTPStatus.CONFLICT,
    StoreBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""By error; a subclass has the status of its nearest class here, and everything else is 500."""

HINTS: Mapping[Hint, str] = {
    Hint.LIST_COLLECTIONS: "GET /v1/collections lists them.",
    Hint.LIST_JOBS: "GET /v1/jobs lists them.",
    Hint.SHOW_FIELDS: "GET /v1/collections?collection=NAME lists the values of its fields.",
    Hint.INGEST: "POST documents to /v1/documents first.",
    Hint.NAME_DOCUMENTS: "Give `document_ids`, a `filter`, or `everything: true` for the whole collection.",
    Hint.END_JOB: "GET /v1/jobs/{job}?wait_s=30 waits for it, and DELETE cancels it. Then send the request again.",
    Hint.DELETE_COLLECTION: "To delete the collection, send `everything: true`.",
    Hint.REPLACE_COLLECTION: "Configure the former encoder on the server. Or POST to /v1/documents/delete with "
    "`collection: {collection!r}` and `everything: true`, and ingest the documents again.",
    Hint.ADOPT_AGAIN: "On the server, configure the encoder that made its vectors, and run "
    "`resift adopt {collection}` again.",
    Hint.ADOPT: "Run `resift adopt {collection}` on the server to make it searchable.",
    Hint.REPAIR_COLLECTION: "Restore it on the server with `resift restore FILE` if there is a backup. Or POST to "
    "/v1/documents/delete with `collection: {collection!r}` and `everything: true`, and ingest the documents again.",
    Hint.REPAIR_MANIFEST: "Restore it on the server, or delete it.",
    Hint.FIND_CAUSE: "Run `resift doctor` on the server to find the cause.",
    Hint.INSTALL: "Run `{command}` on the server to install it.",
    Hint.FREE_DATA_FOLDER: "Try again when it has ended, or set RESIFT_DATA_DIR to another folder on the server.",
    Hint.STOP_ENGINE: "Run `resift stop` on the server, or set RESIFT_DATA_DIR to another folder there.",
}
"""What to do next, in paths and fields of requests."""


class ErrorDetails(BaseModel):
    """An error as OpenAI's clients read it."""

    type: Annotated[str, Field(description="A word for programs, such as `not_found`")]
    message: str


class Problem(BaseModel):
    """An error. The message stands in each of the places where the vendors' clients look for it."""

    message: Annotated[str, Field(description="What happened, and what to do next")]
    error: ErrorDetails
    detail: str


def status_of(error: ResiftError) -> HTTPStatus:
    """Return the status for an error of ours."""
    kinds = (STATUSES[each] for each in type(error).__mro__ if each in STATUSES)
    return next(kinds, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for an error, without secrets and of limited length."""
    text = cut_middle(encodable(SECRETS.mask(message)), MAX_MESSAGE_CHARACTERS)
    return refusal(status, text, headers=headers)


def without_place(error: RequestValidationError) -> list[dict[str, Any]]:
    """Return pydantic's problems, each at its place in the body or among the parameters."""
    return [{**each, "loc": each["loc"][1:]} for each in error.errors()]


async def _on_own_error(_: Request, error: Any) -> Response:
    wait_s = ceil(error.retry_after_s) if isinstance(error, Unavailable) else 0
    return problem(status_of(error), error.text(HINTS), headers={"Retry-After": str(wait_s)} if wait_s else None)


async def _on_http_error(request: Request, error: Any) -> Response:
    """Answer an error of the protocol, such as an unknown path."""
    status, message = HTTPStatus(error.status_code), str(error.detail)
    if message == status.phrase:
        path, methods = cut(request.url.path), _methods_of(request)
        message = {
            HTTPStatus.NOT_FOUND: f"There is no path {path}. GET /openapi.json lists the paths.",
            HTTPStatus.METHOD_NOT_ALLOWED: f"{path} does not accept {cut(request.method)}. Use "
            f"{methods.replace(', ', ' or ') or 'another method'}. See GET /openapi.json.",
        }.get(status, f"{message}.")
    headers = error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_of(request)):
        headers = {"Allow": methods}
    return problem(status, message, headers=headers)


def _methods_of(request: Request) -> str:
    """Return the methods that the description gives for a path. The framework names those of its first route only."""
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), request.url.path):
            return ", ".join(sorted(method.upper() for method in operations))
    return ""


async def _on_invalid_parameters(_: Request, error: Any) -> Response:
    """Answer parameters of a URL that cannot be used."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, describe_problems(without_place(error), known=()))


async def _on_defect(_: Request, __: Any) -> Response:
    """Answer a request that failed by a fault of ours; the server logs the exception."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Resift failed to answer. Its log has the reason.")


ERROR_HANDLERS: Mapping[type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    ResiftError: _on_own_error,
    HTTPException: _on_http_error,
    RequestValidationError: _on_invalid_parameters,
    Exception: _on_defect,
}
"""For an application that includes the router."""
