"""What several commands share: common options, options made from the fields of a request, and how to run."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import anyio
import typer
from annotated_types import Ge, Le
from anyio import from_thread
from pydantic.fields import FieldInfo

from ...api.arguments import parameters
from ...core.errors import InvalidInput
from ..output import log_to_stderr
from ..relay.maintenance import engine_kept_out
from .console import note

if TYPE_CHECKING:
    from ...api.resift import Resift
    from ...factories.engine import Engine
    from ...settings.load import Settings


T = TypeVar("T")

ENGINE: ContextVar[Engine | None] = ContextVar("ENGINE", default=None)
"""The engine inside which the current command runs; None if the command builds its own."""

CollectionName: TypeAlias = Annotated[str, typer.Option("--collection", "-c", help="The collection to use.")]

CollectionNames: TypeAlias = Annotated[
    list[str],
    typer.Option("--collection", "-c", help="A collection; can be given several times. Default: all collections."),
]

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Filter: TypeAlias = Annotated[
    str, typer.Option("--filter", help="""Metadata filter as JSON, such as '{"lang": "en"}'.""")
]


def call_api(call: Callable[[Resift], Awaitable[T]], *, settings: Settings | None = None) -> T:
    """Return the result of a call of the public API: of the engine that this runs in, or of an own one meanwhile."""
    from ...api.resift import Resift
    from ...settings.load import load_settings

    engine = ENGINE.get()

    async def run_here() -> T:
        return await call(Resift(engine=engine))

    if engine is not None:
        return from_thread.run(run_here)
    settings = settings or load_settings()

    async def run() -> T:
        async with Resift(settings) as resift:
            log_to_stderr(resift.engine.settings.log_level)
            return await call(resift)

    with alone(settings):
        return anyio.run(run)


def run_on_engine(command: Callable[[Engine], Awaitable[T]], *, settings: Settings | None = None) -> T:
    """Return the result of an async command: on the engine that this runs in, or on a new one that is closed after it.

    Without `settings`, they are loaded.
    """
    from ...settings.load import load_settings

    if (engine := ENGINE.get()) is not None:
        return from_thread.run(_beside_calls, engine, command)
    settings = settings or load_settings()
    with alone(settings):
        return anyio.run(_with_engine, settings, command)


@contextmanager
def alone(settings: Settings, *, in_data_folder: bool = False) -> Generator[None]:
    """Keep the engine that serves the clients away from the collections until the end of the block.

    Those on a Qdrant server are shared anyway, unless `in_data_folder` says that the command works on the others.
    """
    if settings.qdrant_url and not in_data_folder:
        yield
        return
    holder = " ".join(["resift", *sys.argv[1:2]])
    with engine_kept_out(settings.data_dir, holder, tell=note):
        yield


async def _beside_calls(engine: Engine, command: Callable[[Engine], Awaitable[T]]) -> T:
    async with engine.gate.shared():
        return await command(engine)


async def _with_engine(settings: Settings, command: Callable[[Engine], Awaitable[T]]) -> T:
    from ...factories.engine import build_engine

    engine = build_engine(settings)
    log_to_stderr(settings.log_level)
    try:
        return await command(engine)
    finally:
        await engine.close()


def given_options(context: typer.Context) -> list[str]:
    """Return the parameters of a command that were given, and are not just at their defaults."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def option_of(parameter: str) -> str:
    """Return the option that gives a parameter of a command."""
    return f"--{parameter.replace('_', '-')}"


def parse_json_object(text: str, option: str = "--filter") -> dict[str, Any]:
    """Return the JSON object in the value of an option.

    Raises:
        InvalidInput: If the text is not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f'{option} {text!r} is not JSON: {error}. Write it as \'{{"name": "value"}}\'.') from error
    if not isinstance(value, dict):
        raise InvalidInput(f'{option} {text!r} is not a JSON object. Write it as \'{{"name": "value"}}\'.')
    return cast("dict[str, Any]", value)


def with_options(
    request: type[Any], *, argument: str, flags: Mapping[str, Sequence[str]], leave_out: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of a request as options; the command gets their values as its first argument, a dict.

    The field `argument` is positional on the command line, and may be several words without quotes. `flags` are the
    names of options that are not just `--` and the field's name. Fields that hold a mapping are given as JSON, and
    lists by repeating the option.
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
            arguments[argument] = " ".join(arguments[argument])
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
        words = Annotated[list[str], typer.Argument(help=_help(info, field))]
        return field.replace(kind=Parameter.KEYWORD_ONLY, default=[], annotation=words)
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
        return list[str], [field.default] if isinstance(field.default, str) else list(field.default)
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
