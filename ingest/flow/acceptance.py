"""Which documents can be ingested, and when a document counts as another one than before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...core.errors import InvalidInput, ResiftError
from ...core.text import composed, encodable
from ...core.values import Document
from ...store.fields import check_metadata, cleaned
from ..parsing import failing_alone
from ..report import Failure

NO_TEXT = (
    "The document has no text. If an earlier version of it is stored, that one is kept: delete it if you want it gone."
)


def digest_of(document: Document, chunking: str) -> str:
    """Return the hash of a document's content and chunking; a document is written again when it differs."""
    parts = [document.id, document.title, document.text, document.source, dict(document.metadata), chunking]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which documents can be ingested, with clean metadata, and why the others cannot."""

    documents: Sequence[Document]
    failures: Sequence[Failure]
    repeated: int
    """How many say the same as an earlier one of their id."""
    seen: Mapping[str, int]
    """A hash of each document, by id."""


def accepted(documents: Sequence[Document], seen: Mapping[str, int]) -> Accepted:
    """Return which documents can be ingested. `seen` are hashes of those before them, by id."""
    found = list[Document]()
    failures = list[Failure]()
    hashes = dict[str, int]()
    repeated = 0
    for document in documents:
        try:
            content = _checked(document)
        except ResiftError as error:
            failures.append(failure_of(document, str(error)))
            continue
        before = seen.get(document.id, hashes.get(document.id))
        if before is None:
            hashes[document.id] = content
            found.append(replace(document, title=composed(document.title), metadata=cleaned(document.metadata)))
        elif before == content:
            repeated += 1
        else:
            failures.append(failure_of(document, _why_taken(document)))
    return Accepted(found, failures, repeated=repeated, seen=hashes)


def failure_of(document: Document, reason: str) -> Failure:
    """Return the failure of a document."""
    return Failure.of(encodable(document.name), reason)


def _checked(document: Document) -> int:
    """Return a hash of what a document says, to compare within this process.

    Raises:
        ResiftError: The document cannot be ingested.
    """
    if not document.text.strip():
        raise InvalidInput(NO_TEXT)
    with failing_alone(document.name):
        check_metadata(document.metadata)
        named = json.dumps(
            [document.id, document.title, document.source, dict(document.metadata)], ensure_ascii=False, sort_keys=True
        )
    if named != encodable(named):  # for example, a file name that is not UTF-8
        raise InvalidInput("Its name, title or metadata is not valid Unicode. Rename the file or correct them.")
    return hash((named, document.text))


def _why_taken(document: Document) -> str:
    if document.place:  # its id is a hash of its title and text, which nobody has seen
        return (
            "An earlier document of this call has the same title and text, but other metadata. To keep both, give each "
            "an `id`."
        )
    return f"The id {document.id!r} is used twice in this call; the first document has it."
