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


def how_to_combine(word: str) -> str:
    """Return " Instead of 'or', write {'any': [{...}]}." for a word that combines filters elsewhere, or nothing."""
    if meant := _meant(word, _COMBINING):
        form = "{...}" if meant == "not" else "[{...}, {...}]"
        return f" Instead of {word!r}, write {{{meant!r}: {form}}}."
    return f" Filters are combined by {listed(_COMBINING)}." if word.startswith("$") else ""


def how_to_compare(field: str, conditions: Mapping[str, Any]) -> str:
    """Return how to write the first condition on a field whose word is known elsewhere, or nothing."""
    for word, value in conditions.items():
        if meant := _meant(word, _COMPARING):
            return f" Instead of {word!r}, write {_condition(field, meant, value)!r:.200}."
    return ""


def _condition(field: str, meant: str, value: Any) -> dict[str, Any]:
    if meant == "value":
        return {field: value}
    if meant == "not":
        return {"not": {field: value}}
    if meant == "all":
        return {"all": [{field: each} for each in (cast("list[Any]", value) if isinstance(value, list) else [value])]}
    return {field: {meant: value}}


def _meant(word: Any, table: Mapping[str, str]) -> str:
    plain = str(word).lstrip("$").lower().replace("-", "_")
    return plain if plain in table else next((each for each, words in table.items() if plain in words.split()), "")
