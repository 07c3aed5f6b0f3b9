"""Trace one real question: which functions stand between the tool and the model that reads its passages.

    python docs/trace.py

`make docs` writes the result into docs/architecture.md.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
from mcp.client import Client

import resift
from resift.factories.engine import build_engine
from resift.server.mcp import create_server
from resift.settings.load import load_settings

ROOT = Path(resift.__file__).parent
TOOL = "search_and_rerank"
MODEL = "models/pair/scorer.py"
LAST = "models/workers.py"  # hands the passages to the threads in which the model runs


@dataclass(frozen=True, slots=True)
class Call:
    """A function on the way, and the file it is in."""

    function: str
    file: str


async def trace() -> list[Call]:
    """Return the calls from the tool, which comes first, to the one that hands passages to the model."""
    stacks: list[list[Call]] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and _file(frame) == LAST and frame.f_code.co_name == "map":
            stacks.append(_stack(frame))

    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(load_settings(data_dir=Path(folder), min_free_mb=0))
        async with Client(create_server(engine)) as client:
            text = "Worn brake pads squeal. Replace the pads on both wheels of an axle."
            await client.call_tool("ingest_documents", {"documents": [{"text": text}]})
            sys.setprofile(watch)
            try:
                await client.call_tool(TOOL, {"query": "why do my brakes squeal"})
            finally:
                sys.setprofile(None)
    # A coroutine is called again each time it resumes; its first call is enough.
    calls = next(stack for stack in stacks if any(call.file.startswith("rerank/") for call in stack))
    names = [call.function for call in calls]
    return calls[names.index(TOOL) :]


def table(calls: list[Call]) -> str:
    """Return the calls as a Markdown table, the model last."""
    rows = ["| | function | file |", "|---:|---|---|"]
    rows += [f"| {number} | `{call.function}` | `{call.file}` |" for number, call in enumerate(calls)]
    return "\n".join([*rows, f"| | the model: `PairScorer.score`, in a thread | `{MODEL}` |"]) + "\n"


def _stack(frame: FrameType | None) -> list[Call]:
    """Return our functions on the stack, outermost first: those that await one another stand on it together."""
    calls: list[Call] = []
    while frame is not None:
        if file := _file(frame):
            calls.append(Call(frame.f_code.co_qualname.rpartition("<locals>.")[2], file))
        frame = frame.f_back
    return calls[::-1]


def _file(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) and ".venv" not in path.parts else ""


if __name__ == "__main__":
    print(table(anyio.run(trace)))  # noqa: T201 - a script
