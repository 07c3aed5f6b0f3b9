"""The seam between the first stage and what it searches: a collection, or several as one."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from ..core.values import Passage
from ..core.vectors import AnyVector
from ..store.filters import Condition
from ..store.manifest import Manifest
from ..store.protocols import Leg


class Searchable(Protocol):
    """What a retriever needs of a collection; a federation of several collections has it too."""

    name: str
    manifest: Manifest
    """The vectors that can be searched, and how words are cut for keyword search."""

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[tuple[UUID, float]]]:
        """Run the legs as one batch; return (point id, score) for each leg, best first."""
        ...

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`."""
        ...

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it.

        Raises:
            InvalidInput: There is no vector of that name.
        """
        ...

    def point_of(self, passage_id: str) -> UUID:
        """Return the point id of a passage, whether the passage exists or not.

        Raises:
            InvalidInput: This cannot be the id of a passage.
        """
        ...
