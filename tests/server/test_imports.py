"""A bare start is quick because it imports little."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from resift.tests.server.processes import environment

HEAVY = {"qdrant_client", "fastembed", "openai", "torch", "sentence_transformers", "onnx", "transformers"}

NEEDED_LATER = {"numpy", "onnxruntime", "tokenizers", "qdrant_edge", "grpc", "markdown_it", "yaml", "fastapi"}
"""What searches, ingestions and HTTP need, and the list of tools does not."""

START = """
import json, sys
import anyio
from mcp.client import Client
from resift.models.text.transformer import Transformer
from resift.server.mcp.assembly import create_server
from resift.factories.engine import build_engine
from resift.settings.load import load_settings

load, loaded = Transformer.open, []
Transformer.open = lambda model: loaded.append(load(model)) or loaded[0]

async def main():
    engine = build_engine(load_settings())
    async with Client(create_server(engine)) as client:
        tools = await client.list_tools()
        return {"loaded": len(loaded), "tools": len(tools.tools), "modules": sorted(sys.modules)}

import resift.server.cli.app
print(json.dumps(anyio.run(main)))  # here, for the server sends what it prints to stderr
"""


def _modules(code: str, *, folder: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(folder), check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _top(modules: object) -> set[str]:
    assert isinstance(modules, list)
    return {str(name).partition(".")[0] for name in modules}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def test_server_that_answered_tools_list_has_imported_nothing_heavy(tmp_path: Path) -> None:
    answer = _modules(START, folder=tmp_path)
    assert answer["tools"] == 7
    assert answer["loaded"] == 0, "tools/list waited for the models"
    assert _top(answer["modules"]) & (HEAVY | NEEDED_LATER) == set()


def test_importing_resift_imports_nothing_of_weight(tmp_path: Path) -> None:
    code = "import json, sys, resift; print(json.dumps({'modules': sorted(sys.modules)}))"
    answer = _modules(code, folder=tmp_path)
    weighty = HEAVY | {"numpy", "mcp", "onnxruntime", "pydantic", "qdrant_edge", "tokenizers", "typer", "rich"}
    assert not _top(answer["modules"]) & weighty


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_slow(tmp_path: Path, option: str) -> None:
    code = f"""
import json, sys
from contextlib import redirect_stdout
from resift.server.cli import app
sys.argv = ["resift", {option!r}]
try:
    with redirect_stdout(sys.stderr):
        app.main()
except SystemExit as ended:
    print(json.dumps({{"code": ended.code, "modules": sorted(sys.modules)}}))
"""
    answer = _modules(code, folder=tmp_path)
    slow = HEAVY | {"numpy", "mcp", "onnxruntime", "pydantic", "qdrant_edge", "tokenizers", "rich"}
    assert answer["code"] == 0
    assert _top(answer["modules"]) & slow == set()


SEARCH = """
import json
import anyio
from resift.core.values import Document
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.factories.engine import build_engine
from resift.settings.load import load_settings

async def main():
    engine = build_engine(load_settings())
    await engine.services.ingestor.ingest(Job("c", [Document("a", "", "A text about wheels.")], 1))
    page = await engine.services.pipeline.search(SearchRequest("wheels", collection="c", reranker="default"))
    await engine.close()
    return len(page.ranking.hits)

print(json.dumps({"hits": anyio.run(main)}))
"""


def test_search_leaves_nothing_in_the_home_folder_but_its_data(tmp_path: Path) -> None:
    assert _modules(SEARCH, folder=tmp_path)["hits"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
