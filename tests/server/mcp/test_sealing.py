"""The answer to a question may come to another process, but only with the state that was handed out."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, InputRequiredResult

from resift.api.resift import Resift
from resift.factories.engine import Engine, build_engine
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.tools.test_confirmation import YES, User

pytestmark = pytest.mark.anyio

CALL = {"collection": "notes", "everything": True}
ROWS = [{"name": "one", "sha256": "a1" * 32}, {"name": "two", "sha256": "b2" * 32}]


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def engine(tmp_path: Path, stack: AsyncExitStack) -> Engine:
    built = build_engine(load_settings(data_dir=tmp_path / "data", http={"tokens": ROWS}))
    stack.push_async_callback(built.close)
    await Resift(engine=built).ingest(documents=[{"text": "The pump hums."}], collection="notes")
    return built


async def worker(stack: AsyncExitStack, engine: Engine) -> Client:
    """Return a client of another server over the same store."""
    return await stack.enter_async_context(Client(create_server(engine), elicitation_callback=User(YES)))


async def asked(client: Client) -> InputRequiredResult:
    question = await client.session.call_tool("delete_documents", CALL, allow_input_required=True)
    assert isinstance(question, InputRequiredResult)
    return question


async def answered(client: Client, question: InputRequiredResult, arguments: dict[str, Any]) -> CallToolResult:
    result = await client.session.call_tool(
        "delete_documents",
        arguments,
        input_responses=dict.fromkeys(question.input_requests or {}, YES),
        request_state=question.request_state,
        allow_input_required=True,
    )
    assert isinstance(result, CallToolResult)
    return result


async def test_answer_may_come_to_another_worker_with_the_same_tokens(stack: AsyncExitStack, engine: Engine) -> None:
    question = await asked(await worker(stack, engine))
    result = await answered(await worker(stack, engine), question, CALL)
    assert result.structured_content is not None
    assert result.structured_content["dropped"] is True


async def test_state_of_another_call_or_of_other_tokens_is_refused(
    stack: AsyncExitStack, engine: Engine, tmp_path: Path
) -> None:
    question = await asked(await worker(stack, engine))
    others = build_engine(load_settings(data_dir=tmp_path / "data", http={"tokens": ROWS[:1]}))
    with pytest.raises(MCPError):
        await answered(await worker(stack, others), question, CALL)
    forged = question.model_copy(update={"request_state": f"{question.request_state}A"})
    client = await worker(stack, engine)
    for state, arguments in ((forged, CALL), (question, {**CALL, "collection": "others"})):
        with pytest.raises(MCPError):
            await answered(client, state, arguments)
    assert (await Resift(engine=engine).collections("notes"))[0].documents == 1
