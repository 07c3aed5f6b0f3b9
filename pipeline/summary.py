"""What collections hold: counts, models, and metadata fields with their most frequent values."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import StoreBusy, StoreError, StoreUnavailable
from ..search.value_ranges import RANGED, Value, range_of
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
    range: tuple[Value, Value] | None = None
    """The lowest and the highest number, or the earliest and the latest date; None for other types."""


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
        FieldSummary(
            name,
            kind,
            values=() if name == "path" else tuple(await collection.facet(name, limit=MAX_VALUES)),
            range=await _range_of(collection, name) if kind in RANGED else None,
        )
        for name, kind in sorted(collection.manifest.fields.items())
        if name != REVISION
    ]


async def _range_of(collection: Collection, field: str) -> tuple[Value, Value] | None:
    """Return the range of a field; None if there is no value, or if the store cannot tell it."""
    try:
        return await range_of(collection, field)
    except StoreUnavailable:
        raise
    except StoreError:  # an adopted collection may refuse to filter by a field without an index
        return None
