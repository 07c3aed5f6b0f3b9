"""Make every edge from one definition: the fields of a request are the arguments of a tool, a command and a method."""

import json
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from typing import Any, Concatenate, ParamSpec, TypeVar, cast, get_type_hints

from pydantic import ValidationError

from ..core.errors import InvalidInput
from ..core.text import counted, cut, encodable, listed
from ..pipeline.request import PYTHON_ONLY
from .requests import DocumentInput, PassageInput
from .synonyms import suggest

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

MAX_PROBLEMS = 5  # named in one message

MAX_SHOWN_CHARACTERS = 40  # of a refused value; a longer one is a text, which its sender knows

MAX_SHOWN_BITS = 64  # of a refused integer

_ENTRIES = {"documents": list(DocumentInput.__annotations__), "passages": list(PassageInput.__annotations__)}
"""By argument, the fields that each entry of its list may have."""

PLAIN = {
    "Input should be an instance of Sequence": "Input should be a list",
    "'str' instances are not allowed as a Sequence value": "Input should be a list, not a string",
    "Input should be a valid list": "Input should be a list",
    "Input should be an instance of Mapping": "Input should be an object",
    "Input should be a valid dictionary": "Input should be an object",
    "Input should be a valid string": "Input should be a string",
    "Input should be a valid boolean": "Input should be true or false",
    "Input should be a valid boolean, unable to interpret input": "Input should be true or false",
    "Input should be a valid integer": "Input should be an integer",
    "Input should be a valid integer, unable to parse string as an integer": "Input should be an integer",
    "Input should be a valid integer, got a number with a fractional part": "Input should be an integer",
    "Input should be a valid number": "Input should be a number",
    "Input should be a valid number, unable to parse string as a number": "Input should be a number",
}
"""Pydantic's messages in the words of JSON."""

_ENTRY_TYPES = (DocumentInput.__name__, PassageInput.__name__)

_ALTERNATIVES = ("str", *_ENTRY_TYPES)  # what pydantic calls the forms of documents and passages in JSON


def takes(
    request: Callable[P, Any],
) -> Callable[[Callable[..., Coroutine[Any, Any, T]]], Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]]:
    """Give a method the signature of a request, for type checkers, editors and `help`.

    The method itself takes `*args, **kwargs` and passes them to `build`.
    """

    def decorate(
        method: Callable[..., Coroutine[Any, Any, T]],
    ) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
        own = Parameter("self", Parameter.POSITIONAL_ONLY)
        method.__signature__ = Signature([own, *parameters(cast("type[Any]", request))])  # pyright: ignore[reportFunctionMemberAccess]
        return cast("Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]", method)

    return decorate


