"""What collections hold: counts, models, metadata fields with their commonest values."""

from dataclasses import dataclass

from ..search.fields import FieldType
from ..search.filters import FIRST_PASSAGES
from ..search.store import Collection

COMMONEST = 8  # values shown of a field


@dataclass(frozen=True, slots=True)
class FieldOverview:
    """A metadata field; `values` are the commonest with the number of passages, for types that have such."""

    name: str
    type: FieldType
    values: tuple[tuple[str | int | bool, int], ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The size of a collection and the model that made its vectors."""

    name: str
    documents: int
    passages: int
    encoder: str
    fields: tuple[str, ...]


async def look_at(collection: Collection) -> Overview:
    """Return the overview of a collection."""
    return Overview(
        name=collection.name,
        documents=await collection.count(FIRST_PASSAGES),
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
