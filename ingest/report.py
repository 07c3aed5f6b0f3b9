"""What ingestion did: the counts of documents, and every source that failed with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that was not ingested; `reason` is a sentence for the caller."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Documents by outcome, the passages written, and the failures."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    truncated: int = 0
    """Passages longer than the encoder's window."""
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences on what else did not go as wished; the documents are in."""