def build(request: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Return the request made of a method's arguments.

    Raises:
        InvalidInput: An argument is unknown, missing or out of range.
    """
    try:
        return request(*args, **kwargs)
    except ValidationError as error:
        raise InvalidInput(describe(error, known=names(cast("type[Any]", request)))) from error


def without_null_arguments(arguments: Mapping[str, Any], *, optional: Collection[str]) -> dict[str, Any]:
    """Return the arguments without the optional ones that are null, for which the default is meant.

    Models that have to fill in every argument write null for what they do not use.
    """
    return {name: value for name, value in arguments.items() if value is not None or name not in optional}


def describe(error: ValidationError, *, known: Sequence[str]) -> str:
    """Return what is wrong with the arguments, in one or more sentences."""
    return describe_problems(error.errors(), known=known)


def describe_problems(problems: Sequence[Any], *, known: Sequence[str]) -> str:
    """Return what is wrong with the arguments, given pydantic's list of problems."""
    problems = [{**each, "loc": _named(each["loc"], known)} for each in problems]
    problems = [each for each in problems if not _is_other_form(each["loc"])] or problems
    shown = "; ".join(_problem(each, known) for each in problems[:MAX_PROBLEMS])
    more = len(problems) - MAX_PROBLEMS
    return f"Invalid arguments: {shown}{f'; and {more} more' if more > 0 else ''}. Correct them and try again."


def parameters(request: type[Any], *, with_python_only: bool = True) -> list[Parameter]:
    """Return the fields of a request as parameters: the first may be positional, the others are keywords."""
    hints = get_type_hints(request, include_extras=True)
    return [
        Parameter(
            each.name,
            Parameter.KEYWORD_ONLY if each.kw_only else Parameter.POSITIONAL_OR_KEYWORD,
            default=_default(each),
            annotation=hints[each.name],
        )
        for each in fields(request)
        if with_python_only or PYTHON_ONLY not in getattr(hints[each.name], "__metadata__", ())
    ]


def names(request: type[Any]) -> list[str]:
    """Return the names of a request's fields."""
    return [each.name for each in fields(request)]


def _default(field: Field[Any]) -> Any:
    """Return a field's default, or `Parameter.empty` if it has none."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return Parameter.empty if default is MISSING else default


def _named(place: Sequence[str | int], known: Sequence[str]) -> tuple[str | int, ...]:
    """Return a place with the name of an argument for its position, if it was given without one."""
    first, *rest = place or ("",)
    return (known[first], *rest) if isinstance(first, int) and first < len(known) else tuple(place)


def _problem(error: Any, known: Sequence[str]) -> str:
    name = cut(".".join(str(part) for part in error["loc"] if part not in _ALTERNATIVES)) or "arguments"
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden") and len(error["loc"]) == 1:
        return f"unknown argument {name!r}.{suggest(name, known)} Known: {', '.join(known)}"
    if error["type"] == "extra_forbidden":
        entry = _ENTRIES.get(str(error["loc"][0]), [])
        return f"{name}: unknown field.{suggest(str(error['loc'][-1]), entry)} Known: {listed(entry)}"
    if error["type"] == "dict_type" and _is_entry(error["loc"]):
        return f'{name}: Input should be an object such as {{"text": "..."}}'
    return f"{name}: {_what_is_wrong(error)}"


def _what_is_wrong(error: Any) -> str:
    """Return what is wrong with a value, and the value if it is short."""
    said: str = error["msg"].removeprefix("Value error, ")
    message, given, limits = PLAIN.get(said, said), error.get("input"), error.get("ctx", {})
    if error["type"] in ("too_short", "too_long"):
        least, most = limits.get("min_length"), limits.get("max_length")
        needs = f"needs at least {counted(least, 'item')}" if least else f"takes at most {counted(most, 'item')}"
        return f"{needs}, not {len(given):,}"
    if error["type"] == "string_too_long":
        return f"{message}, not {len(given):,}"
    if not (value := _shown(given)) or not message.startswith("Input should be ") or ", not " in message:
        return message
    if error["type"] == "less_than_equal" and _is_number(given) and given > limits["le"]:
        return f"{value} is above the maximum of {limits['le']}"
    if error["type"] == "greater_than_equal" and _is_number(given) and given < limits["ge"]:
        return f"{value} is below the minimum of {limits['ge']}"
    return f"{message}, not {value}"


def _shown(value: Any) -> str:
    """Return a short scalar as JSON, and "" for everything else."""
    if not isinstance(value, str | int | float | None) or (
        isinstance(value, int) and value.bit_length() > MAX_SHOWN_BITS
    ):
        return ""
    shown = encodable(json.dumps(value, ensure_ascii=False))
    return shown if len(shown) <= MAX_SHOWN_CHARACTERS else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_entry(place: Sequence[str | int]) -> bool:
    return (place[0] in _ENTRIES and not isinstance(place[-1], str)) or place[-1] in _ENTRY_TYPES


def _is_other_form(place: Sequence[str | int]) -> bool:
    """Return whether a problem is with a form of a document or passage other than the object, which is told of."""
    return str(place[-1]) == "str" or str(place[-1]).startswith("json-or-python")
