"""Messages for invalid settings: the variable, its value unless it may be secret, and what to do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

PREFIX = "RESIFT_"

TABLE = "rerankers"  # its rows may contain API keys, so its value is never shown

TOKENS = ("http", "tokens")  # a row may contain a token where only its hash should be

FORMS = 'Write a list as ["one", "two"] and an object as {"name": "value"}.'


def misfit(error: ValidationError) -> str:
    """Return which setting is invalid, and why."""
    first = error.errors()[0]
    if first["loc"][0] == TABLE:
        # The second part names the row, the third is pydantic's word for its kind.
        place = ".".join(str(part) for part in (*first["loc"][1:2], *first["loc"][3:]))
        named = ": ".join(part for part in (_variable([TABLE]), place) if part)
    elif first["loc"][:2] == TOKENS:
        place = " ".join(str(part) for part in first["loc"][2:])
        named = ": ".join(part for part in (_variable(TOKENS), place) if part)
        return f"{named}: {_reason(first)}. `resift token NAME` prints a row as it must be."
    else:
        named = _with_values(first)
    return f"{named}: {_reason(first)}. Correct it or leave it out."


def no_json(error: SettingsError, given: Mapping[str, str | None]) -> str:
    """Return which of the given variables is not valid JSON, without its value, which may contain a key."""
    cause = error.__cause__
    if not isinstance(cause, json.JSONDecodeError):
        return f"{error}. Correct it."
    named = next((name for name, value in given.items() if name.startswith(PREFIX) and value == cause.doc), "A setting")
    place = f"at character {cause.pos + 1} of {len(cause.doc)}" if cause.pos < len(cause.doc) else "at its end"
    return f"{named} is not valid JSON: {cause.msg}, {place}. {FORMS}"


def _with_values(first: ErrorDetails) -> str:
    """Return the variable with its value, or all variables of a section whose values conflict."""
    if isinstance(first["input"], dict) and len(first["loc"]) == 1:
        section = cast("dict[str, Any]", first["input"])
        return ", ".join(f"{_variable([*first['loc'], name])} = {value!r}" for name, value in section.items())
    return f"{_variable(first['loc'])} = {first['input']!r}"


def _variable(parts: Sequence[int | str]) -> str:
    return PREFIX + "__".join(map(str, parts)).upper()


def _reason(first: ErrorDetails) -> str:
    """Return pydantic's message, or that of our validator without the prefix "Value error"."""
    own = first.get("ctx", {}).get("error") if first["type"] == "value_error" else None
    return str(own) if own else first["msg"]
