"""`resift doctor`: is everything there that a search needs?"""

import os
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from mcp.client import Client
from pydantic import SecretStr
from rich.markup import escape
from rich.table import Table

from ..core.errors import ResiftError
from ..models.bundled import BUNDLED, verify
from ..pipeline.pipeline import DEFAULT
from ..search.lock import DirectoryLock
from ..search.qdrant import QdrantStore
from ..search.qdrant_rights import rights_at
from .assembly import create_server
from .console import OUT
from .engine import Engine, build_engine
from .settings import Settings, all_settings

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")


async def run_doctor(settings: Settings) -> bool:
    """Print the settings and every check; return whether all checks passed."""
    OUT.print(_settings_table(settings))
    engine = build_engine(settings)
    checks: dict[str, Callable[[Engine], Awaitable[str]]] = {
        **({"Qdrant": _check_qdrant} if settings.qdrant_url else {"data folder": _check_data_folder}),
        "models": _check_models,
        "encoder": _check_encoder,
        "reranker": _check_reranker,
        "collections": _check_collections,
        "MCP server": _check_mcp,
    }
    results = [await _run(name, check, engine) for name, check in checks.items()]
    return all(results)


async def _run(name: str, check: Callable[[Engine], Awaitable[str]], engine: Engine) -> bool:
    try:
        found = await check(engine)
    except (ResiftError, OSError) as error:
        OUT.print(f"[red]✗[/red] {name}: {escape(str(error))}", highlight=False, soft_wrap=True)
        return False
    OUT.print(f"[green]✓[/green] {name}: {escape(found)}", highlight=False, soft_wrap=True)
    return True


async def _check_data_folder(engine: Engine) -> str:
    folder = engine.settings.data_dir
    lock = DirectoryLock(folder)
    lock.acquire()
    lock.release()
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written. Set RESIFT_DATA_DIR to a folder that can.")
    return f"{folder}, {shutil.disk_usage(folder).free / 2**30:.1f} GB free"


async def _check_qdrant(engine: Engine) -> str:
    store = engine.services.store
    if not isinstance(store, QdrantStore):  # cannot be, with QDRANT_URL
        return "not used"
    try:
        rights = await rights_at(store)
    finally:
        await store.close()
    connection = store.connection
    lines = [f"{connection.version} at {connection.address.shown} over {connection.transport}"]
    lines.append("may make and delete collections" if rights.manages_collections else "may not make collections")
    if rights.writable:
        lines.append(f"may write to {', '.join(rights.writable)}")
    if rights.read_only:
        lines.append(f"may only read {', '.join(rights.read_only)}")
    if rights.adopted:
        lines.append(f"adopted, to be searched alone: {', '.join(rights.adopted)}")
    if rights.foreign:
        lines.append(f"not Resift's (`resift adopt` makes them searchable): {', '.join(rights.foreign)}")
    if connection.address.sends_key_openly:
        lines.append("the key is sent unencrypted: use https")
    return "; ".join(lines)


async def _check_models(engine: Engine) -> str:
    lines = [f"{model.fingerprint} at {verify(model)}" for model in BUNDLED.values()]
    await engine.transformer.get()
    return "; ".join(lines)


async def _check_encoder(engine: Engine) -> str:
    encoded = await engine.encoder.encode_query("Is anything there?")
    return f"{engine.encoder.fingerprint}, {len(encoded.vector)} dimensions"


async def _check_reranker(engine: Engine) -> str:
    pipeline, found = engine.services.pipeline, engine.cross_encoder
    default = pipeline.reranker(DEFAULT)
    if default is None:
        used = "reranking is off"
    else:
        used = f"{default.name}, weight {pipeline.configured_weights(default)['rerank']:g}"
    await found.load()
    return f"{used}; cross-encoder {found.name} at {found.model.origin}"


async def _check_collections(engine: Engine) -> str:
    names = await engine.services.store.names()
    try:
        sizes = [f"{name} ({await (await engine.services.pipeline.open(name)).count():,} passages)" for name in names]
    finally:
        await engine.close()
    return ", ".join(sizes) or "none yet; `resift ingest PATH` makes one"


async def _check_mcp(engine: Engine) -> str:
    async with Client(create_server(engine)) as client:
        tools = await client.list_tools()
        return f"protocol {client.protocol_version}, {len(tools.tools)} tools"


def _settings_table(settings: Settings) -> Table:
    table = Table("setting", "value", "default", "meaning", title=f"Resift in {Path.cwd()}")
    for name, default, meaning in all_settings():
        table.add_row(name, escape(_value_of(settings, name)), escape(default), escape(meaning))
    return table


def _value_of(settings: Settings, name: str) -> str:
    value: object = settings
    for part in name.removeprefix("RESIFT_").lower().split("__"):
        value = getattr(value, part, os.environ.get(name, ""))
    if value is None:
        return ""
    if value and (isinstance(value, SecretStr) or _SECRET.search(name)):
        return "********"
    return os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
