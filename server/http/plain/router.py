"""The router of the plain HTTP API, and how an application takes it in."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.routing import BaseRoute

from ....api.resift import Resift
from ....api.texts import Texts
from .bodies import JsonRoute
from .cohere import add_rerank
from .failures import ERROR_HANDLERS, Problem
from .feedback_path import add_feedback
from .job_paths import add_jobs
from .openai import add_embeddings
from .search import add_delete, add_search
from .tei import add_tei

DESCRIPTION = """\
Search-and-rerank over your own documents. Rerankers and embeddings have the shapes of Cohere, Jina, TEI and OpenAI, so
that their clients work by base URL. Bodies are JSON; unknown fields are refused, and the message names the known ones.
"""

TAGS = [
    {"name": "collections", "description": "Search collections of documents, and fill them."},
    {"name": "models", "description": "Rerankers and embeddings in the shapes of their vendors."},
]

ERRORS: Mapping[int, str] = {
    400: "The body is not JSON.",
    401: "There is no token, or it is wrong or expired.",
    403: "The token may not do this, or the request comes from a web page that may not use the server.",
    404: "There is no such collection, document, job, search or model.",
    405: "The path does not take this method. `Allow` names those that it takes.",
    408: "The request did not arrive in time.",
    409: "The collection cannot be used as it is: it was written with another encoder, is damaged, or an ingestion "
    "into it has to end first.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    421: "The name in the header `Host` is not one of the server: see `RESIFT_HTTP__ALLOWED_HOSTS`.",
    422: "A field is unknown, missing or cannot be used, or nothing could be ingested, for example because all "
    "paths are outside the folders that the server may read.",
    429: "Too many requests with this token. `Retry-After` says how long to wait.",
    500: "The server failed. Its log has the reason.",
    503: "The server, its store or a model does not answer now. The same request may succeed later.",
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning} for status, meaning in ERRORS.items()
}


def plain_router(resift: Resift) -> APIRouter:
    """Return the paths of the plain API. The application that includes them has to install `ERROR_HANDLERS`."""
    bearer = HTTPBearer(
        auto_error=False, description="A token of the server, if it was given any. The application checks it."
    )
    router = APIRouter(route_class=JsonRoute, responses=RESPONSES, dependencies=[Security(bearer)])
    texts = Texts(resift.engine)
    add_jobs(router, resift)
    add_search(router, resift)
    add_feedback(router, resift)
    add_delete(router, resift)  # the last of these, because the examples of the others need what it deletes
    add_rerank(router, resift, texts)
    add_tei(router, resift)
    add_embeddings(router, resift, texts)
    return router


def add_plain_api(app: FastAPI, resift: Resift) -> list[BaseRoute]:
    """Add the plain API, its description and its answers to errors to an application, and return its routes."""
    router = plain_router(resift)
    app.include_router(router)
    for kind, handler in ERROR_HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.description, app.openapi_tags = DESCRIPTION, TAGS
    return router.routes
