"""Command-line options made from the fields of a request, so that its arguments are defined once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from ...api.arguments import parameters
from .command import parse_json_object

T = type[Any]


def with_options(
    request: T, *, argument: str, flags: Mapping[str, Sequence[str]], leave_out: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of a request as options; the command gets their values as its first argument, a dict.

    The field `argument` is positional on the command line. `flags` are the names of options that are not just `--`
    and the field's name. Fields that hold a mapping are given as JSON, and lists by repeating the option.
    """
    fields = [each for each in parameters(request, with_python_only=False) if each.name not in leave_out]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        own = [
            each.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[each.name])
            for each in signature(command).parameters.values()
            if each.name in hints and each.name != "arguments"
        ]

        @wraps(command)
        def call(**values: Any) -> None:
            arguments = {each.name: values.pop(each.name) for each in fields}
            for each in fields:
                if _is(each, Mapping):
                    option = _flags(each.name, flags)[0]
                    arguments[each.name] = parse_json_object(arguments[each.name], option)
            command(arguments, **values)

        options = [_option(each, _flags(each.name, flags), positional=each.name == argument) for each in fields]
        call.__signature__ = Signature([*options, *own])  # pyright: ignore[reportAttributeAccessIssue]
        call.__annotations__ = {each.name: each.annotation for each in [*options, *own]}
        return call

    return decorate


def _option(field: Parameter, flags: Sequence[str], *, positional: bool) -> Parameter:
    """Return the field as a parameter that typer understands."""
    info = next(each for each in field.annotation.__metadata__ if isinstance(each, FieldInfo))
    if positional:
        return field.replace(
            kind=Parameter.KEYWORD_ONLY, annotation=Annotated[str, typer.Argument(help=_help(info, field))]
        )
    bounds = {
        name: value
        for name, kind in (("min", Ge), ("max", Le))
        for each in info.metadata
        if isinstance(each, kind) and (value := getattr(each, kind.__name__.lower())) is not None
    }
    option = typer.Option(*flags, help=_help(info, field), **bounds)
    kind, default = _type_and_default(field)
    return field.replace(kind=Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


def _type_and_default(field: Parameter) -> tuple[Any, Any]:
    """Return the type of the option's value, and its default."""
    if _is(field, Mapping):
        return str, "{}"
    if _is(field, Sequence):
        return list[str], list(field.default)
    return get_args(field.annotation)[0], field.default


def _help(info: FieldInfo, field: Parameter) -> str:
    """Return the field's description as a sentence; JSON is quoted for the shell."""
    text = info.description or ""
    if _is(field, Mapping) and "{" in text:
        start = text.index("{")
        text = f"{text[:start]}'{text[start:]}'"
    return f"{text}."


def _is(field: Parameter, kind: type[Any]) -> bool:
    """Return whether a field holds a value of this collection type."""
    origin = get_origin(get_args(field.annotation)[0])
    return isinstance(origin, type) and origin is not Literal and issubclass(origin, kind)


def _flags(name: str, flags: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return flags.get(name, (f"--{name.replace('_', '-')}",))
