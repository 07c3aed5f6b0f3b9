"""The pages on searching and reranking: their commands run, and the tools accept the arguments that they show."""

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from resift.core.values import Document
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.store.filters import BOUNDS
from resift.tests.server.in_process import Run, runner
from resift.tests.tools.asking import Asker

ROOT = Path(__file__).parents[2]
PAGES = ("hybrid", "filters")
COMMON = {"lang": "en", "year": 2020, "status": "final", "tag": ["safety"], "published": "2024-06-01", "oem": True}
DOCUMENTS = [
    Document(
        "brakes",
        "Brake pads",
        text="Worn brake pads squeal when braking.",
        source="/srv/docs/brakes.md",
        metadata={**COMMON, "since": "2021-03-01", "system": "axle"},
    ),
    Document(
        "battery",
        "Battery",
        text="Disconnect the battery before charging.",
        source="/srv/docs/battery.md",
        metadata={**COMMON, "since": "2019-11-20", "system": "electrics"},
    ),
    Document(
        "radar",
        "Radar sensor",
        text="The radar sensor needs no maintenance.",
        source="/srv/docs/radar.md",
        metadata={**COMMON, "since": "2023-06-15", "system": "electrics"},
    ),
]


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)
    return [line for block in found for line in block.splitlines()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(ROOT)
    return runner(monkeypatch, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PAGES, "ingestion", "reranking", "multi-vector", "quantization"])
def test_commands_of_the_page_run(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    passage = ""
    commands = [line.removeprefix("$ ") for line in blocks(name, "console")]
    assert len(commands) >= 3
    for command in commands:
        words = shlex.split(command.replace("$PASSAGE", passage))
        program = words.index("resift")
        with monkeypatch.context() as patch:
            for setting in words[:program]:
                patch.setenv(*setting.split("=", 1))
            arguments = words[program + 1 :]
            done = run(*arguments)
        assert done.code == 0, f"{command}: {done.err}"
        if "--json" in arguments:
            passage = done.json["hits"][0]["passage_id"]
        assert "Nothing found" not in done.out, command


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("pages")
    built = build_engine(load_settings(data_dir=folder), roots=[folder])
    assert (await built.services.ingestor.ingest(Job("default", DOCUMENTS, total=3))).added == 3
    yield built
    await built.close()


@pytest.mark.anyio
@pytest.mark.parametrize("tool", ["hybrid_search", "search_and_rerank"])
@pytest.mark.parametrize("name", PAGES)
async def test_tools_take_what_the_page_shows(engine: Engine, name: str, tool: str) -> None:
    async with Client(create_server(engine), mode="auto") as client:
        listed = await client.list_tools()
        asker = Asker(client, {each.name: each for each in listed.tools})
        shown: list[dict[str, Any]] = [json.loads(line) for line in blocks(name, "json")]
        for arguments in shown:
            if tool == "search_and_rerank" and "query" not in arguments:
                continue
            answer = await asker.call(tool, {**arguments, "detail": "full"})
            assert answer["hits"], arguments
            named = {"recency": "recency", "boost": "boost", "diversity": "diversity", "like": "like"}
            for argument, score in named.items():
                assert (argument in arguments) == (score in answer["hits"][0]["scores"]), arguments
        assert len(shown) >= 4


def test_every_condition_is_on_the_page() -> None:
    for word in (*BOUNDS, "match", "prefix", "not", "any", "all"):
        assert f'"{word}"' in page("filters"), word


def test_extras_are_installed_from_the_clone_on_every_page() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    extras = [
        line for page in pages for line in re.findall(r"pip install '[^']*\[[^']*'", page.read_text(encoding="utf-8"))
    ]
    assert len(extras) > 10
    assert [line for line in extras if not line.startswith("pip install '.[")] == []
