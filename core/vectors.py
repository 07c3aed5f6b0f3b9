"""Vectors and their names: what a passage may be found by, and what a collection's manifest says of each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidInput
from .values import TEXT_FIELD

VectorKind: TypeAlias = Literal["dense", "sparse", "multi"]

Vector: TypeAlias = NDArray[np.float32]

DENSE = "dense"

BM25 = "bm25"

TOKENS = "tokens"

LEARNED = "sparse"


_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_LARGEST_INDEX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: token ids and their weights, of equal length; empty where a text has no words to match."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Multi:
    """One vector per token, float32 [tokens, dimension]; compared by MaxSim."""

    rows: NDArray[np.float32]


AnyVector: TypeAlias = Vector | Sparse | Multi


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """One named vector of a collection: what it stands for and which model makes it."""

    kind: VectorKind
    field: str
    """"text", the whole passage; "title"; "heading"; or a metadata field."""
    model: str
    """Name and hash of the model, or "bm25"."""
    dimension: int = 0
    """Components of a vector, or of one row; 0 where it is sparse, or not known before a collection is made."""
    idf: bool = False
    """Whether the store multiplies by inverse document frequency: where it is sparse and the model does not."""


def standard_vectors(encoder: str, dimension: int) -> dict[str, VectorSpec]:
    """Return the vectors every collection has unless it was made otherwise: of passage, title and words."""
    return {**dense_vectors(encoder, dimension, ("title",)), BM25: VectorSpec("sparse", TEXT_FIELD, "bm25", idf=True)}


def dense_vectors(encoder: str, dimension: int, fields: Sequence[str]) -> dict[str, VectorSpec]:
    """Return the vector of the passage and one for each field, which bears the field's name.

    Raises:
        InvalidInput: On a field that no vector can be named after.
    """
    for field in fields:
        if not _NAME.fullmatch(field) or field in (DENSE, BM25, TOKENS, LEARNED, TEXT_FIELD):
            raise InvalidInput(
                f"Field {field!r} cannot have a vector: use letters, digits, _ and -, and no taken name."
            )
    named = {DENSE: TEXT_FIELD, **{field: field for field in fields}}
    return {name: VectorSpec("dense", field, model=encoder, dimension=dimension) for name, field in named.items()}


def spec_of(specs: Mapping[str, VectorSpec], name: str) -> VectorSpec:
    """Return what the collection says of a vector.

    Raises:
        InvalidInput: When it has none of that name; lists those it has.
    """
    if name not in specs:
        raise InvalidInput(f"The collection has no vector {name!r}. Known: {', '.join(specs)}.")
    return specs[name]


def is_empty(vector: AnyVector) -> bool:
    """Return whether a vector stands for nothing, and is not written: a sparse one without words."""
    return isinstance(vector, Sparse) and not vector.indices


def read_vector(stored: Any, kind: VectorKind) -> AnyVector:
    """Return our form of a vector as an engine gives it back."""
    if kind == "sparse":
        return Sparse(tuple(stored.indices), tuple(stored.values))
    components = np.array(stored, np.float32)
    return Multi(components) if kind == "multi" else components


def check_vectors(vectors: Mapping[str, AnyVector], specs: Mapping[str, VectorSpec], *, owner: str) -> None:
    """Refuse vectors that an engine would take in silence and then rank wrongly; `owner` is named in the message.

    Raises:
        InvalidInput: On a name or kind the collection has not, another size, or a component no search can use.
    """
    for name, vector in vectors.items():
        if fault := _fault(vector, spec_of(specs, name)):
            raise InvalidInput(f"{owner}: vector {name!r} {fault}")


def _fault(vector: AnyVector, spec: VectorSpec) -> str:
    kind = "sparse" if isinstance(vector, Sparse) else "multi" if isinstance(vector, Multi) else "dense"
    if kind != spec.kind:
        return f"is {kind}, not {spec.kind}."
    if isinstance(vector, Sparse):
        return _fault_of_sparse(vector)
    components = vector.rows if isinstance(vector, Multi) else vector
    wanted = (max(1, len(components)), spec.dimension) if isinstance(vector, Multi) else (spec.dimension,)
    if components.shape != wanted:
        return f"has shape {components.shape}, not {wanted}."
    if not np.isfinite(components).all():
        return "has components that are not finite."
    return "" if components.any(axis=-1).all() else "is zero, so nothing can be near it."


def _fault_of_sparse(vector: Sparse) -> str:
    if len(vector.indices) != len(vector.values):
        return f"has {len(vector.indices)} indices and {len(vector.values)} values."
    if len(set(vector.indices)) != len(vector.indices):
        return "has an index twice."
    if any(not 0 <= index <= _LARGEST_INDEX for index in vector.indices):
        return "has an index beyond 32 bits."
    return "" if np.isfinite(vector.values).all() else "has values that are not finite."
