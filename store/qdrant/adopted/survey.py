"""Survey a collection that Resift did not create: its vectors, and the payloads of a sample of its points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from statistics import mean
from typing import Any, cast

from ....core.errors import InvalidInput
from ...field_mapping import NODE, UNNAMED, PointId, path_to, text_at
from ...fields import MAX_FIELDS, FieldType, check_metadata, type_of, widen
from ..connection import QdrantConnection

SAMPLE_SIZE = 256  # points

LONGEST_VALUE = 400  # characters of a value to filter by; longer ones are text to read

MAX_DEPTH = 4  # of nested payloads

COMMON = 0.5  # share of the sampled points that must have a path for it to be suggested

UNNAMED_SHOWN = "(unnamed)"

TEXTS = ("page_content", "text", "content", "document", "chunk", "body", "passage")

TITLES = ("title", "heading", "name", "file_name", "filename")

SOURCES = ("source", "url", "file_path", "path", "uri", "file_name")

DOCUMENTS = ("document_id", "doc_id", "ref_doc_id", "parent_id")

ORDERS = ("start_index", "chunk_index", "chunk_id", "chunk", "ordinal", "position", "index", "page")

BELOW = ("metadata.", "meta.")

NODE_TEXT = f"{NODE}.text"


@dataclass(frozen=True, slots=True)
class StoredVector:
    """The configuration of a vector of the collection."""

    name: str
    is_sparse: bool
    dimension: int = 0
    distance: str = ""
    datatype: str = "float32"
    is_multi: bool = False
    idf: bool = False

    @property
    def shown(self) -> str:
        """Return the name, as the command line accepts it, and a description."""
        name = self.name or UNNAMED_SHOWN
        if self.is_sparse:
            return f"{name} (sparse{', IDF' if self.idf else ''})"
        kind = ", several per point" if self.is_multi else ""
        return f"{name} ({self.dimension}, {self.distance}, {self.datatype}{kind})"


@dataclass(frozen=True, slots=True)
class SamplePoint:
    """A sampled point."""

    id: PointId
    payload: Mapping[str, Any]
    vectors: Mapping[str, Any]
    """By the collection's own names."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The result of a survey."""

    points: int
    vectors: Mapping[str, StoredVector]
    sample: Sequence[SamplePoint]
    leaves: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    """The values of the sampled points, by path."""

    def texts(self, path: str) -> list[str]:
        """Return the texts of the sampled points at a path."""
        return [text for point in self.sample if (text := text_at(point.payload, path)).strip()]

    def guess(self, names: Sequence[str], *, besides: Sequence[str] = ()) -> str:
        """Return the path that ends in the first of these names that half of the points have; "" if there is none."""
        enough = COMMON * len(self.sample)
        for name in names:
            for path in sorted(self.leaves, key=lambda path: (path.count("."), path)):
                if path.rpartition(".")[2] == name and path not in besides and len(self.leaves[path]) >= enough:
                    return path
        return ""

    def guess_text(self) -> str:
        """Return the path that most likely holds the text: one with a usual name, else that of the longest texts."""
        if self.texts(NODE_TEXT):
            return NODE_TEXT
        texts = {
            path: mean(len(value) for value in values)
            for path, values in self.leaves.items()
            if len(values) >= COMMON * len(self.sample) and all(isinstance(value, str) for value in values)
        }
        known = self.guess(TEXTS)
        return known if known in texts else max(texts, key=lambda path: texts[path], default="")


async def survey(connection: QdrantConnection, name: str) -> Survey:
    """Return the size of a collection, its vectors, and a random sample of its points."""
    from qdrant_client.models import QueryRequest, Sample, SampleQuery

    info = await connection.ask(lambda client: client.get_collection(name))
    count = await connection.ask_points(name, lambda client: client.count(name, exact=False))
    draw = QueryRequest(query=SampleQuery(sample=Sample.RANDOM), limit=SAMPLE_SIZE, with_payload=True, with_vector=True)
    [answer] = await connection.ask_points(name, lambda client: client.query_batch_points(name, [draw]))
    sample = [SamplePoint(point.id, point.payload or {}, _named(point.vector)) for point in answer.points]
    leaves: dict[str, list[Any]] = {}
    for point in sample:
        for path, value in _leaves(point.payload, ()):
            leaves.setdefault(path, []).append(value)
    return Survey(count.count, _vectors(info.config.params), sample=sample, leaves=leaves)


def fields_of(seen: Survey, *, besides: Sequence[str]) -> tuple[dict[str, str], dict[str, FieldType]]:
    """Return the paths and the types of the fields to filter by, by name.

    A field below "metadata" has its name there, or its whole path if another field has that name.
    """
    paths, types = dict[str, str](), dict[str, FieldType]()
    for path, values in sorted(seen.leaves.items()):
        if path in besides or _is_long(values) or len(paths) == MAX_FIELDS:
            continue
        below = next((path.removeprefix(each) for each in BELOW if path.startswith(each)), path)
        name = next((each for each in (below, path) if _can_name(each) and each not in paths), "")
        if name:
            kinds: list[FieldType] = [type_of(value) for value in values]
            paths[name], types[name] = path, reduce(widen, kinds)
    return paths, types


def _is_long(values: Sequence[Any]) -> bool:
    return max(len(value) if isinstance(value, str) else 0 for value in values) > LONGEST_VALUE


def _can_name(name: str) -> bool:
    try:
        check_metadata({name: ""})
    except InvalidInput:
        return False
    return True


def _leaves(payload: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each scalar, or list of scalars, in a payload."""
    for key, value in payload.items():
        if '"' in key:  # a path cannot contain it
            continue
        keys = (*above, key)
        if isinstance(value, Mapping) and len(keys) < MAX_DEPTH:
            yield from _leaves(cast("Mapping[str, Any]", value), keys)
            continue
        items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        if items and all(isinstance(item, str | int | float | bool) for item in items):
            yield path_to(*keys), value


def _named(vector: Any) -> Mapping[str, Any]:
    if isinstance(vector, Mapping):
        return cast("Mapping[str, Any]", vector)
    return {} if vector is None else {UNNAMED: vector}


def _vectors(params: Any) -> dict[str, StoredVector]:
    """Return the vectors that a collection's parameters define."""
    dense: Any = params.vectors or {}
    named = cast("Mapping[str, Any]", dense if isinstance(dense, Mapping) else {UNNAMED: dense})
    found = {
        name: StoredVector(
            name,
            is_sparse=False,
            dimension=each.size,
            distance=each.distance.value.lower(),
            datatype=each.datatype.value if each.datatype else "float32",
            is_multi=each.multivector_config is not None,
        )
        for name, each in named.items()
    }
    sparse = cast("Mapping[str, Any]", params.sparse_vectors or {})
    for name, each in sparse.items():
        idf = each.modifier is not None and each.modifier.value == "idf"
        found[name] = StoredVector(name, is_sparse=True, idf=idf)
    return found
