"""The last stage: write whole documents, and remove what they replace."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from ...core.values import Metadata, Passage
from ...store.collection import Collection, named_documents
from ...store.filters import FIRST_PASSAGES, All, AnyOf
from ...store.protocols import FileState
from ..reader import MODIFIED, modified_fact
from ..report import IngestReport
from ..tally import Tally
from .changes import Refresh
from .encoding import Encoded


class Writer:
    """Writes groups in their order, each to its end even if the job is cancelled meanwhile."""

    def __init__(self, collection: Collection, tally: Tally) -> None:
        self.collection = collection
        self._tally = tally
        self.has_written = False

    async def run(self, receive: MemoryObjectReceiveStream[Encoded]) -> IngestReport:
        """Write all that is received, and return what was done."""
        report = IngestReport()
        async with receive:
            async for encoded in receive:
                with anyio.CancelScope(shield=True):
                    await self._write(encoded)
                report += encoded.group.outcome() + IngestReport(truncated=encoded.truncated)
                await self._tally.finished(encoded.group.items)
        return report

    async def remove(self, document_ids: Sequence[str]) -> None:
        """Remove documents."""
        self.has_written = self.has_written or bool(document_ids)
        for where in named_documents(document_ids):
            if where is not None:
                await self.collection.remove(where)

    async def _write(self, encoded: Encoded) -> None:
        """Write a group. Of a renamed document, the old version is marked, so that a crash leaves it to be removed."""
        group = encoded.group
        self.has_written = self.has_written or bool(group.size)
        replaced = [change.incoming.replaces for change in group.changes if change.incoming.replaces]
        await self._set(replaced, {"digest": ""})
        await self.collection.write(encoded.points)
        await self.remove([*replaced, *group.removals])
        for state, ids in _by_state(group.refreshes).items():
            await self._set(ids, {"file": asdict(state)})
        for document_id, metadata in {
            **await self._with_new_times(group.refreshes),
            **_parsed(group.refreshes),
        }.items():
            await self.collection.set_payload(AnyOf("document_id", (document_id,)), {"metadata": dict(metadata)})

    async def _with_new_times(self, refreshes: Sequence[Refresh]) -> dict[str, Metadata]:
        """Return the stored metadata of documents whose files were touched, with the new time, if that is a fact."""
        touched = {
            each.document_id: (modified_fact(each.before.modified_ns), each.modified)
            for each in refreshes
            if each.before is not None
        }
        points = [Passage(id_, 0, text="").point_id(self.collection.name) for id_ in touched]
        found: dict[str, Metadata] = {}
        for passage in (await self.collection.fetch(points)).values():
            before, after = touched[passage.document_id]
            if passage.metadata.get(MODIFIED) == before != after:
                found[passage.document_id] = {**passage.metadata, MODIFIED: after}
        return found

    async def _set(self, document_ids: Sequence[str], values: dict[str, object]) -> None:
        for where in named_documents(document_ids):
            if where is not None:
                await self.collection.set_payload(All((where, FIRST_PASSAGES)), values)


def _parsed(refreshes: Sequence[Refresh]) -> dict[str, Metadata]:
    return {each.document_id: each.metadata for each in refreshes if each.metadata is not None}


def _by_state(refreshes: Sequence[Refresh]) -> dict[FileState, list[str]]:
    found: dict[FileState, list[str]] = defaultdict(list)
    for refresh in refreshes:
        found[refresh.file].append(refresh.document_id)
    return found
