"""Making the vectors that a collection's manifest names for each passage."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..core.errors import IncompatibleCollection
from ..core.values import Passage
from ..core.vectors import BM25, TEXT_FIELD, AnyVector, Multi, VectorSpec
from ..encoders.bm25 import Bm25Encoder
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders
from ..store.manifest import Manifest
from .known_vectors import KnownVectors


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
        self, manifest: Manifest, passages: Sequence[Passage], *, known: KnownVectors
    ) -> tuple[list[Mapping[str, AnyVector]], int]:
        """Return each passage's vectors by name, and how many of the texts exceed the encoder's window.

        Equal texts are encoded once, and those that are known not at all.
        """
        truncated = 0
        columns = dict[str, Sequence[AnyVector | None]]()
        for name, spec in manifest.vectors.items():
            if name == BM25:  # quick to make, and the only one that depends on the name of the file
                bm25 = Bm25Encoder(manifest.lexical)
                columns[name] = [bm25.document(passage.content) for passage in passages]
                continue
            texts = [text_of(spec, passage) for passage in passages]
            found = {text: known.get(name, text) for text in texts}
            missing = [text for text, vector in found.items() if text and vector is None]
            vectors, cut = await self._encode(spec, missing)
            for text, vector in zip(missing, vectors, strict=True):
                if vector is not None:
                    known.add(name, text, vector)
                    found[text] = vector
            columns[name] = [found[text] for text in texts]
            truncated += cut if spec.field == TEXT_FIELD else 0
        rows = zip(*columns.values(), strict=True)
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        return [{name: vector for name, vector in row.items() if vector is not None} for row in named], truncated

    async def _encode(self, spec: VectorSpec, texts: Sequence[str]) -> tuple[Sequence[AnyVector | None], int]:
        """Return the vectors of texts, and how many of these are too long; None for a text that has no vector."""
        if not texts:
            return [], 0
        if spec.kind == "sparse":
            return await self._sparse(spec, texts), 0
        if spec.kind == "multi":
            return await self._tokens(spec, texts), 0
        return await self._encoder.encode(texts)

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


def text_of(spec: VectorSpec, passage: Passage) -> str:
    """Return the text of a passage from which a vector is made; empty if the passage gets none.

    A title that is only the name of the file is left out, so that a file that is renamed keeps its vectors.
    """
    if spec.field != TEXT_FIELD:
        return _value(spec.field, passage)
    return replace(passage, title=_own_title(passage)).content


def _own_title(passage: Passage) -> str:
    return "" if passage.title == passage.source.rpartition("/")[2] else passage.title


def _usable(multi: Multi) -> Multi | None:
    return multi if len(multi.rows) else None


def _value(field: str, passage: Passage) -> str:
    """Return the text of a field; the items of a list are joined."""
    if field in ("title", "heading"):
        return _own_title(passage) if field == "title" else passage.heading
    value: Any = passage.metadata.get(field, "")
    return "; ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)


def _other_model(spec: VectorSpec, setting: str) -> str:
    return (
        f"The collection has vectors of {spec.model}, which is not configured. Set {setting}, or delete the "
        "collection and ingest its documents again."
    )
