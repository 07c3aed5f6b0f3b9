"""What is wrong with a setting: its variable, the value where that holds no secret, and what to do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

PREFIX = "RESIFT_"

TABLE = "rerankers"  # whose rows may hold keys, and so are not shown

FORMS = 'A list is written ["one", "two"], an object {"name": "value"}.'


def misfit(error: ValidationError) -> str:
    """Return which setting does not fit, and why."""
    first = error.errors()[0]
    if first["loc"][0] == TABLE:
        # The second part names the row, the third is pydantic's word for its kind.
        place = ".".join(str(part) for part in (*first["loc"][1:2], *first["loc"][3:]))
        named = ": ".join(part for part in (_variable([TABLE]), place) if part)
    else:
        named = _with_values(first)
    return f"{named}: {_reason(first)}. Correct it or leave it out."


def no_json(error: SettingsError, given: Mapping[str, str | None]) -> str:
    """Return which of the variables given holds no JSON where it should; its value may hold a key."""
    cause = error.__cause__
    if not isinstance(cause, json.JSONDecodeError):
        return f"{error}. Correct it."
    named = next((name for name, value in given.items() if name.startswith(PREFIX) and value == cause.doc), "A setting")
    place = f"at character {cause.pos + 1} of {len(cause.doc)}" if cause.pos < len(cause.doc) else "at its end"
    return f"{named} is no JSON: {cause.msg}, {place}. {FORMS}"


def _with_values(first: ErrorDetails) -> str:
    """Return the variable with its value; the variables, where several of a section do not fit together."""
    if isinstance(first["input"], dict) and len(first["loc"]) == 1:
        section = cast("dict[str, Any]", first["input"])
        return ", ".join(f"{_variable([*first['loc'], name])} = {value!r}" for name, value in section.items())
    return f"{_variable(first['loc'])} = {first['input']!r}"


def _variable(parts: Sequence[int | str]) -> str:
    return PREFIX + "__".join(map(str, parts)).upper()


def _reason(first: ErrorDetails) -> str:
    """Return the message, of our own validators without pydantic's "Value error" before it."""
    own = first.get("ctx", {}).get("error") if first["type"] == "value_error" else None
    return str(own) if own else first["msg"]
