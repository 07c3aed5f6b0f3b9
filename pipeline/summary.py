"""What collections hold: counts, models, and metadata fields with their most frequent values."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import StoreBusy, StoreError
from ..store.collection import Collection
from ..store.fields import REVISION, FieldType
from .search import Pipeline

MAX_VALUES = 8  # shown per field


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """A metadata field and its most frequent values, each with its number of passages; empty for types without any."""

    name: str
    type: FieldType
    values: tuple[tuple[str | int | bool, int], ...]


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """The size of a collection and the model of its vectors; `problem` says why a collection cannot be used."""

    name: str
    documents: int | None = 0
    """None if counting them would take too long."""
    passages: int = 0
    encoder: str = ""
    fields: tuple[str, ...] = ()
    problem: str = ""


async def summarize_all(pipeline: Pipeline, names: Sequence[str]) -> list[CollectionSummary]:
    """Return the summaries of these collections. One that cannot be used does not hide the others.

    Raises:
        StoreBusy: Another process holds the data directory, and so all collections.
    """
    summaries: list[CollectionSummary] = []
    for name in names:
        try:
            summaries.append(await summarize(await pipeline.open(name)))
        except StoreBusy:
            raise
        except StoreError as error:
            summaries.append(CollectionSummary(name, problem=str(error)))
    return summaries


async def summarize(collection: Collection) -> CollectionSummary:
    """Return the summary of a collection."""
    return CollectionSummary(
        name=collection.name,
        documents=await collection.documents(),
        passages=await collection.count(),
        encoder=collection.manifest.encoder,
        fields=tuple(sorted(collection.manifest.fields.keys() - {REVISION})),
    )


async def summarize_fields(collection: Collection) -> list[FieldSummary]:
    """Return the metadata fields of a collection, by name."""
    return [
        FieldSummary(name, kind, values=() if name == "path" else tuple(await collection.facet(name, limit=MAX_VALUES)))
        for name, kind in sorted(collection.manifest.fields.items())
        if name != REVISION
    ]
