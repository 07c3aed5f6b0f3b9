"""What passes between the stages: documents to cut, passages to encode and write, and what else has to be done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ...core.values import Document, Metadata, Passage
from ...store.protocols import Entry, FileState
from ..report import IngestReport


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document that may have to be written."""

    document: Document
    stored: Entry | None
    """The version that the collection holds."""
    file: FileState | None = None
    similar: tuple[str, ...] = ()
    """Documents of the collection whose passages may have the same vectors."""
    replaces: str = ""
    """The id of the document before its file was renamed."""


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document to write, with its new passages."""

    incoming: Incoming
    digest: str
    passages: Sequence[Passage]

    @property
    def kind(self) -> str:
        """Return how the change is counted in the report."""
        if self.incoming.replaces:
            return "renamed"
        return "added" if self.incoming.stored is None else "updated"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A document that is unchanged, although its file was touched: what is stored of the file is corrected."""

    document_id: str
    file: FileState
    before: FileState | None = None
    """The stored state of a file that was not parsed again; the fact in the metadata follows from it."""
    modified: str = ""
    """What becomes of that fact. `file` does not tell it while the change is recent."""
    metadata: Metadata | None = None
    """What is to be stored as metadata, if the file was parsed again."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some documents to encode and write as one, in the order of the job, and what else to do afterwards."""

    changes: tuple[CutDocument, ...] = ()
    refreshes: tuple[Refresh, ...] = ()
    removals: tuple[str, ...] = ()
    """Ids of documents that are no longer in their file."""
    report: IngestReport = field(default_factory=IngestReport)
    """On what is not written: failures, and what is skipped or unchanged."""
    items: int = 0
    """How many items and files of the job are done when the group is written."""

    def __add__(self, other: "Group") -> "Group":
        """Return both as one group."""
        return Group(
            changes=self.changes + other.changes,
            refreshes=self.refreshes + other.refreshes,
            removals=self.removals + other.removals,
            report=self.report + other.report,
            items=self.items + other.items,
        )

    @property
    def passages(self) -> list[Passage]:
        """Return the passages to write, in order."""
        return [passage for change in self.changes for passage in change.passages]

    @property
    def size(self) -> int:
        """Return about how much work it is, in passages."""
        return sum(len(change.passages) for change in self.changes) + len(self.refreshes) + len(self.removals)

    def outcome(self) -> IngestReport:
        """Return the report of the group once it is written."""
        kinds = [change.kind for change in self.changes]
        return self.report + IngestReport(
            added=kinds.count("added"),
            updated=kinds.count("updated"),
            renamed=kinds.count("renamed"),
            unchanged=len(self.refreshes),
            removed=len(self.removals),
            passages=sum(len(change.passages) for change in self.changes),
        )

    def plan(self) -> IngestReport:
        """Return what `outcome` would be, with the ids of the documents."""
        planned = {
            kind: _ids(change for change in self.changes if change.kind == kind)
            for kind in ("added", "updated", "renamed")
        }
        named = {kind: ids for kind, ids in {**planned, "removed": self.removals}.items() if ids}
        return replace(self.outcome(), planned=named)


def _ids(changes: Iterable[CutDocument]) -> tuple[str, ...]:
    return tuple(
        f"{change.incoming.replaces} -> {change.incoming.document.id}"
        if change.incoming.replaces
        else change.incoming.document.id
        for change in changes
    )
