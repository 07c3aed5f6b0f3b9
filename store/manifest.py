"""What a collection was made with, kept beside it; opening it with something else is refused."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isclose
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..core.errors import Hint, IncompatibleCollection, StoreError
from ..core.values import Logistic
from ..core.vectors import DENSE, VectorSpec, standard_vectors
from ..encoders.bm25 import Bm25Options
from .field_mapping import FieldMapping
from .fields import FieldType
from .index_options import IndexOptions

SCHEMA_VERSION = 2  # 1 had no `vectors` and no `storage`, but `encoder` and `dimension`: all had the standard vectors

ADOPTED_VERSION = 3  # of adopted collections alone: a Resift that does not know of them leaves them alone

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What `resift tune` found for one reranker on the user's own questions."""

    weights: Mapping[str, float]
    """The share in the final score of each signal that was considered; convex."""
    depth: int
    calibration: Logistic | None
    """From the reranker's raw score to relevance; None keeps the reranker's own."""
    questions: int
    gain: float
    """nDCG@10 over untuned, on questions held out."""
    created: str
    model: str = ""
    """Name and hash of the reranker; empty where it was tuned before that was kept, and so for any of its name."""

    def __post_init__(self) -> None:
        if min(self.weights.values(), default=-1) < 0 or not isclose(sum(self.weights.values()), 1, abs_tol=1e-6):
            raise ValueError(f"weights are not negative and sum to 1, not {dict(self.weights)}")
        if self.depth < 1:
            raise ValueError(f"the depth is at least 1, not {self.depth}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The vectors and the cut of a collection, the metadata fields seen in it, and what was tuned for it."""

    vectors: Mapping[str, VectorSpec]
    """By name; `dense`, of the whole passage, is always among them."""
    lexical: Bm25Options
    chunking: str
    fields: Mapping[str, FieldType] = field(default_factory=dict[str, FieldType])
    created: str = ""
    schema_version: int = SCHEMA_VERSION
    tuning: Mapping[str, Tuning] = field(default_factory=dict[str, Tuning])
    """By the name of the reranker's model."""
    storage: IndexOptions = field(default_factory=IndexOptions)
    adopted: FieldMapping | None = None
    """Where the parts of passages lie, in a collection that Resift did not make."""

    @property
    def encoder(self) -> str:
        """Return name and hash of the model that made the passages' dense vectors."""
        return self.vectors[DENSE].model

    @property
    def dimension(self) -> int:
        """Return the number of components of the passages' dense vectors."""
        return self.vectors[DENSE].dimension

    def check(self, collection: str, wanted: "Manifest") -> None:
        """Refuse to go on with other models than the collection was written with.

        Raises:
            IncompatibleCollection: Naming both sides and how to re-ingest.
        """
        if self.encoder != wanted.encoder or wanted.dimension not in (0, self.dimension):
            size = f" ({wanted.dimension})" if wanted.dimension else ""
            raise IncompatibleCollection(
                f"Collection {collection!r} was written with encoder {self.encoder} ({self.dimension} dimensions); "
                f"configured is {wanted.encoder}{size}.",
                hint=Hint.ADOPT_AGAIN if self.adopted is not None else Hint.REPLACE_COLLECTION,
                collection=collection,
            )

    def check_writable(self, collection: str) -> None:
        """Refuse to write to a collection that Resift did not make.

        Raises:
            StoreError: Saying what may be done instead.
        """
        if self.adopted is not None:
            raise StoreError(
                f"Collection {collection!r} was made elsewhere and adopted: Resift searches it and changes no point of "
                "it. Write to it by what made it, or ingest into another collection."
            )

    def with_dimension(self, dimension: int) -> "Manifest":
        """Return the manifest with a size for the dense vectors that have none yet."""
        sized = {
            name: replace(spec, dimension=dimension) if spec.kind == "dense" and not spec.dimension else spec
            for name, spec in self.vectors.items()
        }
        return replace(self, vectors=sized)

    def over(self, before: "Manifest", stored: "Manifest | None") -> "Manifest":
        """Return the manifest for what is stored now: where it is as it was `before`, what others changed stays."""
        if stored is None:
            return self
        return replace(
            self,
            tuning=_merged(self.tuning, before.tuning, stored.tuning),
            storage=stored.storage if self.storage == before.storage else self.storage,
        )


def _merged(
    mine: Mapping[str, Tuning], before: Mapping[str, Tuning], stored: Mapping[str, Tuning]
) -> dict[str, Tuning]:
    """Return what is stored, with what was changed since `before`: another engine may have tuned another reranker."""
    kept = {name: tuning for name, tuning in stored.items() if mine.get(name) == before.get(name)}
    return kept | {name: tuning for name, tuning in mine.items() if before.get(name) != tuning}


_ADAPTER = TypeAdapter(Manifest)

_OBJECT = TypeAdapter(dict[str, Any])


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file, also one that an older version of Resift wrote.

    Raises:
        IncompatibleCollection: When a newer version wrote it.
        StoreError: When the file is damaged.
    """
    return parse_manifest(path.read_bytes(), str(path))


def parse_manifest(content: str | bytes, place: str) -> Manifest:
    """Return the manifest in JSON that was kept at a place, which messages name.

    Raises:
        IncompatibleCollection: When a newer version of Resift wrote it.
        StoreError: When it is damaged.
    """
    try:
        return _ADAPTER.validate_python(_upgraded(_OBJECT.validate_json(content), place))
    except ValidationError as error:
        raise StoreError(
            f"The manifest {place} is damaged: {error.errors()[0]['msg']}. Restore it or delete it."
        ) from error


def dump_manifest(manifest: Manifest, *, indent: int | None = None) -> str:
    """Return the manifest as JSON."""
    return _ADAPTER.dump_json(manifest, indent=indent).decode()


def _upgraded(stored: dict[str, Any], place: str) -> dict[str, Any]:
    """Return what a manifest of this version would say; it changes where it is kept when it is next written."""
    match stored:
        case {"schema_version": int(version)} if version > ADOPTED_VERSION:
            raise IncompatibleCollection(
                f"{place} has schema {version}; this version of Resift reads up to {ADOPTED_VERSION}. Update Resift."
            )
        case {"schema_version": 1, "encoder": str(encoder), "dimension": int(dimension)}:
            return {**stored, "schema_version": SCHEMA_VERSION, "vectors": standard_vectors(encoder, dimension)}
        case _:
            return stored


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest so that a crash leaves the old file or the new one, never half."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(dump_manifest(manifest, indent=2))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
