"""`resift doctor`: is everything there that a search needs?"""

import os
import shutil
from collections.abc import Awaitable, Callable
from functools import partial

from mcp.client import Client
from rich.markup import escape

from ...core.errors import InvalidInput, ResiftError
from ...core.values import Passage
from ...factories.engine import Engine, build_engine
from ...models.bundled import BUNDLED, verify
from ...models.endpoint.language_model import ChatRequest
from ...pipeline.pipeline import DEFAULT
from ...rerank.protocols import score_all
from ...settings.load import Settings
from ...settings.rerankers import CascadeRow
from ...settings.table import settings_table
from ...store.edge.data_dir import DirectoryLock
from ...store.qdrant.rights import rights_at
from ...store.qdrant.store import QdrantStore
from ..mcp import create_server
from .console import OUT

QUESTION, ANSWER = "Is anything there?", "Something is there."  # what models and endpoints are tried with


async def run_doctor(settings: Settings) -> bool:
    """Print what was set, and every check; return whether all checks passed."""
    OUT.print(settings_table(settings))
    engine = build_engine(settings)
    checks: dict[str, Callable[[Engine], Awaitable[str]]] = {
        **({"Qdrant": _check_qdrant} if settings.qdrant_url else {"data folder": _check_data_folder}),
        "models": _check_models,
        "encoder": _check_encoder,
        "reranker": _check_reranker,
        **{f"reranker {name!r}": partial(_check_row, name) for name in _scoring_rows(settings)},
        **({"language model": _check_language_model} if settings.llm.model else {}),
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


def _scoring_rows(settings: Settings) -> list[str]:
    return [name for name, row in settings.rerankers.items() if not isinstance(row, CascadeRow)]


async def _check_row(name: str, engine: Engine) -> str:
    """Load a model of RESIFT_RERANKERS, or ask its endpoint once."""
    reranker = engine.services.pipeline.reranker(name)
    if reranker is None:  # cannot be, for a row that scores
        return "not used"
    scores = await score_all(reranker, QUESTION, [Passage("doctor", 0, ANSWER)])
    return f"{reranker.name} gave {scores.values[0]:.3g} to a passage"


async def _check_language_model(engine: Engine) -> str:
    model = engine.language_model
    if model is None:
        raise InvalidInput(
            f"RESIFT_LLM__MODEL = {engine.settings.llm.model!r} is behind no endpoint. Set OPENAI_BASE_URL or "
            "OPENAI_API_KEY."
        )
    reply = await model.ask(ChatRequest(ANSWER, QUESTION, max_tokens=engine.settings.llm.reply_tokens))
    return f"{model.name} answered: {reply.tokens_in} tokens in, {reply.tokens_out} out"


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
