"""A client that checks, at every call, what holds for every reply."""

import json
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from mcp.client import Client
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult, TextContent, Tool

MOST_CHARACTERS = 40_000  # Claude Code moves replies above 50,000 to a file


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@dataclass(frozen=True, slots=True)
class Asker:
    """Calls the tools of a server."""

    client: Client
    tools: dict[str, Tool]

    async def call(
        self, name: str, arguments: dict[str, Any], *, progress: ProgressFnT | None = None
    ) -> dict[str, Any]:
        """Return the answer, the same as text and as structure, small enough, and as the output schema says."""
        result = await self.client.call_tool(name, arguments, progress_callback=progress)
        text = text_of(result)
        assert not result.is_error, text
        answer = result.structured_content
        assert answer is not None
        assert json.loads(text) == answer
        assert len(text) + len(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))) < MOST_CHARACTERS
        schema = self.tools[name].output_schema
        assert schema is not None
        Draft202012Validator(schema).validate(answer)  # pyright: ignore[reportUnknownMemberType]
        return answer

    async def refusal(self, name: str, arguments: dict[str, Any]) -> str:
        """Return the message of a call that the server must refuse."""
        result = await self.client.call_tool(name, arguments)
        text = text_of(result)
        assert result.is_error, text
        assert result.structured_content is None
        assert len(text) < MOST_CHARACTERS
        return text
