"""What several commands share: common options, JSON arguments, and running on an engine."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

import anyio
import typer

from ...core.errors import InvalidInput

if TYPE_CHECKING:
    from ...api.client import Resift
    from ...factories.engine import Engine
    from ...settings.load import Settings

T = TypeVar("T")

CollectionName: TypeAlias = Annotated[str, typer.Option("--collection", "-c", help="The collection to use.")]

CollectionNames: TypeAlias = Annotated[
    list[str],
    typer.Option("--collection", "-c", help="A collection; can be given several times. Default: all collections."),
]

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Filter: TypeAlias = Annotated[
    str, typer.Option("--filter", help="""Metadata filter as JSON, such as '{"lang": "en"}'.""")
]


def call_api(call: Callable[[Resift], Awaitable[T]]) -> T:
    """Return the result of a call of the public API, which is opened and closed around it."""

    async def run() -> T:
        from ...api.client import Resift

        async with Resift() as resift:
            return await call(resift)

    return anyio.run(run)


def run_on_engine(
    command: Callable[[Engine], Awaitable[T]], *, settings: Settings | None = None, roots: Sequence[Path] = ()
) -> T:
    """Run an async command on a new engine, close the engine in any case, and return the command's result.

    Without `settings`, they are loaded. `roots` are folders that may be read in addition to those of the settings.
    """
    from ...settings.load import load_settings

    return anyio.run(_with_engine, settings or load_settings(), command, roots)


async def _with_engine(settings: Settings, command: Callable[[Engine], Awaitable[T]], roots: Sequence[Path]) -> T:
    from ...factories.engine import build_engine

    engine = build_engine(settings, roots=roots)
    try:
        return await command(engine)
    finally:
        await engine.close()


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
