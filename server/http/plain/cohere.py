"""Rerankers in the shape of Cohere and Jina: `POST /v1/rerank` and `POST /v2/rerank`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ....api.requests import MAX_PASSAGES
from ....api.resift import Resift
from ....api.texts import Texts
from ....core.errors import InvalidInput, ModelUnavailable
from ....core.text import listed
from ....core.values import Hit
from ....pipeline.page import Page
from ....pipeline.request import DEFAULT
from .bodies import answer_json, shown

VENDOR_MODELS = ("rerank-", "jina-reranker-", "jina-colbert-")
"""Beginnings of the names of Cohere's and Jina's models. Clients of theirs have to send one."""

MAX_DOC_TOKENS = 4_096  # Cohere's default

RERANKINGS = {
    "Cohere and Jina": {
        "model": "default",
        "query": "what do bees do",
        "documents": ["The pump hums at night.", "Bees dance to tell where flowers are."],
        "top_n": 1,
    },
    "Documents as objects, and returned": {
        "query": "what do bees do",
        "documents": [{"text": "The pump hums."}, {"text": "Bees dance.", "page": 7}],
        "return_documents": True,
    },
}


class RerankBody(BaseModel):
    """Documents to rerank, as Cohere's and Jina's clients send them."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(description="What to find; a full question works best")]
    documents: Annotated[
        list[str | dict[str, JsonValue]],
        Field(description=f"1-{MAX_PASSAGES} texts, or objects with a `text`", min_length=1, max_length=MAX_PASSAGES),
    ]
    model: Annotated[
        str | None, Field(description="A reranker of the server, or the name of a model of Cohere's or Jina's")
    ] = None
    top_n: Annotated[int | None, Field(description="Results to return; by default all", ge=1)] = None
    return_documents: Annotated[bool | None, Field(description="Whether results have their documents")] = None
    max_tokens_per_doc: Annotated[int | None, Field(description="Tokens read of each document", ge=1)] = None
    rank_fields: Annotated[list[str] | None, Field(description="Fields of objects to read, in order")] = None
    instruction: Annotated[
        str | None, Field(description="What counts as relevant, for rerankers that follow instructions")
    ] = None
    max_chunks_per_doc: Annotated[int | None, Field(description="Accepted from Cohere's clients, not used")] = None
    priority: Annotated[int | None, Field(description="Accepted from Cohere's clients, not used")] = None
    truncation: Annotated[bool | None, Field(description="Accepted from Jina's clients, not used")] = None
    truncate_prompt_tokens: Annotated[int | None, Field(description="Accepted from vLLM's clients, not used")] = None
    user: Annotated[str | None, Field(description="Accepted from vLLM's clients, not used")] = None


class RerankedDocument(BaseModel):
    """The place of a document in the list, and how relevant it is."""

    index: Annotated[int, Field(description="Position in `documents`, from 0")]
    relevance_score: Annotated[
        float, Field(description="Probability that it answers, 0-1; 1/rank if the reranker only orders")
    ]
    document: dict[str, JsonValue] | None = None


class RerankMeta(BaseModel):
    """What Cohere's clients read beside the results."""

    api_version: Annotated[dict[str, str], Field(description="`version`")]
    tokens: Annotated[dict[str, int], Field(description="`input_tokens`")]
    warnings: Annotated[list[str], Field(description="Such as documents that were cut")] = []


class RerankResponse(BaseModel):
    """The documents in order, best first."""

    id: str
    model: Annotated[str, Field(description="The model that scored last")]
    object: str
    results: list[RerankedDocument]
    meta: RerankMeta
    usage: Annotated[dict[str, int], Field(description="`total_tokens` and `prompt_tokens`: documents and query")]


