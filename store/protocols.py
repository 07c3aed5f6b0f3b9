"""The seam to storage: what a store does for search and for ingestion, whichever engine keeps the points."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from ..core.errors import Hint, InvalidInput, NotFound, nearest
from ..core.values import Passage
from ..core.vectors import AnyVector, VectorSpec, check_vectors
from .filters import Condition
from .index_options import IndexOptions
from .manifest import Manifest

Say: TypeAlias = Callable[[str], Awaitable[None]]
"""Called with what is being done now."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One search of a batch: the nearest `limit` points to a query in one named vector.

    With `among`, only what these legs find is compared: a late-interaction vector that rescores cheaper searches.
    """

    vector: str
    query: AnyVector
    limit: int
    among: Sequence["Leg"] = ()
    exact: bool = False
    """Whether every original vector is compared, whatever index or quantization there is."""
    breadth: int = 0
    """Candidates while a graph is searched; 0: as the collection's manifest says."""


@dataclass(frozen=True, slots=True)
class Point:
    """A passage with its vectors. `digest` is of its whole document, `passages` how many the document has."""

    passage: Passage
    digest: str
    passages: int
    vectors: Mapping[str, AnyVector]
    """By the names in the manifest; any may be missing, and the passage is then not found by it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the store knows of a document that it holds completely."""

    digest: str
    passages: int
    source: str


class Searchable(Protocol):
    """The reading half of a collection."""

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first, without payload."""
        ...

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`."""
        ...

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it, as kept: scaled to length 1 if dense."""
        ...

    async def read(self, document_ids: Sequence[str]) -> list[Point]:
        """Return every passage of these documents with its vectors, in no order."""
        ...

    async def count(self, where: Condition | None = None) -> int:
        """Return the number of passages."""
        ...

    async def facet(self, field: str, *, limit: int) -> list[tuple[str | int | bool, int]]:
        """Return the commonest values of an indexed metadata field with their counts."""
        ...

    async def documents(self) -> int | None:
        """Return the number of documents held completely; None where counting them would take too long."""
        ...

    def point_of(self, passage_id: str) -> UUID:
        """Return the point of a passage, whether it is held or not.

        Raises:
            InvalidInput: When it is no passage id.
        """
        ...

    async def points_in(self, document_id: str) -> list[UUID]:
        """Return the points of a document's passages in their order; none where it is not held."""
        ...


class Writable(Protocol):
    """The writing half of a collection."""

    async def entries(self, document_ids: Sequence[str] | None = None) -> dict[str, Entry]:
        """Return the documents held completely, by id: those asked for, or all."""
        ...

    async def write(self, points: Sequence[Point]) -> None:
        """Write whole documents, and remove what is left of their older versions, complete or not.

        After a crash each document is there with its old entry or its new one, and what was written stays: a document
        counts as held only when its first passage, written last, is there.
        """
        ...

    async def remove(self, where: Condition) -> int:
        """Remove the passages that meet the condition; return how many."""
        ...

    async def remember(self, manifest: Manifest) -> None:
        """Keep a new manifest, and index the metadata fields it names."""
        ...

    async def optimize(self, storage: IndexOptions, *, say: Say) -> None:
        """Build the index that `storage` asks for and keep it in the manifest; searches are served meanwhile.

        The caller keeps writers away.
        """
        ...

    async def flush(self) -> None:
        """Bring everything written to the disk itself; called once per job, for it waits for the disk."""
        ...


class Collection(Searchable, Writable, Protocol):
    """An open collection."""

    @property
    def name(self) -> str:
        """Return the name it is opened by."""
        ...

    @property
    def manifest(self) -> Manifest:
        """Return what it was made with."""
        ...


class Store(Protocol):
    """Collections by name."""

    @property
    def is_shared(self) -> bool:
        """Return whether other engines may write to it at the same time; such a store builds its indexes by itself."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all collections, sorted."""
        ...

    async def open(self, name: str, *, create: Manifest | None = None) -> Collection:
        """Return the collection, made with the manifest given when there is none.

        Raises:
            NotFound: When there is none and `create` is None.
            StoreBusy: When another process holds it.
        """
        ...

    async def drop(self, name: str) -> None:
        """Delete a collection with all it holds."""
        ...

    async def close(self) -> None:
        """Write everything to disk and let go of it."""
        ...


def check_points(points: Sequence[Point], specs: Mapping[str, VectorSpec]) -> None:
    """Refuse vectors that an engine would take in silence and then rank wrongly.

    Raises:
        InvalidInput: Naming the passage and its vector; see `check_vectors`.
    """
    for point in points:
        check_vectors(point.vectors, specs, owner=point.passage.id)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    """Refuse what cannot name a collection in every store, a folder among them.

    Raises:
        InvalidInput: Saying what can.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot name a collection. Use up to 64 letters, digits, '.', '_' or '-', "
            "starting with a letter or digit."
        )


def unknown_collection(name: str, known: Sequence[str]) -> NotFound:
    """Return the error for a collection that does not exist."""
    if not known:
        return NotFound(f"No collection {name!r}: nothing has been ingested yet.", hint=Hint.INGEST)
    message = f"No collection {name!r}.{nearest(name, known)} Known: {', '.join(known)}."
    return NotFound(message, hint=Hint.LIST_COLLECTIONS)
