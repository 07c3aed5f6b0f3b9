"""Holding the metadata of documents to the fields of a collection, and reporting the values that do not fit."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from json import dumps
from typing import Any, TypeAlias

from ..core.errors import InvalidInput
from ..core.text import counted, cut, encodable, listed
from ..core.values import Document, Metadata
from ..store.fields import Clash, FieldType, hold
from .job import Job
from .reader import FileDocument
from .report import Failure, IngestReport, LeftOut, add_up

Remember: TypeAlias = Callable[[Mapping[str, FieldType]], Awaitable[Mapping[str, FieldType]]]
"""Stores the fields of a collection, and returns those that it has then."""

_KINDS: Mapping[FieldType, str] = {
    "keyword": "texts",
    "integer": "integers",
    "number": "numbers",
    "boolean": "booleans",
    "date": "dates",
}

_OF_SEVERAL_TYPES = "is a list of several types"  # the one clash without a type that the field has


async def hold_all(
    known: Mapping[str, FieldType], documents: Sequence[Document], *, job: Job, remember: Remember
) -> tuple[list[Document], IngestReport]:
    """Add the documents' metadata fields to the known ones; return those for which there was room, as they are stored.

    The report says which values were left out, and which documents were refused.
    """
    fields = hold(known, job.metadata).fields if documents else known
    accepted, refused = list[Document](), list[Failure]()
    for document in documents:
        try:
            fields = hold(fields, _all_metadata(document)).fields
            accepted.append(document)
        except InvalidInput as error:
            refused.append(Failure.of(encodable(document.name), error))
    fields = await remember(fields)
    held, left_out = list[Document](), dict[str, LeftOut]()
    for document in accepted:  # again, since another engine may have decided on types meanwhile
        kept = hold(fields, _all_metadata(document))
        held.append(replace(document, metadata=kept.metadata))
        left_out = add_up(left_out, _left_out_of(document, kept.clashes))
    return held, IngestReport(failures=tuple(refused), left_out=left_out)


def _all_metadata(document: Document) -> Metadata:
    """Return the metadata of a document, and below it the facts about its file."""
    return {**document.facts, **document.metadata} if isinstance(document, FileDocument) else document.metadata


def _left_out_of(document: Document, clashes: Iterable[Clash]) -> dict[str, LeftOut]:
    """Return what was left out of one document, by field; a fact about its file is no example, only counted."""
    return {
        each.field: LeftOut(each.kind, 1, ((document.name, each.value),) if each.field in document.metadata else ())
        for each in clashes
    }


def notes_on_left_out(fields: Mapping[str, LeftOut]) -> tuple[str, ...]:
    """Return a sentence for each field with values that were left out: of which documents, why, and what to do."""
    return tuple(_note(name, found) for name, found in fields.items())


def notes_on_lost(fields: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence on the metadata that documents lost because the call did not repeat it."""
    if not fields:
        return ()
    lost = listed([f"{name!r} ({counted(count, 'document')})" for name, count in sorted(fields.items())])
    return (f"Metadata of stored versions that the new ones lack: {lost}. If an earlier call gave it, give it again.",)


def check_fits(metadata: Metadata, known: Mapping[str, FieldType]) -> None:
    """Refuse metadata that a caller gives for all documents of a job and that the collection cannot hold.

    Raises:
        InvalidInput: A value does not have the type of its field.
    """
    for clash in hold(known, metadata).clashes:
        value = _shown(clash.value)
        if clash.kind == "mixed":
            raise InvalidInput(f"Metadata field {clash.field!r} {_OF_SEVERAL_TYPES}, {value}. Give one type.")
        raise InvalidInput(
            f"Metadata field {clash.field!r} holds {_KINDS[clash.kind]} in this collection, and {value} is not one. "
            "Give a value of that type, or use another name. Nothing was ingested."
        )


def _note(name: str, left_out: LeftOut) -> str:
    documents = counted(left_out.documents, "document")
    more = left_out.documents - len(left_out.examples)
    named = ", ".join(f"{source} ({_shown(value)})" for source, value in left_out.examples)
    named += f" and {more:,} more" if more else ""
    if left_out.kind == "mixed":
        return f"Field {name!r} {_OF_SEVERAL_TYPES}, so it was left out of {documents}: {named}. Give one type."
    holds = f"Field {name!r} holds {_KINDS[left_out.kind]}"
    if not left_out.examples:
        return f"{holds} in this collection, so that fact about the file was left out of {documents}."
    return (
        f"{holds}, so it was left out of {documents} with other values: {named}. "
        "Correct the values, or rename the field; its first value decided its type."
    )


def _shown(value: Any) -> str:
    return cut(dumps(value, ensure_ascii=False))