def add_rerank(router: APIRouter, resift: Resift, texts: Texts) -> None:
    """Add the paths."""

    @router.post("/v2/rerank", response_model=RerankResponse, response_model_exclude_none=True, tags=["models"])
    @router.post("/v1/rerank", response_model=RerankResponse, response_model_exclude_none=True, tags=["models"])
    async def rerank(
        body: Annotated[RerankBody, Body(openapi_examples=shown(RERANKINGS))], request: Request
    ) -> Response:
        """Put texts in order of relevance to a query, in the shape of Cohere's v1 and v2 and of Jina's.

        Point their clients here by base URL. `model` is the name of a reranker of this server, as `GET /v1/models`
        lists them. The names of Cohere's and Jina's own models stand for the default reranker, and the answer names
        the model that was used; other names are refused. The order of `results` counts: where a language model or
        several stages reorder, the scores are those of the last stage that scores, or 1/rank if none does. A reranker
        that fails is an error, because the order of the list would say nothing.
        """
        documents = await _texts_of(body, texts)
        page = await resift.rerank(
            body.query,
            documents,
            limit=min(body.top_n or len(documents), len(documents)),
            reranker=reranker_named(body.model or "", resift.rerankers),
            instruction=body.instruction or "",
        )
        version = request.url.path.strip("/").partition("/")[0].removeprefix("v")
        tokens = await texts.count([*documents, *[body.query] * len(documents)])
        return answer_json(_answer(page, body, version=version, tokens=tokens))


def reranker_named(name: str, known: Sequence[str]) -> str:
    """Return the reranker that a request means; a model of Cohere's or Jina's is the default one."""
    if name and name not in known and name.rpartition("/")[2].lower().startswith(VENDOR_MODELS):
        return DEFAULT
    return name or DEFAULT


def scored_hits(page: Page) -> Sequence[Hit]:
    """Return the hits of a ranking, each of which has a relevance: 1/rank where a model only put them in order.

    Raises:
        InvalidInput: The reranker cannot read the query, so that the order is that of the request.
        ModelUnavailable: It failed for another reason.
    """
    if any(hit.relevance is None for hit in page):
        if any(stage.kind == "rank" and stage.returned for stage in page.stages):
            return [replace(hit, relevance=1 / hit.rank) for hit in page]
        why = f"The documents were not reranked. {' '.join(page.notes)}"
        if page.ranking.unread:
            raise InvalidInput(why)
        raise ModelUnavailable(f"{why} Try again later.")
    return page.hits


def model_used(page: Page) -> str:
    """Return the name of the model that ordered last."""
    used = [stage.model for stage in page.stages if stage.returned]
    return used[-1] if used else ""


async def _texts_of(body: RerankBody, texts: Texts) -> list[str]:
    """Return what is to be read of each document.

    Raises:
        InvalidInput: A document has no text.
    """
    found = [each if isinstance(each, str) else _text_of(each, body.rank_fields) for each in body.documents]
    if blank := [place for place, text in enumerate(found) if not text.strip()]:
        raise InvalidInput(
            f"Documents without text, by position in `documents`, from 0: {listed(blank)}. A document is a string, or "
            'an object such as {"text": "..."}; `rank_fields` names other fields to read.'
        )
    return await texts.shorten(found, tokens=body.max_tokens_per_doc or MAX_DOC_TOKENS)


def _text_of(document: dict[str, JsonValue], fields: Sequence[str] | None) -> str:
    """Return a document's text, or those of its fields that are to be read, one a line."""
    values = [document.get(name) for name in fields or ("text",)]
    return "\n".join(str(value) for value in values if isinstance(value, str | int | float))


def _answer(page: Page, body: RerankBody, *, version: str, tokens: int) -> dict[str, Any]:
    results = [
        {"index": (hit.was or hit.rank) - 1, "relevance_score": round(hit.relevance or 0.0, 6)}
        for hit in scored_hits(page)
    ]
    if body.return_documents:
        results = [{**each, "document": _object(body.documents[int(each["index"])])} for each in results]
    meta = {"api_version": {"version": version}, "tokens": {"input_tokens": tokens}}
    return {
        "id": str(uuid4()),
        "model": model_used(page),
        "object": "list",
        "results": results,
        "meta": {**meta, "warnings": list(page.notes)} if page.notes else meta,
        "usage": {"total_tokens": tokens, "prompt_tokens": tokens},
    }


def _object(document: str | dict[str, JsonValue]) -> dict[str, Any]:
    return {"text": document} if isinstance(document, str) else document
