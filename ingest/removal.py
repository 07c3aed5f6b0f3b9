"""Removing documents and collections."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import anyio

from ..core.citations import Citation
from ..core.errors import CollectionBusy, Hint, InvalidInput, StoreBusy, StoreError
from ..search.named_documents import candidates, document_ids, ending_in, find_documents, nearest_document
from ..search.path_filters import PathFilter, resolve_paths
from ..search.relative_paths import NO_FOLDERS, RelativePaths
from ..search.unmatched import reasons_for_nothing
from ..store.collection import Collection, Store, named_documents
from ..store.feedback_log import FeedbackLog
from ..store.fields import TEXT
from ..store.filters import FIRST_PASSAGES, All, AnyOf, Condition, Either, Not, parse_filter
from .job import WriteLocks

WRITERS_WITHIN_S = 10.0  # how long others may go on writing to a collection of which something is to be removed

MAX_NEAR = 5  # names that are not found for which similar ones are looked for

NO_MATCH = "None of the named documents matches the filter."


@dataclass(frozen=True, slots=True)
class Removed:
    """How many documents and passages were removed, and which of the given ids are not in the collection."""

    documents: int
    passages: int
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences on what was not found, and on other problems; what is counted was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Going:
    """What is to be removed from a collection."""

    collection: Collection
    parts: Sequence[Condition] = ()
    """Conditions that together hold for all passages of the documents; none if only unknown ids were given."""
    documents: int = 0
    filter: PathFilter | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Remover:
    """Removes documents, or whole collections, from a store."""

    def __init__(
        self,
        store: Store,
        locks: WriteLocks,
        feedback: FeedbackLog | None = None,
        *,
        paths: RelativePaths = NO_FOLDERS,
    ) -> None:
        self._store = store
        self._paths = paths
        self._locks = locks
        self._feedback = feedback
        self.wait_s = WRITERS_WITHIN_S
        """How long to wait for others that write to the collection."""

    def with_paths(self, paths: RelativePaths) -> "Remover":
        """Return a remover from the same store for which paths are relative to other folders."""
        other = copy(self)
        other._paths = paths
        return other

    async def count(
        self, name: str, *, document_ids: Sequence[str], filter_: Mapping[str, Any], everything: bool = False
    ) -> Removed:
        """Return what `remove` would remove now. It raises what `remove` raises, and changes nothing."""
        _check_criteria(document_ids, filter_, everything=everything)
        if everything:
            return await self._size(name)
        going = await self._going(name, document_ids, filter_)
        return await self._removed(going, sum([await going.collection.count(part) for part in going.parts]))

    async def drop(self, name: str) -> Removed:
        """Delete a collection with all its documents, even if it was written with another model.

        Raises:
            NotFound: There is no collection of that name.
            CollectionBusy: Others do not stop writing to it.
        """
        async with self._writing(name):
            removed = await self._size(name)
            await self._store.drop(name)
            if self._feedback is not None:
                await self._feedback.forget(name)
            return removed

    async def _size(self, name: str) -> Removed:
        try:
            collection = await self._store.open(name)
            return Removed(await collection.documents() or 0, passages=await collection.count())
        except StoreBusy:
            raise
        except StoreError as error:  # a damaged collection cannot be counted, but it can be deleted
            return Removed(0, passages=0, notes=(f"Its documents could not be counted: {error.args[0]}",))

    async def remove(
        self, name: str, *, document_ids: Sequence[str], filter_: Mapping[str, Any], everything: bool = False
    ) -> Removed:
        """Remove the documents that have one of the ids and match the filter; either may be empty.

        A document matches if one of its passages does, and goes with all of them. With `everything` the collection
        itself is deleted.

        Raises:
            NotFound: There is no collection of that name.
            InvalidInput: No ids, filter or `everything` was given, or `everything` together with one of the others;
                a place in a document, or "not" around a condition on the text, was given; or the collection would be
                left without documents.
            CollectionBusy: Others do not stop writing to it.
        """
        _check_criteria(document_ids, filter_, everything=everything)
        if everything:
            return await self.drop(name)
        async with self._writing(name):
            going = await self._going(name, document_ids, filter_)
            passages = sum([await going.collection.remove(part) for part in going.parts])
            unflushed = await _flushed(going.collection) if going.parts else ()
            return await self._removed(replace(going, notes=going.notes + unflushed), passages)

    @asynccontextmanager
    async def _writing(self, name: str) -> AsyncGenerator[None]:
        """Keep others from writing to a collection, once they have stopped."""
        lock = self._locks[name]
        try:
            lock.acquire_nowait()
        except anyio.WouldBlock:
            try:
                with anyio.fail_after(self.wait_s):
                    await lock.acquire()
            except TimeoutError:
                raise CollectionBusy(
                    f"Another call writes to collection {name!r}. Nothing was deleted. Try again when it has ended."
                ) from None
        try:
            yield
        finally:
            lock.release()

    async def _going(self, name: str, document_ids: Sequence[str], filter_: Mapping[str, Any]) -> "_Going":
        """Return what has one of the ids and matches the filter."""
        collection = await self._store.open(name)
        collection.manifest.check_writable(name)
        named = await self._named(collection, document_ids)
        missing = tuple(each for each in document_ids if each not in named)
        going = _Going(collection=collection, missing=missing, notes=await self._near(collection, missing))
        if document_ids and not named:
            return going
        resolved = await self._filter(collection, filter_)
        parts = await _of_whole_documents(collection, _conditions(list(named.values()), resolved.where))
        documents = await _count_to_remove(collection, parts)
        return replace(going, filter=resolved, parts=parts, documents=documents)

    async def _removed(self, going: "_Going", passages: int) -> Removed:
        """Return what was removed, with the reason if that is nothing."""
        notes = going.notes
        if going.filter is not None and not passages:
            notes += tuple(await reasons_for_nothing(going.collection, going.filter, self._paths)) or (NO_MATCH,)
        return Removed(going.documents, passages=passages, missing=going.missing, notes=notes)

    async def _named(self, collection: Collection, names: Sequence[str]) -> dict[str, str]:
        """Return the ids of the documents with these names, by name."""
        named = await find_documents(collection, self._paths, names)
        _check_whole([each.citation for each in named.values()])
        return {name: each.id for name, each in named.items()}

    async def _near(self, collection: Collection, missing: Sequence[str]) -> tuple[str, ...]:
        """Return which documents may be meant by names that are not found. Deleting takes no guess, so it only asks."""
        ids = await document_ids(collection) if missing else []
        near = {name: self._meant(ids, name) for name in missing[:MAX_NEAR]}
        return tuple(f"No document {name!r}.{meant}" for name, meant in near.items() if meant)

    def _meant(self, ids: Sequence[str], name: str) -> str:
        if found := ending_in(ids, name):
            return f" Did you mean {candidates([self._paths.shorten(each) for each in found])}?"
        return nearest_document(ids, self._paths, name)

    async def _filter(self, collection: Collection, filter_: Mapping[str, Any]) -> PathFilter:
        """Return the filter with relative paths replaced, if they stand for one place each: deleting takes no guess."""
        where = parse_filter(filter_, collection.manifest.fields)
        resolved = await resolve_paths(collection, self._paths, where)
        if resolved.guesses:
            raise InvalidInput(f"Nothing was deleted. {resolved.guesses[0]} Give the whole path.")
        _check_whole(resolved.citations)
        _check_text(where)
        return resolved


def _check_criteria(document_ids: Sequence[str], filter_: Mapping[str, Any], *, everything: bool) -> None:
    if everything and (document_ids or filter_):
        raise InvalidInput("To delete the whole collection, leave out the document ids and the filter.")
    if not (everything or document_ids or filter_):
        raise InvalidInput("Nothing to delete was given.", hint=Hint.NAME_DOCUMENTS)


def _check_whole(citations: Sequence[Citation]) -> None:
    """Refuse what names a part of a document: whoever gives it may not want the rest to go."""
    if place := next((each for each in citations if each.first), None):
        raise InvalidInput(
            f"Nothing was deleted. '{place}' is a place in a document, and only whole documents can be deleted. "
            f"To delete it all, give {place.source!r} without the place."
        )


async def _flushed(collection: Collection) -> tuple[str, ...]:
    """Force the removal to disk; a failure becomes a note, because the documents are removed already."""
    try:
        await collection.flush()
    except StoreError as error:
        return (f"The documents were deleted, but the index could not be flushed to disk: {error.args[0]}",)
    return ()


def _conditions(document_ids: Sequence[str], where: Condition | None) -> All:
    conditions: list[Condition] = [AnyOf("document_id", tuple(dict.fromkeys(document_ids)))] if document_ids else []
    return All((*conditions, *([] if where is None else [where])))


async def _of_whole_documents(collection: Collection, where: All) -> list[Condition]:
    """Return conditions that together hold for all passages of the documents of which `where` holds for one."""
    if not _is_on_text(where):
        return [where]
    found = await collection.sample("document_id", where, passages=await collection.count(where))
    return [each for each in named_documents(list(dict.fromkeys(found))) if each is not None]


def _check_text(condition: Condition | None) -> None:
    """Refuse "not" around a condition on the text: some passage meets it in almost every document."""
    match condition:
        case Not() if _is_on_text(condition.condition):
            raise InvalidInput(
                "Nothing was deleted. \"not\" around a condition on 'text' holds for single passages, and only whole "
                "documents can be deleted. Search for the documents that are to go, and give their ids."
            )
        case All() | Either():
            for each in condition.conditions:
                _check_text(each)
        case _:
            pass


def _is_on_text(condition: Condition) -> bool:
    """Return whether a condition can hold for some passages of a document and not for others."""
    match condition:
        case Not():
            return _is_on_text(condition.condition)
        case All() | Either():
            return any(map(_is_on_text, condition.conditions))
        case _:
            return condition.field == TEXT


async def _count_to_remove(collection: Collection, parts: Sequence[Condition]) -> int:
    documents = sum([await collection.count(All((part, FIRST_PASSAGES))) for part in parts])
    if documents and documents == await collection.count(FIRST_PASSAGES):
        these = "This is the only document" if documents == 1 else f"These are all {documents:,} documents"
        raise InvalidInput(
            f"{these} of collection {collection.name!r}. Nothing was deleted.",
            hint=Hint.DELETE_COLLECTION,
        )
    return documents
