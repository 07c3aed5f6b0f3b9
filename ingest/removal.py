"""One writer at a time to a collection, whoever it is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from ..core.errors import InvalidInput, StoreBusy, StoreError
from ..store.feedback_log import FeedbackLog
from ..store.filters import FIRST_PASSAGES, All, AnyOf, Condition, parse_filter
from ..store.protocols import Collection, Store


class WriteLocks:
    """A lock per collection name."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    def __getitem__(self, collection: str) -> anyio.Lock:
        return self._locks[collection]


@dataclass(frozen=True, slots=True)
class Removed:
    """How many documents and passages went, and which of the ids asked for were not there."""

    documents: int
    passages: int
    missing: tuple[str, ...] = ()


class Remover:
    """Takes documents, or whole collections, out of a store."""

    def __init__(self, store: Store, locks: WriteLocks, feedback: FeedbackLog | None = None) -> None:
        self._store = store
        self._locks = locks
        self._feedback = feedback

    async def drop(self, name: str) -> Removed:
        """Delete a collection with all it holds, whatever model it was written with.

        Raises:
            NotFound: When there is none of that name.
        """
        async with self._locks[name]:
            removed = await self._size(name)
            await self._store.drop(name)
            if self._feedback is not None:
                await self._feedback.forget(name)
            return removed

    async def _size(self, name: str) -> Removed:
        try:
            collection = await self._store.open(name)
            return Removed(await collection.documents() or 0, await collection.count())
        except StoreBusy:
            raise
        except StoreError:  # damaged: nobody can count it, and it shall go all the same
            return Removed(0, 0)

    async def remove(
        self, name: str, *, document_ids: Sequence[str], filter_: Mapping[str, Any], everything: bool = False
    ) -> Removed:
        """Remove the documents that have one of the ids and meet the filter, either may be left out; or `everything`.

        Raises:
            NotFound: When there is no such collection.
            InvalidInput: When none of the three is given, or `everything` beside others; or when nothing would be left.
        """
        if everything:
            if document_ids or filter_:
                raise InvalidInput("`everything` deletes the whole collection: leave out ids and filter.")
            return await self.drop(name)
        if not document_ids and not filter_:
            raise InvalidInput("Say what to delete: document_ids, a filter, or everything=true for the collection.")
        async with self._locks[name]:
            collection = await self._store.open(name)
            collection.manifest.check_writable(name)
            present = await collection.entries(document_ids) if document_ids else {}
            missing = tuple(each for each in document_ids if each not in present)
            if document_ids and not present:
                return Removed(0, 0, missing)
            where = _conditions(tuple(present), filter_, collection)
            documents = await _count_to_remove(collection, where)
            passages = await collection.remove(where)
            await collection.flush()
            return Removed(documents, passages, missing)


def _conditions(document_ids: tuple[str, ...], filter_: Mapping[str, Any], collection: Collection) -> All:
    conditions: list[Condition] = [AnyOf("document_id", document_ids)] if document_ids else []
    if (condition := parse_filter(filter_, collection.manifest.fields)) is not None:
        conditions.append(condition)
    return All(tuple(conditions))


async def _count_to_remove(collection: Collection, where: All) -> int:
    documents = await collection.count(All((where, FIRST_PASSAGES)))
    if documents and documents == await collection.count(FIRST_PASSAGES):
        raise InvalidInput(
            f"That is all {documents} documents of collection {collection.name!r}. Nothing was deleted. To delete the "
            "collection, call again with everything=true."
        )
    return documents
