"""Collections as other programs make them at a Qdrant server, of the same passages as `ours`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from qdrant_client import models

from resift.core.values import Passage
from resift.core.vectors import DENSE, Vector, VectorSpec
from resift.encoders.bm25 import Bm25Options
from resift.store.field_mapping import FieldMapping
from resift.store.manifest import ADOPTED_VERSION, Manifest
from resift.store.qdrant.store import QdrantStore

UNNAMED = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a program writes a passage, and where Resift is told to find its parts."""

    adopted: FieldMapping
    distance: models.Distance = models.Distance.COSINE
    integers: bool = False
    others: Mapping[str, int] = field(default_factory=dict[str, int])
    """Further vectors of the collection, by name, with their sizes."""

    @property
    def vector(self) -> str:
        return self.adopted.vectors[DENSE]

    def id_of(self, place: int) -> int | str:
        """Numbers, or UUIDs whose order is not that of the passages."""
        return place + 1 if self.integers else str(UUID(int=(place * 2654435761 + 17) % 2**32 << 90))

    def payload_of(self, passage: Passage) -> dict[str, Any]:
        """Put each part of a passage where `adopted` says it lies."""
        parts = {
            self.adopted.text: passage.text,
            self.adopted.title: passage.title,
            self.adopted.source: passage.source,
            self.adopted.document: passage.document_id,
            self.adopted.order: passage.ordinal,
            **{path: passage.metadata.get(name) for name, path in self.adopted.fields.items()},
        }
        payload: dict[str, Any] = {}
        for path, value in parts.items():
            if not path or value is None:
                continue
            *above, last = path.split(".")
            inner = payload
            for key in above:
                inner = inner.setdefault(key, {})
            inner[last] = value
        if isinstance(node := payload.get("_node_content"), dict):  # LlamaIndex writes it as a text
            payload["_node_content"] = json.dumps(node)
        return payload


FIELDS = ("lang", "year", "price", "oem", "since", "tags")
LANGCHAIN = Shape(
    FieldMapping(
        text="page_content",
        vectors={DENSE: UNNAMED},
        title="metadata.title",
        source="metadata.source",
        document="metadata.doc",
        order="metadata.start_index",
        fields={name: f"metadata.{name}" for name in FIELDS},
    )
)
LLAMA_INDEX = Shape(
    FieldMapping(
        text="_node_content.text",
        vectors={DENSE: "text-dense"},
        title="title",
        source="file_path",
        document="ref_doc_id",
        order="position",
        fields={name: name for name in FIELDS},
    ),
    others={"image": 3},
)
NUMBERED = Shape(
    FieldMapping(
        text="body.text",
        vectors={DENSE: "embedding"},
        title="body.title",
        source="link",
        document="doc",
        order="n",
        fields={name: name for name in FIELDS},
        distance="euclid",
    ),
    distance=models.Distance.EUCLID,
    integers=True,
)
SHAPES = {"langchain": LANGCHAIN, "llamaindex": LLAMA_INDEX, "numbered-euclid": NUMBERED}


async def make(
    store: QdrantStore, name: str, shape: Shape, passages: Sequence[Passage], vectors: Sequence[Vector]
) -> None:
    """Make a collection as another program would: Resift has no part in it."""
    size = len(vectors[0])
    params = models.VectorParams(size=size, distance=shape.distance)
    named = {other: models.VectorParams(size=each, distance=shape.distance) for other, each in shape.others.items()}
    config = {shape.vector: params, **named} if shape.vector else params
    structs = [
        models.PointStruct(
            id=shape.id_of(place),
            vector={shape.vector: vector.tolist()} if shape.vector else vector.tolist(),
            payload=shape.payload_of(passage),
        )
        for place, (passage, vector) in enumerate(zip(passages, vectors, strict=True))
    ]
    await store.connection.ask(lambda client: client.create_collection(name, vectors_config=config))
    await store.connection.ask(lambda client: client.upsert(name, structs, wait=True))


def manifest_for(shape: Shape, ours: Manifest) -> Manifest:
    """Return the manifest that adopting the collection writes."""
    return Manifest(
        vectors={DENSE: VectorSpec("dense", "text", model=ours.encoder, dimension=ours.dimension)},
        lexical=Bm25Options(ours.lexical.average_length),
        chunking="",
        fields=ours.fields,
        schema_version=ADOPTED_VERSION,
        adopted=shape.adopted,
    )
