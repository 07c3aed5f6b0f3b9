"""The manifest of a collection: the models and settings it was created with, and what was learned about it since."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from math import isclose
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..core.errors import DamagedManifest, Hint, IncompatibleCollection, InvalidInput, StoreError
from ..core.private_files import why_unwritable
from ..core.values import Logistic
from ..core.vectors import DENSE, VectorSpec, standard_vectors
from ..core.verdict import VerdictModel
from ..encoders.bm25 import Bm25Options
from .field_mapping import FieldMapping
from .fields import FieldType, widened
from .index_options import IndexOptions

SCHEMA_VERSION = 2  # 1 had `encoder` and `dimension` instead of `vectors`, and no `storage`

ADOPTED_VERSION = 3  # only of adopted collections, so that older versions of Resift refuse to open them

MANIFEST = "manifest.json"

NEW_MANIFEST = "manifest.new"  # while it is written

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tuning:
    """The settings that `resift tune` found for one reranker on the user's own questions."""

    weights: Mapping[str, float]
    """The share of each signal in the final score; the shares sum to 1. Empty: only the calibration was tuned."""
    depth: int
    calibration: Logistic | None
    """Converts the reranker's raw score into relevance; None keeps the reranker's own calibration."""
    questions: int
    gain: float
    """Gain in nDCG@10 over the settings in use before, on held-out questions."""
    created: str
    model: str = ""
    """Name and hash of the reranker; empty in older tunings, which apply to any reranker of that name."""

    def __post_init__(self) -> None:
        least, total = min(self.weights.values(), default=-1), sum(self.weights.values())
        is_calibration = not self.weights and self.calibration is not None
        if not is_calibration and (least < 0 or not isclose(total, 1, abs_tol=1e-6)):
            raise ValueError(f"weights must not be negative and must sum to 1; got {dict(self.weights)}")
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1; got {self.depth}")


@dataclass(frozen=True, slots=True)
class TunedVerdicts:
    """What `resift tune --verdicts` found for one reranker on the user's own questions."""

    models: tuple[VerdictModel, ...]
    """In order of preference."""
    questions: int
    created: str
    model: str
    """Name and hash of the reranker."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The vectors, chunking, metadata fields, index and tuning of a collection."""

    vectors: Mapping[str, VectorSpec]
    """By name; always includes `dense`, the vector of the whole passage."""
    lexical: Bm25Options
    chunking: str
    fields: Mapping[str, FieldType] = field(default_factory=dict[str, FieldType])
    created: str = ""
    schema_version: int = SCHEMA_VERSION
    tuning: Mapping[str, Tuning] = field(default_factory=dict[str, Tuning])
    """By the name of the reranker."""
    verdicts: Mapping[str, TunedVerdicts] = field(default_factory=dict[str, TunedVerdicts])
    """By the name of the reranker."""
    storage: IndexOptions = field(default_factory=IndexOptions)
    adopted: FieldMapping | None = None
    """The payload fields of an adopted collection; None for a collection that Resift created."""
    evaluation: bool = False
    """Whether an evaluation made the collection, and keeps it to the documents of its judged set."""

    def __post_init__(self) -> None:
        if DENSE not in self.vectors:
            raise ValueError(f"`vectors` must include {DENSE!r}; it has {', '.join(self.vectors) or 'none'}")

    @property
    def encoder(self) -> str:
        """Return the name and hash of the model that made the dense vectors of passages."""
        return self.vectors[DENSE].model

    @property
    def dimension(self) -> int:
        """Return the number of components of the dense vectors of passages."""
        return self.vectors[DENSE].dimension

    def check(self, collection: str, wanted: "Manifest") -> None:
        """Check that the collection was written with the models that are configured now.

        Raises:
            IncompatibleCollection: The encoders differ; the message names both and says how to re-ingest.
        """
        if self.encoder != wanted.encoder or wanted.dimension not in (0, self.dimension):
            raise self._incompatible(collection, wanted.encoder, wanted.dimension)

    def check_dimension(self, collection: str, dimension: int) -> None:
        """Check that vectors of the configured encoder have the dimension that the collection was written with.

        Raises:
            IncompatibleCollection: They do not: the model behind an endpoint or a name is another one now.
        """
        if dimension != self.dimension:
            raise self._incompatible(collection, self.encoder, dimension)

    def _incompatible(self, collection: str, encoder: str, dimension: int) -> IncompatibleCollection:
        size = f" ({dimension})" if dimension else ""
        return IncompatibleCollection(
            f"Collection {collection!r} was written with encoder {self.encoder} ({self.dimension} dimensions); "
            f"configured is {encoder}{size}.",
            hint=Hint.ADOPT_AGAIN if self.adopted is not None else Hint.REPLACE_COLLECTION,
            collection=collection,
        )

    def is_made_like(self, wanted: "Manifest") -> bool:
        """Return whether a collection with the other manifest, made now, would have the same vectors and words.

        How scripts without blanks are split is left out: it depends on the version of Resift, not on a setting.
        """
        mine, others = (
            (each.vectors, replace(each.lexical, splits_unspaced=True), each.storage.quantization)
            for each in (self, wanted)
        )
        return mine == others

    def check_writable(self, collection: str) -> None:
        """Refuse to write to an adopted collection.

        Raises:
            StoreError: The collection was adopted.
        """
        if self.adopted is not None:
            raise StoreError(
                f"Collection {collection!r} was made elsewhere and adopted. Resift only searches it and changes no "
                "point of it. Write to it with the program that made it, or ingest into another collection."
            )

    def check_purpose(self, collection: str, *, evaluation: bool) -> None:
        """Keep the documents of evaluations apart from all others, as an evaluation removes what it did not bring.

        Raises:
            InvalidInput: An evaluation made the collection and would not write, or the other way round.
        """
        if self.evaluation and not evaluation:
            raise InvalidInput(
                f"Collection {collection!r} was made by an evaluation, which removes other documents from it. Choose "
                "another collection name, or delete this collection first."
            )
        if evaluation and not self.evaluation:
            raise InvalidInput(
                f"Collection {collection!r} was not made by an evaluation, and holds other documents than the judged "
                "questions come with. It was not changed. Rename the folder of the questions, or delete the collection."
            )

    def with_dimension(self, dimension: int) -> "Manifest":
        """Return the manifest with this dimension for the dense vectors that have none yet."""
        sized = {
            name: replace(spec, dimension=dimension) if spec.kind == "dense" and not spec.dimension else spec
            for name, spec in self.vectors.items()
        }
        return replace(self, vectors=sized)

    def over(self, before: "Manifest", stored: "Manifest | None") -> "Manifest":
        """Return the manifest with what others stored meanwhile: their fields, and what is unchanged since `before`."""
        if stored is None:
            return self
        return replace(
            self,
            fields=widened(stored.fields, self.fields) if self.adopted is None else self.fields,
            tuning=_merged(self.tuning, before.tuning, stored.tuning),
            verdicts=_merged(self.verdicts, before.verdicts, stored.verdicts),
            storage=stored.storage if self.storage == before.storage else self.storage,
        )


