"""`resift doctor`: check everything that a search needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import typer
from anyio import to_thread

from ...core.errors import Hint, InvalidInput, ResiftError, StoreBusy, StoreError, Unavailable
from ...core.masking import SECRETS
from ...core.text import counted
from .command import alone
from .console import HINTS, show, stdout

if TYPE_CHECKING:
    from pathlib import Path

    from ...factories.engine import Engine
    from ...settings.load import Settings

_HINTS = {**HINTS, Hint.FIND_CAUSE: ""}  # whose wording on the terminal is to run this command

QUESTION, ANSWER = "Is anything there?", "Something is there."  # sent to models and endpoints to try them


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor() -> None:
    """Check settings, data folder, models and the MCP server. The exit code is 1 if a check fails."""
    from ...settings.load import load_settings

    settings = load_settings()
    with alone(settings):
        passes = anyio.run(run_doctor, settings)
    if not passes:
        raise typer.Exit(1)


async def run_doctor(settings: Settings) -> bool:
    """Print the settings that were changed, and the result of every check; return whether all checks passed."""
    from ...factories.engine import build_engine
    from ...settings.table import settings_table

    show(settings_table(settings))
    engine = build_engine(settings)
    checks: dict[str, Callable[[Engine], Awaitable[str]]] = {
        **({"Qdrant": _check_qdrant} if settings.qdrant_url else {"data folder": _check_data_folder}),
        "models": _check_models,
        "encoder": _check_encoder,
        "reranker": _check_reranker,
        **{f"reranker {name!r}": partial(_check_row, name) for name in _scoring_rows(settings)},
        **({"language model": _check_language_model} if settings.llm.model else {}),
        "plug-ins": _check_plugins,
        "collections": _check_collections,
        "MCP server": _check_mcp,
        "engine": _check_engine,
    }
    results = dict[str, bool]()
    for name, check in checks.items():
        if name == "collections" and not results[next(iter(checks))]:
            _print_result("[yellow]-[/yellow]", name, f"not checked, because {next(iter(checks))} failed")
        else:
            results[name] = await _passes(name, check, engine)
    return all(results.values())


async def _passes(name: str, check: Callable[[Engine], Awaitable[str]], engine: Engine) -> bool:
    try:
        found = await check(engine)
    except ResiftError as error:
        problem = error.text(_HINTS).rstrip()
    except OSError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - the other checks run whatever one of them raises
        problem = f"{type(error).__name__}: {error}"
    else:
        _print_result("[green]✓[/green]", name, found)
        return True
    _print_result("[red]✗[/red]", name, problem)
    return False


def _print_result(mark: str, name: str, text: str) -> None:
    from rich.markup import escape

    stdout().print(f"{mark} {escape(name)}: {escape(SECRETS.mask(text))}", highlight=False, soft_wrap=True)


async def _check_data_folder(engine: Engine) -> str:
    from ...store.edge.data_dir import DirectoryLock, advice_on_access

    folder = engine.settings.data_dir
    lock = DirectoryLock(folder)
    lock.acquire()
    lock.release()
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} is not writable. Set RESIFT_DATA_DIR to a folder that is.")
    free = shutil.disk_usage(folder).free
    if free < engine.settings.min_free_mb * 2**20:
        raise InvalidInput(
            f"Only {free / 2**20:,.0f} MB free on the disk of {folder}. Nothing is added while there is less than "
            f"{engine.settings.min_free_mb:,} MB. Free some space, move RESIFT_DATA_DIR, or lower RESIFT_MIN_FREE_MB."
        )
    return f"{folder}, {free / 2**30:.1f} GB free{advice_on_access(folder)}"


async def _check_qdrant(engine: Engine) -> str:
    from ...store.qdrant.rights import rights_at
    from ...store.qdrant.store import QdrantStore

    store = engine.services.store
    if not isinstance(store, QdrantStore):  # cannot be, with QDRANT_URL
        return "not used"
    try:
        rights = await rights_at(store)
    finally:
        await store.close()
    connection = store.connection
    lines = [f"{connection.version} at {connection.address.shown} over {connection.transport}"]
    lines.append("can create and delete collections" if rights.manages_collections else "cannot create collections")
    if rights.writable:
        lines.append(f"can write to {', '.join(rights.writable)}")
    if rights.read_only:
        lines.append(f"can only read {', '.join(rights.read_only)}")
    if rights.adopted:
        lines.append(f"adopted, read-only: {', '.join(rights.adopted)}")
    if rights.foreign:
        lines.append(f"made by other programs (use `resift adopt` to search them): {', '.join(rights.foreign)}")
    if connection.address.sends_key_openly:
        lines.append("the API key is sent unencrypted: use https")
    return "; ".join(lines)


async def _check_models(engine: Engine) -> str:
    from ...models.bundled import BUNDLED, verify

    lines = [f"{model.fingerprint} at {verify(model)}" for model in BUNDLED.values()]
    await engine.transformer.get()
    return "; ".join(lines)


async def _check_encoder(engine: Engine) -> str:
    encoded = await engine.encoder.encode_query(QUESTION)
    return f"{engine.encoder.fingerprint}, {len(encoded.vector)} dimensions"


async def _check_reranker(engine: Engine) -> str:
    from ...pipeline.request import DEFAULT

    pipeline, found = engine.services.pipeline, engine.cross_encoder
    default = pipeline.rerankers.scorer(DEFAULT)
    if default is None:
        used = "reranking is off"
    else:
        used = f"{default.name}, weight {pipeline.rerankers.weights(default)['rerank']:g}"
    await found.load()
    return f"{used}; cross-encoder {found.name} at {found.model.origin}"


def _scoring_rows(settings: Settings) -> list[str]:
    from ...settings.reranker_rows import CascadeRow

    return [name for name, row in settings.rerankers.items() if not isinstance(row, CascadeRow)]


async def _check_row(name: str, engine: Engine) -> str:
    """Load a model of RESIFT_RERANKERS, or send its endpoint one request."""
    from ...core.query import Query
    from ...core.values import Passage

    reranker = engine.services.pipeline.rerankers.scorer(name)
    if reranker is None:  # cannot be, for a row that scores
        return "not used"
    scores = (await reranker.score(Query(QUESTION), [Passage("doctor", 0, text=ANSWER)])).check(reranker, 1)
    return f"{reranker.name} gave {scores.values[0]:.3g} to a passage"


async def _check_language_model(engine: Engine) -> str:
    from ...models.endpoint.chat import ChatRequest

    model = engine.language_model
    if model is None:
        raise InvalidInput(
            f"RESIFT_LLM__MODEL = {engine.settings.llm.model!r} has no endpoint. Set OPENAI_BASE_URL or OPENAI_API_KEY."
        )
    reply = await model.ask(ChatRequest(ANSWER, QUESTION, max_tokens=engine.settings.llm.reply_tokens))
    return f"{model.name} answered: {reply.tokens_in} tokens in, {reply.tokens_out} out"


async def _check_plugins(engine: Engine) -> str:
    from ...ingest.parsers.registry import BUILT_IN, installed_parsers

    parsers = installed_parsers()
    if parsers.problems:
        raise InvalidInput("\n  ".join(parsers.problems))
    added = sorted(parsers.by_name.keys() - BUILT_IN.keys())
    return f"parsers of other packages: {', '.join(added)}" if added else "no parsers of other packages"


async def _check_collections(engine: Engine) -> str:
    """Open every collection, one at a time, so that one that fails does not hide the others."""
    from ...store.edge.store import EdgeStore

    store, lines, problems = engine.services.store, list[str](), list[str]()
    names = await store.names()
    dimension = await _dimension(engine) if names else 0
    for name in names:
        try:
            collection = await engine.services.pipeline.open(name)
            if dimension:
                collection.manifest.check_dimension(name, dimension)
            passages = await collection.count()
            lines.append(f"{name} ({counted(passages, 'passage')})")
        except StoreBusy:
            raise
        except StoreError as error:
            problems.append(error.text(HINTS))
        finally:
            await store.close()
    if isinstance(store, EdgeStore):
        problems += [f"The folder {each} is not Unicode. Rename or delete it." for each in await store.unnamable()]
    found = ", ".join(lines) or "none yet; run `resift ingest PATH` to make one"
    if problems:
        raise StoreError("\n  ".join([*([found] if lines else []), *problems]))
    return found


async def _dimension(engine: Engine) -> int:
    """Return the dimension of the encoder's vectors; 0 if it fails, which another check reports."""
    if engine.encoder.dimension:
        return engine.encoder.dimension
    try:
        return len((await engine.encoder.encode_query(QUESTION)).vector)
    except ResiftError:
        return 0


