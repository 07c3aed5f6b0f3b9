"""What a collection holds of each file, found by the file's path and by its content."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from ...store.collection import IDS_PER_FILTER, Collection
from ...store.filters import AnyOf
from ...store.protocols import Entry, FileState
from ..parsers.records import former_id

INCOMPLETE = "incomplete"  # instead of a digest


@dataclass(frozen=True, slots=True, eq=False)
class HeldFile:
    """A file of which a collection holds documents: one, or those of an archive or a mailbox."""

    path: str
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    """By the id of the document."""

    @property
    def state(self) -> FileState | None:
        """Return the file as it was when it was read; None if not all of its documents are held as of one reading."""
        first = next(iter(self.entries.values())).file
        is_whole = first is not None and len(self.entries) == first.documents
        return first if is_whole and all(each.file == first and each.digest for each in self.entries.values()) else None

    @property
    def is_torn(self) -> bool:
        """Return whether the update, the removal or the renaming of one of its documents was interrupted."""
        return not all(entry.digest for entry in self.entries.values())

    def inner(self, document_id: str, of: str) -> str:
        """Return the id of the document that has the same place in this file as another has in the file `of`.

        It may be the id that version 0.5 gave to it, and is empty if this file has no such document.
        """
        id_ = self.path + document_id.removeprefix(of)
        return next((each for each in (id_, former_id(id_)) if each in self.entries), "")


class Holdings:
    """The files of a collection. Documents without a file stand alone, under their ids."""

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self._by_path: dict[str, HeldFile] = {}
        self._by_content: dict[str, list[HeldFile]] = defaultdict(list)
        for id_, entry in (entries or {}).items():
            path = entry.file.path if entry.file else id_
            self._by_path.setdefault(path, HeldFile(path)).entries[id_] = entry
        for held in self._by_path.values():
            for content in {entry.file.content for entry in held.entries.values() if entry.file}:
                self._by_content[content].append(held)

    def __iter__(self) -> Iterator[HeldFile]:
        return iter(self._by_path.values())

    def at(self, path: str) -> HeldFile | None:
        """Return what is held of the file at a path."""
        return self._by_path.get(path)

    def with_content(self, content: str) -> list[HeldFile]:
        """Return the files that had this content, by its SHA-256, when they were read."""
        return sorted(self._by_content.get(content, []), key=lambda held: held.path)


async def incomplete(collection: Collection, entries: Mapping[str, Entry], *, paths: Set[str]) -> dict[str, Entry]:
    """Return the entries of documents in these files of which passages are missing, so that they are read again.

    Versions before 0.6 could delete single passages.
    """
    ids = [id_ for id_, each in entries.items() if each.file is not None and each.file.path in paths]
    found: dict[str, Entry] = {}
    for start in range(0, len(ids), IDS_PER_FILTER):
        some = ids[start : start + IDS_PER_FILTER]
        if await _count(collection, *some) < sum(entries[id_].passages for id_ in some):
            missing = [id_ for id_ in some if await _count(collection, id_) < entries[id_].passages]
            found |= {id_: _to_read_again(entries[id_]) for id_ in missing}
    return found


async def _count(collection: Collection, *document_ids: str) -> int:
    return await collection.count(AnyOf("document_id", document_ids))


def _to_read_again(entry: Entry) -> Entry:
    """Return an entry that differs from what a file gives now, but not as that of an interrupted update does."""
    return replace(entry, digest=entry.digest and INCOMPLETE, file=entry.file and replace(entry.file, options=""))
