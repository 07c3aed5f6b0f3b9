"""Trace one real question: which functions run between the tool and the model that reads its passages.

    python docs/trace.py

`make docs` writes the result into docs/architecture.md.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import anyio
from mcp.client import Client

import resift
from resift.factories.engine import build_engine, running
from resift.models.pair.scorer import PairScorer
from resift.models.worker_pool import WorkerPool
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings

ROOT = Path(resift.__file__).parent
TOOL = "search_and_rerank"
LAST = WorkerPool.map.__code__  # hands the passages to the threads in which the model runs
MODEL = PairScorer.score.__code__


@dataclass(frozen=True, slots=True)
class Call:
    """A function on the way, and the file it is in."""

    function: str
    file: str


async def trace() -> list[Call]:
    """Return the calls from the tool, which comes first, to the one that hands passages to the model."""
    stacks: list[list[Call]] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is LAST:
            stacks.append(_stack(frame))

    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(load_settings(data_dir=Path(folder), min_free_mb=0))
        async with running(engine), Client(create_server(engine)) as client:
            text = "Worn brake pads squeal. Replace the pads on both wheels of an axle."
            await client.call_tool("ingest_documents", {"documents": [{"text": text}]})
            sys.setprofile(watch)
            try:
                await client.call_tool(TOOL, {"query": "why do my brakes squeal"})
            finally:
                sys.setprofile(None)
    # A coroutine is called again each time it resumes; its first call is enough. The encoder uses the same threads.
    calls = next(stack for stack in stacks if any(call.file.startswith("rerank/") for call in stack))
    return calls[[call.function for call in calls].index(TOOL) :]


def table(calls: list[Call]) -> str:
    """Return the calls as a Markdown table, the model last."""
    rows = ["| | function | file |", "|---:|---|---|"]
    rows += [f"| {number} | `{call.function}` | `{call.file}` |" for number, call in enumerate(calls)]
    model = f"| | the model: `{MODEL.co_qualname}`, in a thread | `{_relative(MODEL)}` |"
    return "\n".join([*rows, model]) + "\n"


def _stack(frame: FrameType | None) -> list[Call]:
    """Return our functions on the stack, outermost first, with coroutines that await one another."""
    calls: list[Call] = []
    while frame is not None:
        if file := _relative(frame.f_code):
            calls.append(Call(frame.f_code.co_qualname.rpartition("<locals>.")[2], file))
        frame = frame.f_back
    return calls[::-1]


def _relative(code: CodeType) -> str:
    """Return the path of the code's file below the root; "" if it is not ours."""
    path = Path(code.co_filename)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) and ".venv" not in path.parts else ""


if __name__ == "__main__":
    print(table(anyio.run(trace)))  # noqa: T201 - a script