async def _check_engine(engine: Engine) -> str:
    """Ask the engine that serves the clients for its state; where none runs, make the socket that it would make."""
    from ..relay.connect import EngineFailed
    from ..relay.control import ask_state

    try:
        state = await to_thread.run_sync(ask_state)
    except EngineFailed as error:
        raise Unavailable(str(error)) from error
    if state is None:
        place = await to_thread.run_sync(try_to_listen, engine.settings.data_dir)
        return f"not running; the next MCP client starts it. It can listen at {place}"
    log = state["log"] or "on its stderr"
    clients = counted(
        sum(each["pid"] != os.getpid() for each in state["clients"]), "client"
    )  # others than this command
    found = f"process {state['pid']}, version {state['version']}, {clients}, log {log}"
    return f"{found}. {state['difference']}" if state["difference"] else found


def try_to_listen(folder: Path) -> str:
    """Listen where the engine of a data folder would, and return where that is.

    Raises:
        InvalidInput: That is impossible.
    """
    from filelock import FileLock

    from ... import __version__
    from ...core.private_files import why_unwritable
    from ...settings.location import ENGINE_LOCK
    from ..engine.address import listen

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ENGINE_LOCK, timeout=0):
            listening, address = listen(folder, __version__)
            listening.close()
            address.withdraw(folder)
    except OSError as error:
        advice = "Correct its permissions, or set RESIFT_DATA_DIR to another folder."
        reason = why_unwritable(error, advice) if error.strerror else f"{error}."
        raise InvalidInput(f"No engine can listen for the data folder {folder}: {reason}") from error
    return address.path or f"port {address.port} of this machine"


async def _check_mcp(engine: Engine) -> str:
    from mcp.client import Client

    from ..mcp.assembly import create_server

    async with Client(create_server(engine)) as client:
        tools = await client.list_tools()
        return f"protocol {client.protocol_version}, {len(tools.tools)} tools"
