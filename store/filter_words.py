"""What other filter languages call the words of ours, so that a wrong one is answered with how to write it."""

from collections.abc import Mapping
from typing import Any, cast

from ..core.text import listed

_COMBINING: Mapping[str, str] = {
    "any": "or should some anyof",
    "all": "and must filter allof",
    "not": "must_not nor none noneof",
}
"""By word for filters, its names in Qdrant, Chroma, Pinecone, Elasticsearch and MongoDB."""

_COMPARING: Mapping[str, str] = {
    "value": "in one_of any anyof values terms eq == = is equals equal value term",
    "not": "ne neq != <> not not_equals is_not nin not_in except",
    "all": "all contains_all",
    "gte": "ge >= min from since",
    "gt": "> above after greater_than more_than",
    "lte": "le <= max to until",
    "lt": "< below before less_than",
    "match": "contains text like ilike match_text phrase icontains",
    "prefix": "starts_with startswith begins_with",
}
"""By condition on one field, its names there. `value` is a value alone, or a list of several."""

_ALONE = ("value", "not", "all")
"""Those that are not written in an object of conditions on the field."""

_SCALARS = (str, int, float, bool)


def how_to_combine(word: str) -> str:
    """Return " Instead of 'or', write {'any': [{...}]}." for a word that combines filters elsewhere, or nothing."""
    if meant := _meant(word, _COMBINING):
        form = "{...}" if meant == "not" else "[{...}, {...}]"
        return f" Instead of {word!r}, write {{{meant!r}: {form}}}."
    return f" Filters are combined by {listed(_COMBINING)}." if word.startswith("$") else ""


def how_to_compare(field: str, conditions: Mapping[str, Any]) -> str:
    """Return how to write the conditions on a field if all of their words are known here or elsewhere, or nothing."""
    meanings = {word: _meant(word, _COMPARING) for word in conditions}
    if not meanings or not all(_takes(meanings[word], value) for word, value in conditions.items()):
        return ""
    compared: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    for word, value in conditions.items():
        meant = meanings[word]
        if meant in _ALONE or meant in compared:
            parts += _conditions(field, meant, value)
        else:
            compared[meant] = value
    parts = [{field: compared}, *parts] if compared else parts
    written = parts[0] if len(parts) == 1 else {"all": parts}
    foreign = ", ".join(repr(word) for word, meant in meanings.items() if word != meant or meant in _ALONE)
    return f" Instead of {foreign:.200}, write {written!r:.200}."


def _takes(meant: str, value: Any) -> bool:
    """Return whether a condition would be valid with the value, as far as that does not depend on the field."""
    if isinstance(value, list):
        values = cast("list[Any]", value)
        return meant in _ALONE and bool(values) and all(isinstance(each, _SCALARS) for each in values)
    return bool(meant) and isinstance(value, str if meant in ("match", "prefix") else _SCALARS)


def _conditions(field: str, meant: str, value: Any) -> list[dict[str, Any]]:
    if meant == "value":
        return [{field: value}]
    if meant == "not":
        return [{"not": {field: value}}]
    if meant == "all":
        return [{field: each} for each in (cast("list[Any]", value) if isinstance(value, list) else [value])]
    return [{field: {meant: value}}]


def _meant(word: Any, table: Mapping[str, str]) -> str:
    plain = str(word).lstrip("$").lower().replace("-", "_").replace(" ", "_")
    return plain if plain in table else next((each for each, words in table.items() if plain in words.split()), "")
