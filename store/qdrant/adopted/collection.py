"""A collection at a Qdrant server that Resift did not make: searched as it is, and never written to."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import numpy as np

from ....core.errors import Hint, InvalidInput, NotFound, StoreError, StoreUnavailable
from ....core.values import Passage, id_of
from ....core.vectors import AnyVector, Sparse, read_vector, spec_of
from ...field_mapping import UNNAMED, FieldMapping, keys_of, text_at, value_at
from ...filters import All, AnyOf, Condition
from ...index_options import IndexOptions
from ...manifest import Manifest
from ...protocols import Entry, Leg, Point, Say
from ...queries import suited
from ..connection import QdrantConnection
from ..manifests import keep_manifest_of, read_manifest_of
from ..wire import PAGE, PAGE_WHOLE, scroll, to_id, to_query
from .filter import compile_adopted

if TYPE_CHECKING:
    from qdrant_client.models import Filter, Record


MOST_COUNTED = 100_000  # points whose documents are told apart to count them: some 100 requests


class AdoptedCollection:
    """A collection and where its parts lie; see the protocols in `store` for what the methods promise."""

    def __init__(self, name: str, manifest: Manifest, connection: QdrantConnection) -> None:
        self.name = name
        self.manifest = manifest
        self._connection = connection

    @property
    def _adopted(self) -> FieldMapping:
        if self.manifest.adopted is None:
            raise NotFound(f"Collection {self.name!r} is no longer adopted.", hint=Hint.ADOPT, collection=self.name)
        return self.manifest.adopted

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; scores are such that more is better, whatever the distance."""
        adopted, condition = self._adopted, self._compiled(where)
        requests = [to_query(_renamed(leg, adopted), condition, suited(self.manifest.storage, where)) for leg in legs]
        answers = await self._connection.ask(lambda client: client.query_batch_points(self.name, requests))
        found: list[list[tuple[UUID, float]]] = []
        for leg, answer in zip(legs, answers, strict=True):
            is_sparse = isinstance(leg.query, Sparse)
            scores = [point.score if is_sparse else adopted.score(point.score) for point in answer.points]
            found.append([(id_of(point.id), score) for point, score in zip(answer.points, scores, strict=True)])
        return found

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`."""
        records = await self._retrieve(ids, payload=True)
        return {id_of(record.id): self._adopted.passage(record.id, record.payload or {}) for record in records}

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it, scaled to length 1 if dense.

        Raises:
            InvalidInput: When the collection has no vector of that name.
        """
        spec_of(self.manifest.vectors, name)
        theirs = self._adopted.vectors[name]
        records = await self._retrieve(ids, payload=False, vectors=[theirs] if theirs else True)
        found = {id_of(record.id): self._vectors(record) for record in records}
        return {key: vectors[name] for key, vectors in found.items() if name in vectors}

    async def read(self, document_ids: Sequence[str]) -> list[Point]:
        """Return every passage of these documents with its vectors; they have no digests."""
        found: list[Point] = []
        async for record in self._scroll(self._among(document_ids), payload=True, vectors=True):
            passage = self._adopted.passage(record.id, record.payload or {})
            found.append(Point(passage, "", passages=0, vectors=self._vectors(record)))
        totals = Counter(point.passage.document_id for point in found)
        return [replace(point, passages=totals[point.passage.document_id]) for point in found]

    async def count(self, where: Condition | None = None) -> int:
        """Return the number of passages."""
        condition = self._compiled(where)
        answer = await self._connection.ask(lambda client: client.count(self.name, count_filter=condition, exact=True))
        return answer.count

    async def facet(self, field: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the commonest values of a field; nothing where the server has no index to count by."""
        if self.manifest.fields.get(field) not in ("keyword", "integer", "boolean"):
            return []
        path = self._adopted.fields[field]
        try:
            answer = await self._connection.ask(lambda client: client.facet(self.name, path, limit=limit, exact=True))
        except StoreUnavailable:
            raise
        except StoreError:
            return []
        return [(hit.value, hit.count) for hit in answer.hits]

    async def documents(self) -> int | None:
        """Return the number of documents; None where they share points and are too many to tell apart."""
        passages = await self.count()
        if not self._adopted.document:
            return passages
        return len(await self.entries()) if passages <= MOST_COUNTED else None

    def point_of(self, passage_id: str) -> UUID:
        """Return the point of a passage, which is cited by its point's id."""
        try:
            return id_of(passage_id)
        except ValueError as error:
            raise InvalidInput(
                f"{passage_id!r} is no passage id of {self.name!r}, whose passages go by the ids of its points: "
                "numbers or UUIDs. Take one from a hit."
            ) from error

    async def points_in(self, document_id: str) -> list[UUID]:
        """Return the points of a document's passages: by the field that orders them, else by their ids."""
        found: list[tuple[float, int, UUID]] = []
        async for record in self._scroll(self._among([document_id]), payload=_tops(self._adopted.order)):
            place = value_at(record.payload or {}, self._adopted.order)
            is_number = isinstance(place, int | float)
            found.append((place if is_number else inf, len(found), id_of(record.id)))
        return [point for _, _, point in sorted(found)]

    async def entries(self, document_ids: Sequence[str] | None = None) -> dict[str, Entry]:
        """Return the documents, by id; they have no digests."""
        adopted = self._adopted
        starts = range(0, len(document_ids or ()), PAGE)
        wanted = [None] if document_ids is None else [self._among(document_ids[at : at + PAGE]) for at in starts]
        found: dict[str, Entry] = {}
        for each in wanted:
            async for record in self._scroll(each, payload=_tops(adopted.document, adopted.source)):
                payload = record.payload or {}
                document = adopted.document_of(record.id, payload)
                before = found.get(document, Entry("", 0, text_at(payload, adopted.source)))
                found[document] = replace(before, passages=before.passages + 1)
        return found

    async def remember(self, manifest: Manifest) -> None:
        """Keep a new manifest; what others changed meanwhile stays."""
        if manifest != self.manifest:
            stored = await read_manifest_of(self._connection, self.name)
            merged = manifest.over(self.manifest, stored)
            await keep_manifest_of(self._connection, self.name, merged, over=stored)
            self.manifest = merged

    async def write(self, points: Sequence[Point]) -> None:
        """Refuse."""
        self.manifest.check_writable(self.name)

    async def remove(self, where: Condition) -> int:
        """Refuse."""
        self.manifest.check_writable(self.name)
        return 0

    async def optimize(self, storage: IndexOptions, *, say: Say) -> None:
        """Refuse: how the collection is kept is for those to say who made it."""
        self.manifest.check_writable(self.name)

    async def flush(self) -> None:
        """Do nothing: nothing is written."""

    def _compiled(self, where: Condition | None) -> Filter | None:
        return None if where is None else compile_adopted(self._adopted, where)

    def _among(self, document_ids: Sequence[str]) -> Filter:
        return compile_adopted(self._adopted, All((AnyOf("document_id", tuple(document_ids)),)))

    def _vectors(self, record: Record) -> dict[str, AnyVector]:
        """Return a record's vectors by our names; the engine gives an unnamed one that is alone without a name."""
        stored: Any = record.vector or {}
        named = cast("Mapping[str, Any]", stored if isinstance(stored, Mapping) else {UNNAMED: stored})
        specs = self.manifest.vectors
        return {
            ours: _scaled(read_vector(named[theirs], specs[ours].kind))
            for ours, theirs in self._adopted.vectors.items()
            if theirs in named and ours in specs
        }

    async def _retrieve(self, ids: Sequence[UUID], *, payload: bool, vectors: bool | list[str] = False) -> list[Record]:
        wanted = [to_id(each) for each in ids]
        return await self._connection.ask(
            lambda client: client.retrieve(self.name, wanted, with_payload=payload, with_vectors=vectors)
        )

    def _scroll(
        self, condition: Filter | None, *, payload: bool | list[str], vectors: bool = False
    ) -> AsyncIterator[Record]:
        limit = PAGE_WHOLE if vectors else PAGE
        return scroll(self._connection, self.name, condition, limit=limit, payload=payload, vectors=vectors)


def _renamed(leg: Leg, adopted: FieldMapping) -> Leg:
    among = [_renamed(each, adopted) for each in leg.among]
    return replace(leg, vector=adopted.vectors[leg.vector], among=among)


def _scaled(vector: AnyVector) -> AnyVector:
    if not isinstance(vector, np.ndarray):
        return vector
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if length else vector


def _tops(*paths: str) -> list[str]:
    """Return the keys of the payload under which the paths lie."""
    return sorted({keys_of(path)[0] for path in paths if path})
