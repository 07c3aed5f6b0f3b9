"""Questions to the user reach them and come back through a real process, in both protocol eras."""

from pathlib import Path

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import ElicitResult

from resift.tests.server.processes import COMMAND, TIMEOUT_S, environment
from resift.tests.tools.test_confirmation import REFUSALS, YES, User

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("answer", [YES, REFUSALS["declined"][0]], ids=["agreed", "declined"])
async def test_question_before_a_deletion_goes_through_the_pipes(
    tmp_path: Path, mode: str, answer: ElicitResult
) -> None:
    parameters = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=environment(tmp_path), cwd=tmp_path
    )
    user = User(answer)
    with anyio.fail_after(TIMEOUT_S):
        async with Client(stdio_client(parameters), mode=mode, elicitation_callback=user) as client:
            await client.call_tool("ingest_documents", {"documents": [{"id": "note", "text": "The pump hums."}]})
            gone = await client.call_tool("delete_documents", {"collection": "default", "everything": True})
            assert gone.structured_content is not None
            assert gone.structured_content["dropped"] is (answer == YES)
    assert len(user.questions) == 1
