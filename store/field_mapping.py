"""Field mappings: which payload fields of a collection that Resift did not create hold the parts of a passage."""

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
"""The payload key under which LlamaIndex stores a node, including its text, as a JSON string."""

UNNAMED = ""
"""The name under which Qdrant refers to a vector without a name."""

_KEY = re.compile(r'"([^"]+)"|([^."\[\]]+)')

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Where the payload of an adopted collection holds the parts of a passage.

    Paths have Qdrant's syntax: keys separated by dots, and quoted if they contain special characters. An empty path
    means that the payload has no such part.
    """

    text: str
    vectors: Mapping[str, str]
    """The collection's names of vectors by ours. A vector that the manifest lacks is still being added."""
    title: str = ""
    source: str = ""
    document: str = ""
    """The id of a point's document. Without this path, each point is a document with the id of the point."""
    order: str = ""
    """A number that orders the passages of a document."""
    fields: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Paths of metadata fields by name."""
    distance: Distance = "cosine"

    def passage(self, point_id: PointId, payload: Mapping[str, Any]) -> Passage:
        """Return the passage that a payload holds."""
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
        """Return the id of a point's document."""
        return text_at(payload, self.document) or str(point_id)

    def score(self, value: float) -> float:
        """Return a score, of which more is better, for a distance; for vectors of length 1 it is the cosine."""
        return 1 - value * value / 2 if self.distance == "euclid" else value


def keys_of(path: str) -> list[str]:
    """Return the keys of a path, one per level."""
    return [quoted or plain for quoted, plain in _KEY.findall(path)]


def path_to(*keys: str) -> str:
    """Return the path of nested keys."""
    return ".".join(key if _PLAIN.fullmatch(key) else f'"{key}"' for key in keys)


def value_at(payload: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path; None if there is none.

    A string on the way is parsed as JSON, which the engine cannot do in a filter.
    """
    value: Any = payload if path else None
    for key in keys_of(path):
        if isinstance(value, str):
            value = _object_in(value)
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def text_at(payload: Mapping[str, Any], path: str) -> str:
    """Return the value at a path as a text; "" if there is none."""
    value = value_at(payload, path)
    return "" if value is None or isinstance(value, list | dict) else str(value)


def _object_in(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
