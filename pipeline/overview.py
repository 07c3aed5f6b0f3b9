"""What collections hold: counts, models, metadata fields with their commonest values."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import StoreBusy, StoreError
from ..store.collection import Collection
from ..store.fields import FieldType
from .pipeline import Pipeline

COMMONEST = 8  # values shown of a field


@dataclass(frozen=True, slots=True)
class FieldOverview:
    """A metadata field; `values` are the commonest with the number of passages, for types that have such."""

    name: str
    type: FieldType
    values: tuple[tuple[str | int | bool, int], ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The size of a collection and the model that made its vectors; with a `problem`, why it cannot be used."""

    name: str
    documents: int | None = 0
    """None where counting them would take too long."""
    passages: int = 0
    encoder: str = ""
    fields: tuple[str, ...] = ()
    problem: str = ""


async def look_at_all(pipeline: Pipeline, names: Sequence[str]) -> list[Overview]:
    """Return the overviews of these collections; one that cannot be used does not hide the others.

    Raises:
        StoreBusy: When another process holds the data directory, and so all of them.
    """
    overviews: list[Overview] = []
    for name in names:
        try:
            overviews.append(await look_at(await pipeline.open(name)))
        except StoreBusy:
            raise
        except StoreError as error:
            overviews.append(Overview(name, problem=str(error)))
    return overviews


async def look_at(collection: Collection) -> Overview:
    """Return the overview of a collection."""
    return Overview(
        name=collection.name,
        documents=await collection.documents(),
        passages=await collection.count(),
        encoder=collection.manifest.encoder,
        fields=tuple(sorted(collection.manifest.fields)),
    )


async def look_at_fields(collection: Collection) -> list[FieldOverview]:
    """Return the metadata fields of a collection, by name."""
    return [
        FieldOverview(name, kind, tuple(await collection.facet(name, limit=COMMONEST)))
        for name, kind in sorted(collection.manifest.fields.items())
    ]
