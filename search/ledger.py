"""What the stores know of documents and their versions: entries, and the conditions that tell versions apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from .filters import DIGEST, FIRST_PASSAGES, All, AnyOf, Condition, Not
from .store import Entry, Point

ENTRY_KEYS = ["document_id", "digest", "passages", "source"]


def to_entry(payload: Mapping[str, Any]) -> Entry:
    """Return what the first passage's payload says of its document."""
    return Entry(digest=payload["digest"], passages=payload["passages"], source=payload["source"])


def marks_of(points: Sequence[Point]) -> Condition:
    """Return the condition for the stored first passages of these points' documents, whichever version they are."""
    return All((_documents_of(points), FIRST_PASSAGES))


def older_than(points: Sequence[Point]) -> Condition:
    """Return the condition for passages of other versions of these documents; first ones are overwritten anyway."""
    digests = tuple({point.digest for point in points})
    return All((_documents_of(points), Not(AnyOf(DIGEST, digests)), Not(FIRST_PASSAGES)))


def _documents_of(points: Sequence[Point]) -> Condition:
    return AnyOf("document_id", tuple({point.passage.document_id for point in points}))
