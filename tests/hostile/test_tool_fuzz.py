"""Calls of every tool, drawn from its schema: each is answered, briefly, and costs no document."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resift.tests.hostile.data_folders import (
    DOCUMENTS,
    OTHER,
    VICTIM,
    assert_found,
    assert_whole,
    copy,
    document_id,
    ingest,
)
from resift.tests.hostile.schema_values import SchemaValues
from resift.tests.hostile.server_process import Fault, Reply, ServerProcess

pytestmark = pytest.mark.slow

CALLS = 500
SEEDS = (11, 12, 13, 14)
EVERY = 100  # calls between two looks at what has to be there
MOST_CHARACTERS = 40_000
INTERNAL_ERROR = -32603
UNEXPECTED = "Error executing tool"

POOLS: dict[str, tuple[Any, ...]] = {
    "query": ("how does unit 3 show wear", "pump", "which torque for the seat of unit 7", "grease", "unit 11"),
    "collection": (
        *[OTHER] * 5,
        *[VICTIM] * 3,
        *("fuzzed", "fuzzed", "default", "nowhere"),
        *("*", "*", f"{OTHER},{VICTIM}", [OTHER, VICTIM], [OTHER, "nowhere"]),
    ),
    "document_id": tuple(document_id(number) for number in range(DOCUMENTS)),
    "passage_id": tuple(f"{document_id(number)}#{number % 3}" for number in range(DOCUMENTS)),
    "like": ([f"{document_id(1)}#0"], [f"{document_id(2)}#0", f"{document_id(3)}#1"], ["nowhere#7"]),
    "unlike": ([f"{document_id(4)}#0"],),
    "filter": (
        {"kind": "pump"},
        {},
        {},
        {"number": {"gte": 3, "lt": 9}},
        {"kind": ["lamp", "radar"], "not": {"draft": True}},
        {"any": [{"number": 1}, {"kind": "sail"}]},
        {"kind": "pmup"},
        {"nothing": 1},
        {"source": {"prefix": "notes"}},
    ),
    "fields": (
        {"title": 0.6, "text": 0.4},
        {"title": 1},
        {"text": 1},
        {f"unknown-{number}": 1.0 for number in range(5000)},
    ),
    "boost": ({"kind": {"pump": 1.5, "lamp": 0.2}}, {"number": {"3": 2}}),
    "recency": ({"field": "number", "half_life_days": 30}, {"field": "nothing"}),
    "document_ids": ([document_id(3)], [f"missing-{number}" * 40 for number in range(2000)], ["fuzzed"]),
    "paths": (["notes"], ["."], ["notes/a.md", "nowhere.md"], ["/"], [".."], ["data"], ["https://example.org/"]),
    "glob": ("**/*", "*.md", "**/*.md", "{a,b}.md"),
    "passages": (["a pump", "a lamp"], [{"id": "x", "text": "grease the seat"}] * 3, ["bolt " * 300] * 20),
    "reranker": ("default", "none", "nothing"),
    "depth": (0, 3, 10),
    "limit": (1, 5, 10),
    "documents": ([{"id": "fuzzed", "text": "A fuzzed document about valves."}], [{"text": "\ud800 lone"}]),
}


@pytest.fixture
def folder(library: Path, tmp_path: Path) -> Path:
    folder = copy(library, tmp_path)
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text("# Valve\n\nThe valve sticks.\n", encoding="utf-8")
    return folder


def _is_kept(name: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a call may not be sent, because it would rightly remove what has to stay."""
    if name == "delete_documents":
        return arguments.get("collection") == OTHER
    harmless = POOLS["documents"][0]
    return (
        name == "ingest_documents" and arguments.get("collection") == OTHER and arguments.get("documents") != harmless
    )


def _problem(reply: Reply) -> str:
    """Return what is wrong with a reply, or nothing."""
    if reply.characters >= MOST_CHARACTERS:
        return f"{reply.characters:,} characters"
    if reply.message.get("error", {}).get("code") == INTERNAL_ERROR:
        return f"an internal error: {reply.text}"
    if reply.is_error and (not reply.text or reply.text.startswith(UNEXPECTED)):
        return f"an error without a reason: {reply.text!r}"
    return ""


@pytest.mark.parametrize("seed", SEEDS)
def test_calls_drawn_from_the_schemas_are_answered_and_lose_nothing(seed: int, folder: Path) -> None:
    draw = random.Random(seed)
    values = SchemaValues(draw, POOLS)
    problems: list[str] = []
    added = 0
    with ServerProcess(folder) as server:
        schemas = {tool["name"]: tool["inputSchema"] for tool in server.request("tools/list", {})["result"]["tools"]}
        for count in range(1, CALLS + 1):
            name = draw.choices(list(schemas), [len(schema["properties"]) for schema in schemas.values()])[0]
            arguments = values.arguments(schemas[name])
            if _is_kept(name, arguments):
                continue
            try:
                problem = _problem(server.call(name, arguments))
            except Fault as fault:
                raise AssertionError(
                    f"seed {seed}, call {count}: {name} {json.dumps(arguments)[:4000]}: {fault}"
                ) from fault
            if problem:
                problems.append(f"call {count}: {name} {json.dumps(arguments)[:1500]}: {problem[:1500]}")
            if count % EVERY == 0:
                added += 1
                ingest(server, OTHER, [DOCUMENTS + added])
                assert_found(server, OTHER, DOCUMENTS + added)
        assert_whole(server, OTHER, [*range(DOCUMENTS), *range(DOCUMENTS + 1, DOCUMENTS + 1 + added)])
        server.finish()
    assert problems == [], f"seed {seed}: {len(problems)} bad replies"
