"""`resift doctor`: what was set, and every configured model tried once, without a secret on the screen."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from resift.core.masking import MASK
from resift.settings.load import Settings, load_settings
from resift.settings.table import DATA_FOLDER, settings_table, shown
from resift.tests.models.rerankers import write_own
from resift.tests.plugins.installed import installed
from resift.tests.server.in_process import Run
from resift.tests.standins.chat import chat_stand_in, completion, refusal
from resift.tests.standins.http import Answer
from resift.tests.standins.rerank import rerank_stand_in

KEY, PASSWORD = "sk-never-to-be-seen", "hunter2"


def test_every_row_and_the_language_model_are_asked_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = write_own(tmp_path / "own")
    with rerank_stand_in() as reranks, chat_stand_in() as chat:
        chat.always = completion("Yes, something is.")
        login = reranks.root.replace("://", f"://user:{PASSWORD}@")
        rows = {
            "near": {"kind": "cross-encoder", "model": str(own)},
            "far": {"kind": "cohere", "model": "rerank-v3.5", "url": login, "api_key": KEY},
            "careful": {"stages": ["near:50", "far:20"]},
        }
        monkeypatch.setenv("RESIFT_RERANKERS", json.dumps(rows))
        monkeypatch.setenv("OPENAI_BASE_URL", chat.url.replace("://", f"://user:{PASSWORD}@"))
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
        monkeypatch.setenv("RESIFT_LLM__RETRIES", "0")
        healthy = run("doctor")
        assert (len(reranks.asked), len(chat.asked)) == (1, 1)
        chat.always = refusal(401, f"Incorrect API key provided: {KEY}")
        reranks.always = Answer({"message": f"no such key: {KEY}"}, 401)
        (own / "model.onnx").unlink()
        ill = run("doctor")
    assert healthy.code == 0, healthy.out
    assert "✓ reranker 'near': tiny-overlap gave 3 to a passage" in healthy.out
    assert "✓ reranker 'far': cohere:rerank-v3.5 gave 0.333 to a passage" in healthy.out
    assert "✓ language model: small answered: 100 tokens in, 20 out" in healthy.out
    assert "'careful'" not in healthy.out
    assert ill.code == 1
    assert f"✗ reranker 'near': The file {own / 'model.onnx'} of the model 'tiny-overlap' is missing" in ill.out
    assert "✗ reranker 'far': http://127.0.0.1:" in ill.out
    assert "✗ language model: small at 127.0.0.1:" in ill.out
    assert "refused the request with status 401" in ill.out
    assert "✓ MCP server" in ill.out
    for secret in (KEY, PASSWORD):
        assert secret not in f"{healthy.out}{healthy.err}{ill.out}{ill.err}"


def test_model_without_an_endpoint_is_told_and_only_what_was_set_is_listed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RESIFT_LLM__MODEL", "small")
    ill = run("doctor")
    assert ill.code == 1
    assert "✗ language model: RESIFT_LLM__MODEL = 'small' has no endpoint. Set OPENAI_BASE_URL or" in ill.out
    table = ill.out.partition("✓")[0]
    assert "docs/settings.md lists every one" in table
    listed = [line.split()[1] for line in table.splitlines() if re.match("│ +[A-Z]", line)]
    assert listed == ["RESIFT_ENV_FILE", "RESIFT_DATA_DIR", "RESIFT_MIN_FREE_MB", "RESIFT_LLM__MODEL"]


def test_no_setting_is_cut_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RESIFT_SERVE__INGEST_WAIT_S", "7")
    console = Console(width=40, file=StringIO(), record=True)
    console.print(settings_table(load_settings(data_dir=tmp_path)))
    rows = [line.strip("│").split("│") for line in console.export_text().splitlines() if line.startswith("│")]
    names, values, defaults = ("".join(map(str.strip, column)) for column in zip(*rows, strict=True))
    assert "RESIFT_SERVE__INGEST_WAIT_S" in names
    assert str(tmp_path) in values
    assert "…" not in names + values + defaults


def test_setting_that_has_its_default_is_shown_to_have_it() -> None:
    usual = load_settings(data_dir=Settings.model_construct().data_dir)
    rows = zip(*(column.cells for column in settings_table(usual).columns), strict=True)
    assert [row[2] for row in rows if row[0] == DATA_FOLDER] == ["the same"]


def test_secrets_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:{PASSWORD}@host/v1")
    row = {"kind": "tei", "url": f"http://user:{PASSWORD}@host", "api_key": KEY}
    settings = load_settings(rerankers={"far": row})
    names = ("QDRANT_API_KEY", "OPENAI_BASE_URL", "RESIFT_RERANKERS", "RESIFT_THREADS")
    assert [shown(settings, name) for name in names] == [MASK, f"http://{MASK}@host/v1", "far", "0"]


@pytest.mark.slow
def test_damaged_collection_is_named_with_what_to_do_and_hides_no_other(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "pump.md"
    text.write_text("# Pump\n\nThe pump hums because its bearing is worn.\n")
    for name in ("hurt", "whole"):
        assert run("ingest", str(text), "-c", name).code == 0
    [status] = (tmp_path / "data" / "collections" / "hurt").glob("**/*-source-null/has_values/status.dat")
    status.write_bytes(b"")
    (tmp_path / "data" / "collections" / "not possible" / "shard").mkdir(parents=True)

    ill = run("doctor")
    assert ill.code == 1
    assert "✗ collections: whole (1 passage)\n  Collection 'hurt' is damaged: since it was closed, " in ill.out
    assert "run `resift delete hurt --everything` and ingest the documents again" in ill.out
    assert "Collection 'not possible' is damaged: its folder " in ill.out
    assert "✓ MCP server" in ill.out
    problems = {each["name"]: each["problem"] for each in run("collections", "--json").json["collections"]}
    assert (list(problems), problems["whole"]) == (["hurt", "not possible", "whole"], "")
    assert "is damaged" in problems["hurt"]
    assert run("search", "what hums", "-c", "whole", "--json").json["hits"]
    assert "is damaged" in run("search", "what hums", "-c", "hurt").err
    assert "is damaged" in run("ingest", str(text), "-c", "hurt").err

    deleted = run("delete", "hurt", "--everything", "--yes")
    assert (deleted.code, "could not be counted: Collection 'hurt' is damaged" in deleted.err) == (0, True)
    assert run("delete", "not possible", "--everything", "--yes").code == 0
    assert run("ingest", str(text), "-c", "hurt").code == 0
    assert "✓ collections: hurt (1 passage), whole (1 passage)" in run("doctor").out


def test_parser_plug_in_that_cannot_be_used_is_listed(run: Run, tmp_path: Path) -> None:
    info = tmp_path / "site" / "bad_parser-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-parser\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[resift.parsers]\nbad = no_such_module:Parser\n")
    with installed(tmp_path / "site"):
        ill = run("doctor")
    assert ill.code == 1
    assert "✗ plug-ins: The plug-in 'bad' of bad-parser 1.0 cannot be used: ModuleNotFoundError" in ill.out


def test_little_space_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_MIN_FREE_MB", str(2**40))
    ill = run("doctor")
    assert ill.code == 1
    assert "✗ data folder: Only " in ill.out


@pytest.mark.parametrize(
    "command", [["doctor"], ["serve"], ["search", "x"], ["collections"], ["backup", "x.tar"], ["prompts"]]
)
def test_malformed_server_url_is_an_error_in_every_command(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://[::1")
    refused = run(*command)
    assert refused.code == 1
    assert refused.err.startswith(
        "resift: QDRANT_URL = 'http://[::1' is not a URL: Invalid IPv6 URL. Write it as http://"
    )
