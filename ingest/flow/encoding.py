"""The third stage: make the vectors of new passages, longest first, and take those of passages that are known."""

from collections.abc import Sequence
from dataclasses import dataclass

from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ...core.vectors import AnyVector
from ...store.collection import Collection
from ...store.protocols import Point
from ..embed import Embedder, text_of
from ..known_vectors import KnownVectors
from ..tally import Tally
from .changes import Group

IDS_PER_READ = 256  # documents whose vectors are read at once


@dataclass(frozen=True, slots=True)
class Encoded:
    """A group with the points to write, and how many passages exceed the encoder's window."""

    group: Group
    points: Sequence[Point]
    truncated: int


class GroupEncoder:
    """Makes the points of groups. Only texts that neither the stored versions nor the job have had are encoded."""

    def __init__(self, embedder: Embedder, collection: Collection, *, step: int, tally: Tally) -> None:
        self._embedder = embedder
        self._collection = collection
        self._step = step
        self._tally = tally
        self._known = KnownVectors()

    async def run(self, receive: MemoryObjectReceiveStream[Group], send: MemoryObjectSendStream[Encoded]) -> None:
        """Send every group that is received, encoded."""
        async with receive, send:
            async for group in receive:
                await send.send(await self._encode(group))

    async def _encode(self, group: Group) -> Encoded:
        with self._known.recalling():
            await self._recall([id_ for change in group.changes for id_ in change.incoming.similar])
            vectors, truncated = await self._vectors(group)
        points = [
            Point(
                passage=passage,
                digest=change.digest,
                passages=len(change.passages),
                vectors=vectors[passage.id],
                file=change.incoming.file,
            )
            for change in group.changes
            for passage in change.passages
        ]
        return Encoded(group, points, truncated=truncated)

    async def _recall(self, ids: Sequence[str]) -> None:
        """Take the vectors of stored documents, by the texts that they were made of."""
        specs = self._collection.manifest.vectors
        for start in range(0, len(ids), IDS_PER_READ):
            for point in await self._collection.read(ids[start : start + IDS_PER_READ]):
                for name, vector in point.vectors.items():
                    self._known.recall(name, text_of(specs[name], point.passage), vector)

    async def _vectors(self, group: Group) -> tuple[dict[str, dict[str, AnyVector]], int]:
        """Return the vectors of the passages by their ids. Texts of equal length cost less in one batch."""
        passages = sorted(group.passages, key=lambda passage: -len(passage.content))
        found, truncated = dict[str, dict[str, AnyVector]](), 0
        for start in range(0, len(passages), self._step):
            batch = passages[start : start + self._step]
            rows, cut = await self._embedder.vectors(self._collection.manifest, batch, known=self._known)
            found |= {passage.id: dict(row) for passage, row in zip(batch, rows, strict=True)}
            truncated += cut
            await self._tally.encoded(len(batch))
        return found, truncated
