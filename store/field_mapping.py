"""Collections that Resift did not make: where in a point's payload the parts of a passage lie."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

from ..core.values import EMPTY, Passage

Distance: TypeAlias = Literal["cosine", "dot", "euclid"]

PointId: TypeAlias = int | str | UUID

NODE = "_node_content"
"""The payload key under which LlamaIndex keeps a node, its text among it, as JSON in one text."""

UNNAMED = ""
"""The name, in Qdrant, of a collection's vector that has none."""

_KEY = re.compile(r'"([^"]+)"|([^."\[\]]+)')

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The names that a collection made elsewhere has for what Resift asks; its points stay as they are.

    Paths are Qdrant's: keys with dots between them, in quotation marks where they hold other signs. An empty one: the
    payload has no such thing.
    """

    text: str
    vectors: Mapping[str, str]
    """By our name of a vector, the collection's; one that the manifest does not have is still being added."""
    title: str = ""
    source: str = ""
    document: str = ""
    """What passages of one document share; without it each point is a document, called by its id."""
    order: str = ""
    """A number by which the passages of a document are put in order."""
    fields: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """By the name of a metadata field, its path."""
    distance: Distance = "cosine"

    def passage(self, point_id: PointId, payload: Mapping[str, Any]) -> Passage:
        """Return the passage in a point's payload."""
        key = str(point_id)
        found = {name: value_at(payload, path) for name, path in self.fields.items()}
        return Passage(
            document_id=self.document_of(point_id, payload),
            ordinal=-1,
            text=text_at(payload, self.text),
            title=text_at(payload, self.title),
            source=text_at(payload, self.source),
            metadata={name: value for name, value in found.items() if value is not None},
            key=key,
        )

    def document_of(self, point_id: PointId, payload: Mapping[str, Any]) -> str:
        """Return the id of the document that a point belongs to."""
        return text_at(payload, self.document) or str(point_id)

    def score(self, found: float) -> float:
        """Return a score of which more is better; of vectors of length 1, the cosine."""
        return 1 - found * found / 2 if self.distance == "euclid" else found


def keys_of(path: str) -> list[str]:
    """Return the keys of a path, one for each level."""
    return [quoted or plain for quoted, plain in _KEY.findall(path)]


def path_to(*keys: str) -> str:
    """Return the path of nested keys."""
    return ".".join(key if _PLAIN.fullmatch(key) else f'"{key}"' for key in keys)


def value_at(payload: Mapping[str, Any], path: str) -> Any:
    """Return what lies at a path; None where nothing does.

    A text on the way is read as JSON, which the engine cannot do in a filter.
    """
    value: Any = payload if path else None
    for key in keys_of(path):
        if isinstance(value, str):
            value = _object_in(value)
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def text_at(payload: Mapping[str, Any], path: str) -> str:
    """Return what lies at a path as a text; "" where nothing does."""
    value = value_at(payload, path)
    return "" if value is None or isinstance(value, list | dict) else str(value)


def _object_in(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
