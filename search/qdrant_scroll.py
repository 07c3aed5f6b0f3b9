"""Reading many points of a collection at a Qdrant server, a page a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from .qdrant_connection import QdrantConnection

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.models import Filter, Record

PAGE = 1000  # records per request, of a few fields
PAGE_WHOLE = 128  # records with text and vectors: some 2 MB


async def scroll(
    connection: QdrantConnection,
    name: str,
    condition: Filter | None,
    *,
    limit: int,
    payload: bool | list[str],
    vectors: bool = False,
) -> AsyncIterator[Record]:
    """Yield the records that meet the condition, with these keys of their payload."""
    offset = None

    def page(client: AsyncQdrantClient) -> Any:
        return client.scroll(name, condition, limit=limit, offset=offset, with_payload=payload, with_vectors=vectors)

    while True:
        records, offset = await connection.ask(page)
        for record in records:
            yield record
        if offset is None:
            return
