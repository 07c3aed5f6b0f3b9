"""Making the vectors that a collection's manifest names for each passage."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..core.errors import IncompatibleCollection
from ..core.values import Passage
from ..core.vectors import BM25, TEXT_FIELD, AnyVector, Multi, Vector, VectorSpec
from ..encoders.bm25 import Bm25Encoder
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders
from ..store.manifest import Manifest


class Embedder:
    """Makes vectors with the configured models."""

    def __init__(self, encoder: Encoder, extra_encoders: ExtraEncoders = NO_EXTRA_ENCODERS) -> None:
        self._encoder = encoder
        self._extra_encoders = extra_encoders
        self._dimension = 0  # measured when the encoder cannot say

    async def sized(self, manifest: Manifest) -> Manifest:
        """Return the manifest with the dimension of the encoder's vectors, encoding a text if need be to measure it."""
        if manifest.dimension:
            return manifest
        if not self._dimension:
            [vector], _ = await self._encoder.encode(["size"])
            self._dimension = len(vector)
        return manifest.with_dimension(self._dimension)

    async def vectors(
        self, manifest: Manifest, passages: Sequence[Passage]
    ) -> tuple[list[Mapping[str, AnyVector]], int]:
        """Return each passage's vectors by name, and how many passages exceed the encoder's window."""
        texts = [passage.content for passage in passages]
        truncated = 0
        columns = dict[str, Sequence[AnyVector | None]]()
        for name, spec in manifest.vectors.items():
            if name == BM25:
                bm25 = Bm25Encoder(manifest.lexical)
                columns[name] = [bm25.document(text) for text in texts]
            elif spec.kind == "sparse":
                columns[name] = await self._sparse(spec, texts)
            elif spec.kind == "multi":
                columns[name] = await self._tokens(spec, texts)
            elif spec.field == TEXT_FIELD:
                columns[name], truncated = await self._encoder.encode(texts)
            else:
                columns[name] = await self._field(spec.field, passages)
        rows = zip(*columns.values(), strict=True)
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        return [{name: vector for name, vector in row.items() if vector is not None} for row in named], truncated

    async def _field(self, field: str, passages: Sequence[Passage]) -> list[Vector | None]:
        """Return the vectors of one field. Passages of a document share its value, so equal values are encoded once."""
        values = [_value(field, passage) for passage in passages]
        distinct = sorted(set(values) - {""})
        vectors, _ = await self._encoder.encode(distinct)
        known = dict(zip(distinct, vectors, strict=True))
        return [known.get(value) for value in values]

    async def _sparse(self, spec: VectorSpec, texts: Sequence[str]) -> Sequence[AnyVector]:
        encoder = self._extra_encoders.sparse
        if encoder is None or encoder.fingerprint != spec.model:
            raise IncompatibleCollection(_other_model(spec, "RESIFT_VECTORS__WORDS"))
        return await encoder.encode(texts)

    async def _tokens(self, spec: VectorSpec, texts: Sequence[str]) -> Sequence[AnyVector | None]:
        encoder = self._extra_encoders.tokens
        if encoder is None or encoder.fingerprint != spec.model:
            raise IncompatibleCollection(_other_model(spec, "RESIFT_VECTORS__TOKENS"))
        return [_usable(multi) for multi in await encoder.encode_tokens(texts)]


def _usable(multi: Multi) -> Multi | None:
    return multi if len(multi.rows) else None


def _value(field: str, passage: Passage) -> str:
    """Return the text of a field; the items of a list are joined."""
    if field in ("title", "heading"):
        return passage.title if field == "title" else passage.heading
    value: Any = passage.metadata.get(field, "")
    return "; ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)


def _other_model(spec: VectorSpec, setting: str) -> str:
    return (
        f"The collection has vectors of {spec.model}, which is not configured. Set {setting}, or delete the "
        "collection and ingest its documents again."
    )
