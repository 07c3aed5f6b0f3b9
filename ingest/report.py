"""What came of an ingestion: documents by outcome, failures and what was skipped; and how its progress is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Self, TypeAlias

from ..core.errors import InvalidInput
from ..store.fields import FieldType

MAX_EXAMPLES = 3  # of what was skipped, for each kind; of documents without a value, for each field

MAX_PLANNED = 1_000  # documents that a dry run names, for each kind of change

_VERBS = ("is", "has", "was", "cannot", "leads", "belongs", "names")


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that was not ingested, and a sentence for the caller that says why."""

    source: str
    reason: str

    @classmethod
    def of(cls, source: str, error: object) -> Self:
        """Return a failure whose reason says "It" for the source, which stands beside it."""
        reason = str(error)
        for name in (f"{source} ", f"{source!r} "):
            rest = reason.removeprefix(name)
            if rest != reason and rest.partition(" ")[0] in _VERBS:
                return cls(source, f"It {rest}")
        return cls(source, reason)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source that was skipped because of its kind, such as "pdf", "hidden" or "empty"."""

    source: str
    kind: str


def examples_of(skipped: Iterable[Skipped]) -> dict[str, tuple[str, ...]]:
    """Return the first sources of each kind."""
    examples: dict[str, tuple[str, ...]] = {}
    for each in skipped:
        examples[each.kind] = (*examples.get(each.kind, ()), each.source)[:MAX_EXAMPLES]
    return examples


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field whose values were left out of some documents, because they do not have the type of the field."""

    kind: FieldType
    """The type of the field; "mixed" if it has none yet, because its values are lists of several types."""
    documents: int
    examples: tuple[tuple[str, Any], ...]
    """The first documents with their values."""

    def __add__(self, other: LeftOut) -> LeftOut:
        """Return the sum of two reports on one field."""
        examples = (*self.examples, *other.examples)[:MAX_EXAMPLES]
        kind = other.kind if self.kind == "mixed" else self.kind  # a later document decided it
        return LeftOut(kind, self.documents + other.documents, examples)


def add_up(one: Mapping[str, LeftOut], other: Mapping[str, LeftOut]) -> dict[str, LeftOut]:
    """Return what was left out in two parts of a job, by field."""
    both = {name: one[name] + other[name] for name in one.keys() & other.keys()}
    return {**one, **other, **both}


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Counts of documents by outcome, of passages written, and the failures. Reports add up."""

    added: int = 0
    updated: int = 0
    renamed: int = 0
    """Whose files were renamed or moved: the documents have other ids now, and kept their vectors."""
    unchanged: int = 0
    removed: int = 0
    gone: int = 0
    """Documents that are kept although their files are gone, because the job did not prune."""
    passages: int = 0
    truncated: int = 0
    """Passages longer than the encoder's window."""
    failures: tuple[Failure, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    """Files and folders that were skipped, by kind."""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The first of them, by kind."""
    left_out: Mapping[str, LeftOut] = field(default_factory=dict[str, LeftOut])
    """Metadata that was left out of documents, by field."""
    lost: Mapping[str, int] = field(default_factory=dict[str, int])
    """Metadata that stored versions of documents had and that they lack now, read with other options: how often, by
    field."""
    notes: tuple[str, ...] = ()
    """Sentences about other problems; the documents were ingested."""
    planned: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """After a dry run: the first ids of the documents that would be added, updated, renamed or removed."""

    def __add__(self, other: IngestReport) -> IngestReport:
        """Return the sum of two reports."""
        return IngestReport(
            added=self.added + other.added,
            updated=self.updated + other.updated,
            renamed=self.renamed + other.renamed,
            unchanged=self.unchanged + other.unchanged,
            removed=self.removed + other.removed,
            gone=self.gone + other.gone,
            passages=self.passages + other.passages,
            truncated=self.truncated + other.truncated,
            failures=self.failures + other.failures,
            skipped=dict(Counter(self.skipped) + Counter(other.skipped)),
            examples=_joined(self.examples, other.examples, most=MAX_EXAMPLES),
            left_out=add_up(self.left_out, other.left_out),
            lost=dict(Counter(self.lost) + Counter(other.lost)),
            notes=self.notes + other.notes,
            planned=_joined(self.planned, other.planned, most=MAX_PLANNED),
        )

    @property
    def is_empty(self) -> bool:
        """Return whether nothing came in, nothing was there already, and nothing was removed."""
        return not (self.added or self.updated or self.renamed or self.unchanged or self.removed or self.gone)


def _joined(
    first: Mapping[str, tuple[str, ...]], second: Mapping[str, tuple[str, ...]], *, most: int
) -> dict[str, tuple[str, ...]]:
    return {kind: (*first.get(kind, ()), *second.get(kind, ()))[:most] for kind in (*first, *second)}


Progress: TypeAlias = Callable[[float, int, str], Awaitable[None]]
"""Is called with how much is done, of how much, and a message for the reader; of 0 means that it is not known yet."""

ProgressFunction: TypeAlias = Callable[[float, int, str], Awaitable[None] | None]
"""The same as callers write it: a plain function, or one that is awaited."""


def awaited(function: ProgressFunction | None) -> Progress | None:
    """Return the progress function of a caller as one to await.

    Raises:
        InvalidInput: It cannot be called.
    """
    if function is None:
        return None
    if not callable(function):
        raise InvalidInput(
            f"`progress` takes a function of (done, total, message), such as print; got {function!r:.80}."
        )

    async def progress(done: float, total: int, message: str) -> None:
        if isawaitable(answer := function(done, total, message)):
            await answer

    return progress
