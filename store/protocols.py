"""The seam to an engine: what a vector engine has to do so that `Collection` can keep documents in it.

An engine implements three small protocols, for reading, writing and indexing. Everything else, such as the order in
which a document's passages are written, is implemented once in `Collection`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from ..core.values import Passage, id_of
from ..core.vectors import AnyVector
from .field_mapping import PointId
from .filters import Condition
from .index_options import IndexOptions
from .manifest import Manifest

StatusCallback: TypeAlias = Callable[[str], Awaitable[None]]
"""Receives a line of text that says what is being done now."""

Page: TypeAlias = tuple[Sequence["StoredPoint"], Any]
"""Points of a scroll, and the offset of the next page; None after the last one."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One search of a batch: the `limit` points nearest to a query in one named vector.

    With `among`, only the points that those legs find are compared: a late-interaction vector rescores the candidates
    of cheaper searches.
    """

    vector: str
    query: AnyVector
    limit: int
    among: Sequence["Leg"] = ()
    exact: bool = False
    """Whether to compare every original vector and ignore the index and quantization."""
    breadth: int = 0
    """Candidates to consider while searching a graph (`hnsw_ef`); 0 uses the value in the collection's manifest."""


@dataclass(frozen=True, slots=True)
class FileState:
    """The file that a document was read from, as it was then. An archive or a mailbox holds several documents."""

    path: str
    size: int
    """In bytes."""
    modified_ns: int
    """The time of its last change, in nanoseconds since 1970."""
    content: str
    """The SHA-256 of its bytes, in hexadecimal digits."""
    options: str
    """What else decides about the result: a hash of the caller's metadata, the chunking and the version of parsing."""
    documents: int = 1
    """How many documents the file holds."""
    depth: int | None = None
    """How many levels below the path that the caller named it was found; None if it was read before 0.6."""


@dataclass(frozen=True, slots=True)
class Point:
    """A passage with its vectors. `digest` identifies the version of its document; `passages` counts the document's."""

    passage: Passage
    digest: str
    passages: int
    vectors: Mapping[str, AnyVector]
    """By the names in the manifest. A passage without one of the vectors is not found by it."""
    file: FileState | None = None
    """Where its document was read from; None for text that was passed directly."""


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point as an engine returns it. Payload and vectors hold only what was requested."""

    id: PointId
    payload: Mapping[str, Any]
    vectors: Mapping[str, Any]
    """In the engine's own form; see `read_vector`."""

    @property
    def key(self) -> UUID:
        """Return the id as a UUID."""
        return self.id if isinstance(self.id, UUID) else id_of(self.id)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the store knows about a document that it holds completely."""

    digest: str
    passages: int
    source: str
    file: FileState | None = None
    """None for text that was passed directly, and for what versions before 0.4 ingested."""


class PointReader(Protocol):
    """Read the points of one collection."""

    async def search(
        self, legs: Sequence[Leg], *, where: Condition | None, options: IndexOptions
    ) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first."""
        ...

    async def retrieve(self, ids: Sequence[UUID], *, vectors: Sequence[str] = ()) -> list[StoredPoint]:
        """Return the points that exist among `ids`: these vectors of theirs, or their payload if none is named."""
        ...

    async def scroll(self, where: Condition | None, *, keys: Sequence[str] | None, offset: Any) -> Page:
        """Return one page of points, ordered by id, with these payload keys; None: whole payloads and all vectors."""
        ...

    async def count(self, where: Condition | None) -> int:
        """Return the number of points."""
        ...

    async def facet(self, path: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the most common values at an indexed payload path with their counts."""
        ...


class PointWriter(Protocol):
    """Write the points of one collection. Every operation may safely be repeated."""

    async def check_space(self, points: Sequence[Point]) -> None:
        """Refuse to write these points to a disk that is nearly full.

        Raises:
            StoreError: Too little space is left.
        """
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write a batch of points; a point with the same id is replaced."""
        ...

    async def set_payload(self, where: Condition, values: Mapping[str, Any]) -> None:
        """Set these payload keys of these points, and leave the others as they are."""
        ...

    async def delete(self, where: Condition) -> None:
        """Delete these points."""
        ...

    async def flush(self) -> None:
        """Force everything written so far to disk."""
        ...


class IndexBuilder(Protocol):
    """Store a collection's manifest and build the indexes that it describes."""

    async def store_manifest(self, manifest: Manifest, *, before: Manifest) -> Manifest:
        """Store a manifest in place of `before` and index its new metadata fields; return what is stored now.

        The result differs from `manifest` where another engine has changed the stored one meanwhile.
        """
        ...

    async def build_index(self, manifest: Manifest, *, on_status: StatusCallback) -> None:
        """Build the index that `manifest.storage` describes; searches are served meanwhile."""
        ...


class VectorEngine(PointReader, PointWriter, IndexBuilder, Protocol):
    """Everything that `Collection` needs of an engine."""
