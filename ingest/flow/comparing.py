"""Comparing what was taken with the collection: what can be ingested, what is new of it, and what is gone."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeAlias

from ...core.text import counted
from ...core.values import Document
from ...store.protocols import Entry
from ..reader import FileDocument
from ..report import Failure, IngestReport, Skipped, examples_of
from ..sources import FileReading
from ..sync.file_plan import SyncPlan, leftovers
from ..sync.holdings import HeldFile
from ..sync.states import state_of
from ..urls.pages import PageReading
from .acceptance import accepted
from .changes import Group, Incoming, Refresh
from .taking import Item, SameFiles, Taken

MAX_NOTES = 5  # kinds of notes of parsers, which are told once each; the others are counted

Entries: TypeAlias = Callable[[Sequence[str] | None], Awaitable[Mapping[str, Entry]]]
"""Returns the entries of the documents with these ids, or of all."""

Inside: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the ids of the documents held of a page, given by its id."""

Compared: TypeAlias = tuple[list[Incoming], Group]
"""Documents to compare by their text, and what is known already."""


class Comparer:
    """Compares in the order of the job. It knows which documents were there, and which files were skipped."""

    def __init__(self, plan: SyncPlan, entries: Entries, *, inside: Inside) -> None:
        self._plan = plan
        self._entries = entries
        self._inside = inside
        self._notes: dict[str, list[str]] = {}
        """What parsers said about documents, by its kind: the first note in full, and the documents of all."""
        self.seen = dict[str, int]()
        """By the ids of the documents that the job has, apart from those of unchanged files, a hash of each."""
        self.replaced = set[str]()
        """The ids of documents of renamed files that others replace, and ""."""
        self.skipped: dict[str, str] = {}
        """The kinds of what was skipped, by source."""

    async def compare(self, taken: Taken) -> Compared:
        """Return what may have to be written of what was taken."""
        if isinstance(taken, SameFiles):
            unchanged = sum(len(held.entries) for held in taken.held)
            return [], Group(report=IngestReport(unchanged=unchanged), items=len(taken.held))
        if isinstance(taken, FileReading):
            return self._compare_file(taken)
        if isinstance(taken, PageReading):
            return await self._compare_page(taken)
        documents, report = self._accept(taken)
        entries = await self._entries([document.id for document in documents])
        return _incoming(documents, HeldFile("", dict(entries))), Group(report=report, items=len(taken))

    def notes(self) -> tuple[str, ...]:
        """Return what parsers said about the documents, the first of them."""
        shown = [_with_others(note, len(others)) for note, *others in islice(self._notes.values(), MAX_NOTES)]
        more = sum(map(len, islice(self._notes.values(), MAX_NOTES, None)))
        return (*shown, *((f"And {counted(more, 'more note')} on files.",) if more else ()))

    async def _compare_page(self, reading: PageReading) -> Compared:
        documents, report = self._accept(reading.outcomes)
        if reading.is_unchanged:
            report += IngestReport(unchanged=1)
        inside = set(await self._inside(reading.id)) if documents else set[str]()
        entries = await self._entries(list(inside.union(document.id for document in documents)))
        removed = self._left_in({id_: entries[id_] for id_ in inside & entries.keys()}, reading)
        return _incoming(documents, HeldFile(reading.id, dict(entries))), Group(
            report=report, removals=removed, items=1
        )

    def _compare_file(self, reading: FileReading) -> Compared:
        held = self._plan.held(reading.file)
        if reading.is_known and held is not None and held.state is not None:
            state = replace(held.state, size=reading.file.size, modified_ns=reading.file.modified_ns)
            if state == held.state:
                return [], Group(report=IngestReport(unchanged=len(held.entries)), items=1)
            touched = tuple(
                Refresh(id_, file=state, before=held.state, modified=reading.modified) for id_ in held.entries
            )
            return [], Group(refreshes=touched, items=1)
        documents, report = self._accept(reading.outcomes)
        removed = ()
        if held is not None and reading.content:
            removed = self._left_in(held.entries, reading)
        return self._candidates(reading, documents), Group(report=report, removals=removed, items=1)

    def _left_in(self, entries: Mapping[str, Entry], reading: FileReading | PageReading) -> tuple[str, ...]:
        """Return which documents of a file or page are no longer in it, and were not given to the job otherwise."""
        found = {item.id for item in reading.outcomes if isinstance(item, Document)}
        content = reading.content if isinstance(reading, FileReading) else ""
        left = leftovers(entries, found=found, kept=reading.kept, content=content)
        return tuple(id_ for id_ in left if id_ not in self.seen)

    def _candidates(self, reading: FileReading, documents: Sequence[Document]) -> list[Incoming]:
        """Return the documents of a file with what they replace."""
        held, origin = self._plan.held(reading.file), self._plan.origin(reading.file, reading.content)
        state = state_of(
            reading.file,
            content=reading.content,
            options=self._plan.options(reading.file),
            documents=sum(not isinstance(item, Skipped) for item in reading.outcomes),
        )
        found: list[Incoming] = []
        for document in documents:
            stored = held.entries.get(document.id) if held else None
            before = origin.held.inner(document.id, state.path) if origin else ""
            found.append(
                Incoming(
                    document,
                    stored=stored,
                    file=state,
                    similar=tuple(filter(None, (held.inner(document.id, state.path) if held else "", before))),
                    replaces=before if origin and origin.is_renamed else "",
                )
            )
        return found

    def _accept(self, items: Sequence[Item]) -> tuple[Sequence[Document], IngestReport]:
        """Return the documents that can be ingested, and a report on all others."""
        found = accepted([item for item in items if isinstance(item, Document)], self.seen)
        failures = [*(item for item in items if isinstance(item, Failure)), *found.failures]
        skipped = [item for item in items if isinstance(item, Skipped)]
        self.seen |= found.seen
        self.skipped |= {item.source: item.kind for item in skipped}
        self._remember_notes(found.documents)
        counts = Counter(item.kind for item in skipped)
        report = IngestReport(
            unchanged=found.repeated,
            failures=tuple(failures),
            skipped=dict(counts),
            examples=examples_of(skipped),
        )
        return found.documents, report

    def _remember_notes(self, documents: Sequence[Document]) -> None:
        for document in documents:
            if isinstance(document, FileDocument):
                for note in document.parsed.notes:
                    self._notes.setdefault(_kind_of(document, note), []).append(_told_of(document, note))


def _incoming(documents: Sequence[Document], held: HeldFile) -> list[Incoming]:
    """Return documents that did not come from files, with what the collection holds of them."""
    return [
        Incoming(
            document,
            stored=held.entries.get(document.id),
            similar=tuple(filter(None, (held.inner(document.id, held.path),))),
        )
        for document in documents
    ]


def _told_of(document: FileDocument, note: str) -> str:
    """Return a note that names the document, unless it names that or its file itself."""
    return note if any(name in note for name in _names_of(document)) else f"{document.source}: {note}"


def _names_of(document: FileDocument) -> tuple[str, str]:
    return document.source, str(document.facts.get("path") or document.source)


def _kind_of(document: FileDocument, note: str) -> str:
    """Return what notes on other documents have in common with a note: it without names and numbers."""
    for name in _names_of(document):
        note = note.replace(name, "")
    return re.sub(r"\d[\d,.]*", "#", note)


def _with_others(note: str, others: int) -> str:
    return f"{note} ({counted(others, 'more document')} with such a note.)" if others else note
