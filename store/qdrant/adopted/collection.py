"""A collection at a Qdrant server that Resift did not create: searched as it is, and never written to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any
from uuid import UUID

from ....core.errors import InvalidInput, StoreError, StoreUnavailable
from ....core.values import Passage, id_of
from ....core.vectors import AnyVector, Sparse
from ...collection import FACETED_TYPES, SAMPLE_SIZE, Collection, flattened, named_documents
from ...field_mapping import FieldMapping, keys_of, text_at, value_at
from ...fields import TEXT
from ...filters import AnyOf, Condition
from ...manifest import Manifest
from ...protocols import Entry, Leg, Point, StoredPoint
from ..connection import QdrantConnection
from ..server_engine import QdrantEngine
from .filter import compile_adopted

MAX_COUNTED = 100_000  # points to read in order to count their documents: about 100 requests


class AdoptedCollection(Collection):
    """A collection whose payloads are read through a mapping; it keeps no digests of documents."""

    def __init__(self, name: str, manifest: Manifest, mapping: FieldMapping, connection: QdrantConnection) -> None:
        engine = QdrantEngine(name, connection, indexes=None, compile_filter=partial(compile_adopted, mapping))
        super().__init__(name, manifest, engine)
        self._mapping = mapping

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; a higher score is better, whatever the collection's distance."""
        answers = await super().search([_renamed(leg, self._mapping) for leg in legs], where=where)
        return [
            answer if isinstance(leg.query, Sparse) else [(key, self._mapping.score(score)) for key, score in answer]
            for leg, answer in zip(legs, answers, strict=True)
        ]

    async def read(self, document_ids: Sequence[str]) -> list[Point]:
        """Return every passage of these documents with its vectors, in no particular order; they have no digests."""
        points = await super().read(document_ids)
        totals = Counter(point.passage.document_id for point in points)
        return [replace(point, passages=totals[point.passage.document_id]) for point in points]

    async def facet(self, field: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the most common values of a field; nothing if the server has no index to count them with."""
        if self.manifest.fields.get(field) not in FACETED_TYPES:
            return []
        try:
            return await self._engine.facet(self._mapping.fields[field], limit=limit)
        except StoreUnavailable:
            raise
        except StoreError:
            return []

    async def sample(self, field: str, where: Condition | None = None, *, passages: int = SAMPLE_SIZE) -> list[Any]:
        """Return the values of a field in some points that meet a condition."""
        path = self._path(field)
        if not path and field != "document_id":
            return []
        stored = [each async for each in self._first(passages, where, keys=_top_keys(path))]
        if field == "document_id":
            return [self._mapping.document_of(each.id, each.payload) for each in stored]
        return flattened(value_at(each.payload, path) for each in stored)

    async def paths(self, field: str, *, documents: int) -> list[str]:
        """Return the sources or document ids of some points, without repeats."""
        return list(dict.fromkeys(map(str, await self.sample(field, passages=documents))))

    async def documents(self) -> int | None:
        """Return the number of documents; None if documents have several points and there are too many to read."""
        passages = await self.count()
        if not self._mapping.document:
            return passages
        return len(await self.entries()) if passages <= MAX_COUNTED else None

    def point_of(self, passage_id: str) -> UUID:
        """Return the point id of a passage; in an adopted collection, the passage id is the point id.

        Raises:
            InvalidInput: The id is neither a number nor a UUID.
        """
        try:
            return id_of(passage_id)
        except ValueError as error:
            raise InvalidInput(
                f"{passage_id!r} is not a passage id of {self.name!r}, an adopted collection: its passage ids are the "
                "ids of its points, numbers or UUIDs. Take one from a hit."
            ) from error

    async def points_in(self, document_id: str) -> list[UUID]:
        """Return the point ids of a document's passages, ordered by the field for that, else by id."""
        order = self._mapping.order
        found: list[tuple[float, int, UUID]] = []
        async for stored in self._scroll(AnyOf("document_id", (document_id,)), keys=_top_keys(order)):
            position = value_at(stored.payload, order)
            found.append((position if isinstance(position, int | float) else inf, len(found), stored.key))
        return [key for _, _, key in sorted(found)]

    async def entries(self, document_ids: Sequence[str] | None = None) -> dict[str, Entry]:
        """Return the documents by id: those named, or all; they have no digests."""
        mapping = self._mapping
        found: dict[str, Entry] = {}
        for named in named_documents(document_ids):
            async for stored in self._scroll(named, keys=_top_keys(mapping.document, mapping.source)):
                document = mapping.document_of(stored.id, stored.payload)
                known = found.get(
                    document, Entry(digest="", passages=0, source=text_at(stored.payload, mapping.source))
                )
                found[document] = replace(known, passages=known.passages + 1)
        return found

    def _path(self, field: str) -> str:
        """Return the path of a metadata or built-in field; "" if the payload has none."""
        mapping = self._mapping
        built_in = {
            "title": mapping.title,
            TEXT: mapping.text,
            "source": mapping.source,
            "document_id": mapping.document,
        }
        return built_in[field] if field in built_in else mapping.fields.get(field, "")

    def _passage(self, stored: StoredPoint) -> Passage:
        return self._mapping.passage(stored.id, stored.payload)

    def _point(self, stored: StoredPoint) -> Point:
        return Point(passage=self._passage(stored), digest="", passages=0, vectors=self._vectors(stored))

    def _vector_names(self) -> Mapping[str, str]:
        return self._mapping.vectors

    def _vectors(self, stored: StoredPoint) -> dict[str, AnyVector]:
        return {name: _scaled(vector) for name, vector in super()._vectors(stored).items()}


def _renamed(leg: Leg, mapping: FieldMapping) -> Leg:
    among = [_renamed(each, mapping) for each in leg.among]
    return replace(leg, vector=mapping.vectors[leg.vector], among=among)


def _scaled(vector: AnyVector) -> AnyVector:
    import numpy as np

    if not isinstance(vector, np.ndarray):
        return vector
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if length else vector


def _top_keys(*paths: str) -> list[str]:
    """Return the top-level payload keys under which these paths lie."""
    return sorted({keys_of(path)[0] for path in paths if path})
