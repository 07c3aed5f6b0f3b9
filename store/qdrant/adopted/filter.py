"""Compile conditions for an adopted collection, with the paths of its own payload."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ....core.errors import InvalidFilter
from ....core.values import LONGEST_NUMBER, id_of
from ...conditions import compile_with, flag_path_of, path_of
from ...field_mapping import NODE, FieldMapping, keys_of
from ...fields import TEXT
from ...filters import Condition
from ..wire import dialect, to_id

if TYPE_CHECKING:
    from qdrant_client.models import Condition as EngineCondition
    from qdrant_client.models import Filter


DOCUMENT = "document_id"


def compile_adopted(adopted: FieldMapping, condition: Condition) -> Filter:
    """Return the condition as a filter of qdrant-client.

    Raises:
        InvalidFilter: The mapping has no path for a field of the condition.
    """
    return compile_with(replace(dialect(), field=_Fields(adopted).condition), condition)


class _Fields:
    """Translate conditions on our payload paths into conditions on the collection's own paths."""

    def __init__(self, adopted: FieldMapping) -> None:
        built_in = {"title": adopted.title, TEXT: adopted.text, "source": adopted.source, DOCUMENT: adopted.document}
        self._paths = {path_of(name): path for name, path in {**adopted.fields, **built_in}.items() if path}
        self._flags = {flag_path_of(name): path for name, path in adopted.fields.items()}

    def condition(self, *, key: str, match: Any = None, range: Any = None) -> EngineCondition:
        from qdrant_client.models import FieldCondition, MatchValue

        if key in self._flags:  # adopted payloads hold booleans as they are
            return FieldCondition(key=self._flags[key], match=MatchValue(value=match.value == "true"))
        value = getattr(match, "value", None)
        if key == DOCUMENT and key not in self._paths and value is not None:
            return _point(str(value))
        if key not in self._paths:
            option = f"--{key.partition('_')[0]}-field"
            raise InvalidFilter(
                f"This collection was adopted without naming the field of its {key!r}. Filter by another field, or "
                f"name it with the command `resift adopt` and its option {option}."
            )
        path = self._paths[key]
        if keys_of(path)[0] == NODE:
            raise InvalidFilter(
                f"The {key!r} of this adopted collection is inside a JSON string, which filters cannot read. Use its "
                "words in the query, or filter by another field."
            )
        if key == DOCUMENT and isinstance(value, str):
            return _document(path, value)
        return FieldCondition(key=path, match=match, range=range)


def _document(path: str, document_id: str) -> Filter:
    """Return the condition for a document: its id as a text or a number, or a point of that id without a document."""
    from qdrant_client.models import FieldCondition, Filter, IsEmptyCondition, MatchValue, PayloadField

    def held(value: str | int) -> FieldCondition:
        return FieldCondition(key=path, match=MatchValue(value=value))

    none = Filter(should=[IsEmptyCondition(is_empty=PayloadField(key=path)), held("")])
    is_number = document_id.isdecimal() and len(document_id) <= LONGEST_NUMBER and int(document_id) < 2**63
    numbers = [held(int(document_id))] if is_number else []
    return Filter(should=[held(document_id), *numbers, Filter(must=[_point(document_id), none])])


def _point(document_id: str) -> EngineCondition:
    """Return the condition for the point with this id; one that never holds if it cannot be a point id."""
    from qdrant_client.models import HasIdCondition

    try:
        return HasIdCondition(has_id=[to_id(id_of(document_id))])
    except ValueError:
        return HasIdCondition(has_id=[])