def _merged(mine: Mapping[str, T], before: Mapping[str, T], stored: Mapping[str, T]) -> dict[str, T]:
    """Return the stored entries with our changes since `before`; another engine may have tuned another reranker."""
    kept = {name: entry for name, entry in stored.items() if mine.get(name) == before.get(name)}
    return kept | {name: entry for name, entry in mine.items() if before.get(name) != entry}


@cache
def _adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


_OBJECT = TypeAdapter(dict[str, Any])


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file, which an older version of Resift may have written.

    Raises:
        IncompatibleCollection: A newer version of Resift wrote it.
        StoreError: The file is damaged or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"The manifest {path} cannot be read: {error.strerror}.", hint=Hint.REPAIR_MANIFEST) from error
    return parse_manifest(content, str(path))


def parse_manifest(content: str | bytes, place: str) -> Manifest:
    """Return the manifest in a JSON text; error messages name its `place`.

    Raises:
        IncompatibleCollection: A newer version of Resift wrote it.
        DamagedManifest: The text is damaged.
    """
    try:
        return _adapter().validate_python(_upgraded(_OBJECT.validate_json(content), place))
    except ValidationError as error:
        raise DamagedManifest(
            f"The manifest {place} is damaged: {error.errors()[0]['msg']}.", hint=Hint.REPAIR_MANIFEST
        ) from error


def dump_manifest(manifest: Manifest, *, indent: int | None = None) -> str:
    """Return the manifest as JSON."""
    return _adapter().dump_json(manifest, indent=indent).decode()


def _upgraded(stored: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a manifest of an older schema in the current one; the stored one changes when it is next written."""
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
    """Write the manifest so that a crash leaves either the old file or the new one, never a part.

    Raises:
        StoreError: The file cannot be written; the old one is unchanged.
    """
    fresh = path.with_name(NEW_MANIFEST)
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(dump_manifest(manifest, indent=2))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        reason = why_unwritable(error, "Correct its permissions.")
        raise StoreError(f"The manifest {path} cannot be written: {reason}") from error
