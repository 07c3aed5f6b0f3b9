"""Vectors, their names, and the specifications of them that a collection's manifest holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .errors import InvalidInput
from .text import listed
from .values import TEXT_FIELD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]
else:
    Vector = Any  # numpy is imported where something is computed: it takes a twentieth of the engine's start

VectorKind: TypeAlias = Literal["dense", "sparse", "multi"]

DENSE = "dense"

BM25 = "bm25"

TOKENS = "tokens"

LEARNED = "sparse"


_RESERVED = (DENSE, BM25, TOKENS, LEARNED, TEXT_FIELD)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_LARGEST_INDEX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: token ids and their weights, of equal length; empty if a text has no words to match."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Multi:
    """One vector per token, float32 [tokens, dimension]; compared by MaxSim."""

    rows: "NDArray[np.float32]"


AnyVector: TypeAlias = Vector | Sparse | Multi


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """One named vector of a collection: the field that it encodes and the model that makes it."""

    kind: VectorKind
    field: str
    """"text", the whole passage; "title"; "heading"; or a metadata field."""
    model: str
    """Name and hash of the model, or "bm25"."""
    dimension: int = 0
    """Components of a vector, or of one row; 0 if it is sparse or not known before the first text is encoded."""
    idf: bool = False
    """Whether the store multiplies weights by inverse document frequency: for sparse models that do not do so."""


def standard_vectors(encoder: str, dimension: int) -> dict[str, VectorSpec]:
    """Return the vectors of a collection with default settings: of the passage, of the title, and BM25."""
    return {
        **dense_vectors(encoder, dimension, ("title",)),
        BM25: VectorSpec("sparse", TEXT_FIELD, model="bm25", idf=True),
    }


def dense_vectors(encoder: str, dimension: int, fields: Sequence[str]) -> dict[str, VectorSpec]:
    """Return the vector of the passage, and for each field a vector with the field's name.

    Raises:
        InvalidInput: A field's name cannot be the name of a vector.
    """
    for field in fields:
        if not _NAME.fullmatch(field) or field in _RESERVED:
            raise InvalidInput(
                f"Field {field!r} cannot have a vector. Its name must consist of letters, digits, '_' and '-', and "
                f"must not be one of {', '.join(_RESERVED)}."
            )
    named = {DENSE: TEXT_FIELD, **{field: field for field in fields}}
    return {name: VectorSpec("dense", field, model=encoder, dimension=dimension) for name, field in named.items()}


def spec_of(specs: Mapping[str, VectorSpec], name: str) -> VectorSpec:
    """Return the specification of a named vector.

    Raises:
        InvalidInput: The collection has no vector of that name; the message lists those it has.
    """
    if name not in specs:
        raise InvalidInput(f"The collection has no vector {name!r}. Known: {listed(specs)}.")
    return specs[name]


def is_empty(vector: AnyVector) -> bool:
    """Return whether a vector is a sparse one without words, which is not written."""
    return isinstance(vector, Sparse) and not vector.indices


def read_vector(stored: Any, kind: VectorKind) -> AnyVector:
    """Return a vector that an engine returned, in our own types."""
    if kind == "sparse":
        return Sparse(tuple(stored.indices), tuple(stored.values))
    import numpy as np

    components = np.array(stored, np.float32)
    return Multi(components) if kind == "multi" else components


def check_vectors(vectors: Mapping[str, AnyVector], specs: Mapping[str, VectorSpec], *, owner: str) -> None:
    """Refuse vectors that an engine would accept silently and then rank wrongly; the message names `owner`.

    Raises:
        InvalidInput: A vector has an unknown name, the wrong kind or size, or a component that is not usable.
    """
    for name, vector in vectors.items():
        if fault := _fault(vector, spec_of(specs, name)):
            raise InvalidInput(f"{owner}: vector {name!r} {fault}")


def _fault(vector: AnyVector, spec: VectorSpec) -> str:
    import numpy as np

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
    return "" if components.any(axis=-1).all() else "is zero, so no cosine is defined for it."


def _fault_of_sparse(vector: Sparse) -> str:
    import numpy as np

    if len(vector.indices) != len(vector.values):
        return f"has {len(vector.indices)} indices and {len(vector.values)} values."
    if len(set(vector.indices)) != len(vector.indices):
        return "has an index twice."
    if any(not 0 <= index <= _LARGEST_INDEX for index in vector.indices):
        return "has an index beyond 32 bits."
    return "" if np.isfinite(vector.values).all() else "has values that are not finite."
