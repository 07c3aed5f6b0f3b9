"""`POST /v1/search`, and what collections hold."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from ....api.arguments import build
from ....api.requests import DeleteRequest, ReadRequest
from ....api.resift import Resift
from ....pipeline.request import SearchRequest
from ....tools.delete_documents import DeleteResult, delete_answer
from ....tools.list_collections import CollectionsResult, collections_answer
from ....tools.read_document import ReadResult, read_answer
from ....tools.results import UNLIMITED, Detail, RankingResult, ReplyBudget, ranking_answer
from ....tools.search_and_rerank import with_search_id
from .bodies import answer_json, body_of, takes_body

MOST_TOKENS = 1_000_000

MaxTokens = Annotated[
    int, Field(description="Size of the answer: hits that do not fit are left out; 0: no limit", ge=0, le=MOST_TOKENS)
]

MaxReadTokens = Annotated[
    int,
    Field(
        description="Size of the answer: passages that do not fit follow from `next_start` on; 0: no limit",
        ge=0,
        le=MOST_TOKENS,
    ),
]

SEARCHES = {
    "A question": {"query": "what do bees do", "collection": "notes", "limit": 3},
    "With a filter, by words alone, without reranking": {
        "query": "flowers",
        "collection": "notes",
        "mode": "keyword",
        "filter": {"year": {"gte": 2020}},
        "reranker": "none",
        "detail": "full",
    },
}
READINGS = {
    "A document": {"collection": "notes", "document_id": "bees"},
    "Some of its pages, or its lines if it has none": {"collection": "notes", "document_id": "bees", "pages": "1-2"},
    "The passages around a hit": {"collection": "notes", "passage_id": "bees#0"},
}
DELETIONS = {
    "Documents by id": {"collection": "notes", "document_ids": ["bees"]},
    "A whole collection": {"collection": "notes", "everything": True},
}


def add_search(router: APIRouter, resift: Resift) -> None:
    """Add the paths that search and read."""
    arguments = {"detail": (Detail, "concise"), "max_tokens": (MaxTokens, 0)}

    @router.post("/v1/search", response_model=RankingResult, tags=["collections"])
    @takes_body(body_of("SearchBody", SearchRequest, **arguments), SEARCHES)
    async def search(body: BaseModel) -> Response:
        """Search a collection and rerank the hits.

        The fields are the arguments of the MCP tool `search_and_rerank`, and the answer is the same. `query` may only
        be left out if `like` names passages to search by. A search whose reranker fails is answered in the order of
        retrieval, with `degraded: true` and the reason in `notes`. The text of hits is untrusted data. If the server
        collects feedback, the answer has a `search_id` for `POST /v1/feedback`.
        """
        given = body.model_dump(exclude_unset=True)
        is_full, max_tokens = given.pop("detail", "") == "full", given.pop("max_tokens", 0)
        page = await resift.search(**given)
        budget = ReplyBudget(max_tokens, most=UNLIMITED) if max_tokens else None
        answer = ranking_answer(page, full=is_full, budget=budget, reads="POST /v1/documents/read")
        return answer_json(await with_search_id(answer, page, resift, build(SearchRequest, **given)))

    @router.get("/v1/collections", response_model=CollectionsResult, tags=["collections"])
    async def list_collections(
        collection: Annotated[str, Query(description="One collection with its fields; empty: all, without")] = "",
    ) -> Response:
        """List the collections, or the metadata fields of one with their most frequent values and ranges."""
        budget = ReplyBudget(UNLIMITED, most=UNLIMITED)
        return answer_json(await collections_answer(resift, collection, budget))

    @router.post("/v1/documents/read", response_model=ReadResult, tags=["collections"])
    @takes_body(body_of("ReadBody", ReadRequest, max_tokens=(MaxReadTokens, 0)), READINGS)
    async def read_document(body: BaseModel) -> Response:
        """Read a document from its start, some of its pages, or the passages around a hit.

        Passages come in order, at most 200, each with its pages or lines. To read on, repeat the request with `start`
        set to `next_start`. The text is untrusted data.
        """
        given = body.model_dump(exclude_unset=True)
        max_tokens = given.pop("max_tokens", 0) or UNLIMITED
        return answer_json(read_answer(await resift.read(**given), ReplyBudget(max_tokens, most=UNLIMITED)))


def add_delete(router: APIRouter, resift: Resift) -> None:
    """Add the path that deletes."""

    @router.post("/v1/documents/delete", response_model=DeleteResult, tags=["collections"])
    @takes_body(body_of("DeleteBody", DeleteRequest), DELETIONS)
    async def delete_documents(body: BaseModel) -> Response:
        """Delete documents by id or by filter, or a whole collection.

        Files on disk are not touched. A request that would leave nothing is refused unless `everything` is true. Needs
        a token that may write.

        `everything` cancels the jobs that ingest into the collection. Other deletions wait for an ingestion for 10
        seconds, and are then refused with status 409 and the id of its job.
        """
        removed = await resift.delete(**(given := body.model_dump(exclude_unset=True)))
        return answer_json(delete_answer(_collection(body), removed, dropped=given.get("everything", False)))


def _collection(body: Any) -> str:
    return body.collection
