"""Which documents can be ingested, and when a document counts as another one than before."""

import hashlib
import json
from collections.abc import Sequence, Set
from dataclasses import replace

from ...core.errors import ResiftError
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


def accepted(documents: Sequence[Document], seen: Set[str]) -> tuple[list[Document], list[Failure]]:
    """Return the documents that can be ingested, with clean metadata, and why the others cannot.

    `seen` are the ids of those before them.
    """
    found: dict[str, Document] = {}
    failures: list[Failure] = []
    for document in documents:
        if failure := _objection(document, is_repeated=document.id in seen or document.id in found):
            failures.append(failure)
        else:
            found[document.id] = replace(document, title=composed(document.title), metadata=cleaned(document.metadata))
    return list(found.values()), failures


def failure_of(document: Document, reason: str) -> Failure:
    """Return the failure of a document."""
    return Failure.of(encodable(document.source or document.id), reason)


def _objection(document: Document, *, is_repeated: bool) -> Failure | None:
    """Return why a document cannot be ingested, or None when it can."""
    if not document.text.strip():
        return failure_of(document, NO_TEXT)
    if is_repeated:
        return failure_of(document, f"The id {document.id!r} is used twice in this call; the first document has it.")
    try:
        with failing_alone(document.source or document.id):
            check_metadata(document.metadata)
            named = json.dumps(
                [document.id, document.title, document.source, dict(document.metadata)], ensure_ascii=False
            )
    except ResiftError as error:
        return failure_of(document, str(error))
    if named != encodable(named):  # for example, a file name that is not UTF-8
        return failure_of(
            document, "Its name, title or metadata is not valid Unicode. Rename the file or correct them."
        )
    return None
