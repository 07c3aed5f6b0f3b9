"""The command line: what it prints where, and its exit codes."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from resift.models import bundled
from resift.store.edge.data_dir import DirectoryLock
from resift.tests.server.in_process import Run
from resift.tests.server.processes import COMMAND, TIMEOUT_S, RawServer, environment

ENCODER = "all-MiniLM-L6-v2-int8"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "pump.md").write_text("---\nkind: device\n---\n# Pump\n\nThe pump hums because its bearing is worn.\n")
    (folder / "lamp.md").write_text("# Lamp\n\nThe lamp flickers when its contact is loose.\n")
    return folder


def test_files_are_ingested_searched_and_explained(run: Run, files: Path) -> None:
    taken = run("ingest", str(files))
    assert taken.code == 0
    assert "default: 2 added, 0 updated, 0 unchanged, 0 removed; 2 passages written." in taken.out
    assert taken.err == "", "no progress bar where there is no terminal"

    found = run("search", "what hums", "--explain")
    assert found.code == 0
    assert all(word in found.out for word in ("before", "after", "blend", "#1 Pump", "rerank", " ms ", "verdict: "))

    shown = run("collections", "default")
    assert shown.code == 0
    assert "device (1)" in shown.out
    assert "most frequent values (passages)" in shown.out
    assert not any("\x1b" in outcome.out + outcome.err for outcome in (taken, found, shown))


def test_json_is_all_of_stdout(run: Run, files: Path) -> None:
    assert run("ingest", str(files), "--json").json["added"] == 2
    again = run("ingest", str(files), "--json")
    assert (again.json["unchanged"], again.json["failures"]) == (2, [])
    found = run("search", "what hums", "--json", "-n", "1", "--filter", '{"kind": "device"}').json
    assert found["hits"][0]["title"] == "Pump"
    assert {"scores", "ranks", "metadata"} <= found["hits"][0].keys()
    listed = run("collections", "--json").json
    assert [(each["name"], each["documents"]) for each in listed["collections"]] == [("default", 2)]


def test_file_that_cannot_be_read_ends_with_one_and_the_rest_goes_in(run: Run, files: Path) -> None:
    (files / "binary.md").write_bytes(bytes(range(32)))
    taken = run("ingest", str(files), str(files / "binary.md"))
    assert taken.code == 1
    assert "2 added" in taken.out
    assert "failed: " in taken.err
    assert "binary.md" in taken.err


def test_search_without_an_answer_shows_three_hits_unless_all_are_asked_for(run: Run, files: Path) -> None:
    for number in range(4):
        (files / f"bolt{number}.md").write_text(f"# Bolt {number}\n\n" + "Tighten it crosswise. " * 20 + "The end.\n")
    run("ingest", str(files))
    cut = run("search", "recipe for a lemon cake")
    assert (
        "note: Probably no hit answers the question, so only the first 3 of 6 are shown. "
        "To see all of them, add --detail full." in cut.out
    )
    assert "verdict: none" in cut.out
    assert "The end." not in cut.out
    whole = run("search", "recipe for a lemon cake", "--detail", "full")
    assert whole.out.count("The end.") == 4
    assert "note:" not in whole.out
    assert len(run("search", "recipe for a lemon cake", "--json").json["hits"]) == 6


def test_prune_forgets_files_that_are_gone_and_a_dry_run_tells_which(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("ingest", str(files))
    (files / "lamp.md").unlink()
    told = "Kept although their files are gone or empty: 1 document. --prune removes them"
    assert told in run("ingest", str(files)).out
    planned = run("ingest", str(files), "--prune", "--dry-run")
    assert "0 to add, 0 to update, 1 unchanged, 1 to remove; 0 passages to write. Nothing was changed." in planned.out
    assert told not in planned.out
    assert f"  remove {files}/lamp.md\n" in planned.out
    monkeypatch.chdir(files)
    assert "  remove lamp.md\n" in run("ingest", ".", "--prune", "--dry-run").out
    [gone] = run("ingest", str(files), "--prune", "--dry-run", "--json").json["planned"]["removed"]
    assert gone.endswith("/lamp.md")
    assert "1 unchanged, 1 removed" in run("ingest", str(files), "--prune").out


def test_foreseen_failure_ends_with_one_and_a_message(run: Run) -> None:
    failed = run("search", "pump", "--collection", "nowhere")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("resift: No collection 'nowhere'")
    assert "Traceback" not in failed.err


@pytest.mark.slow
def test_errors_name_commands_and_options(run: Run, files: Path) -> None:
    assert "Run `resift ingest PATH` first." in run("search", "pump").err
    run("ingest", str(files))
    assert "Run `resift collections` to see which there are." in run("search", "pump", "-c", "defalt").err
    assert "add --everything" in run("delete", "default", "--filter", '{"title": ["Pump", "Lamp"]}').err
    assert "Give --id, --filter, or --everything" in run("delete", "default").err


def test_filter_that_is_not_json_ends_with_one_and_shows_the_form(run: Run) -> None:
    failed = run("search", "pump", "--filter", "kind=device")
    assert failed.code == 1
    assert """Write it as '{"name": "value"}'""" in failed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("search", "pump", "--limit", "0"),
        ("search", "pump", "--mode", "fuzzy"),
        ("search", "pump", "--colection", "x"),
        ("ingest", "no-such-file.md"),
        ("nothing",),
    ],
)
def test_wrong_usage_ends_with_two(run: Run, arguments: tuple[str, ...]) -> None:
    failed = run(*arguments)
    assert (failed.code, failed.out) == (2, "")
    assert "Usage: " in failed.err


def test_value_that_is_not_one_of_a_few_is_answered_with_them(run: Run) -> None:
    failed = run("search", "pump", "--mode", "fuzzy")
    assert "Invalid value for '--mode': 'fuzzy' is not one of 'hybrid', 'dense', 'keyword'." in failed.err


def test_unknown_command_is_answered_with_the_nearest(run: Run) -> None:
    failed = run("igest", "docs")
    assert failed.code == 2
    assert "No such command 'igest'. Did you mean 'ingest'?" in failed.err


def test_question_needs_no_quotes(run: Run, files: Path) -> None:
    run("ingest", str(files))
    quoted = run("search", "what hums", "--json").json
    assert run("search", "what", "hums", "--json").json["hits"] == quoted["hits"]


def test_deleting_a_damaged_collection_says_that_it_is_gone(run: Run, files: Path, tmp_path: Path) -> None:
    run("ingest", str(files))
    for file in (tmp_path / "data/collections/default/shard").rglob("*.json"):
        file.unlink()
    gone = run("delete", "default", "--everything", "--yes")
    assert (gone.code, gone.out) == (0, "Collection default deleted.\n")
    assert re.search(r"since it was closed, \S+ was deleted, and \d+ other files? w\w+ changed or deleted", gone.err)
    run("ingest", str(files))
    gone = run("delete", "default", "--everything", "--yes")
    assert gone.out == "Collection default deleted: 2 documents, 2 passages.\n"


def test_doctor_says_once_that_the_server_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RESIFT_QDRANT__PREFER_GRPC", "false")
    ill = run("doctor")
    assert ill.code == 1
    assert ill.out.count("does not answer") == 1
    assert "- collections: not checked, because Qdrant failed" in ill.out
    assert "resift doctor" not in ill.out


def test_unknown_setting_ends_with_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_TREADS", "2")
    failed = run("collections")
    assert failed.code == 1
    assert "Did you mean 'RESIFT_THREADS'?" in failed.err


def test_version_is_printed(run: Run) -> None:
    from resift import __version__

    assert run("--version").out.strip() == __version__


@pytest.mark.slow
def test_command_runs_as_a_process_of_its_own(tmp_path: Path, files: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "ingest", str(files), "--json"],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["added"] == 2


def test_reader_that_goes_away_is_no_failure_and_makes_no_noise(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "prompts"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path), text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        noise = process.stderr.read()
    assert (process.returncode, noise) == (0, "")


def test_doctor_finds_a_sound_installation_healthy(run: Run, files: Path) -> None:
    run("ingest", str(files))
    healthy = run("doctor")
    assert healthy.code == 0, healthy.out
    assert all(f"✓ {name}: " in healthy.out for name in ("data folder", "models", "collections", "MCP server"))
    assert "default (2 passages)" in healthy.out
    assert "RESIFT_DATA_DIR" in healthy.out
    assert "✓ engine: not running; the next MCP client starts it. It can listen at " in healthy.out


def test_doctor_fails_on_a_damaged_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bundled.BUNDLED[ENCODER]
    copy = replace(model, folder=shutil.copytree(model.folder, tmp_path / "copy"))
    with (copy.folder / bundled.TOKENIZER_FILE).open("ab") as file:
        file.write(b" ")
    monkeypatch.setitem(bundled.BUNDLED, ENCODER, copy)
    ill = run("doctor")
    assert ill.code == 1
    assert "✗ models: " in ill.out
    assert "is damaged" in ill.out
    assert "to restore it" in ill.out
    assert "✓ data folder: " in ill.out


@pytest.mark.slow
def test_doctor_fails_while_a_server_without_an_engine_holds_the_data_folder(run: Run, tmp_path: Path) -> None:
    holder = RawServer(tmp_path, None, "--in-process")
    try:
        holder.call("ingest_documents", {"documents": [{"text": "pump"}]})
        ill = run("doctor")
    finally:
        holder.end()
    assert ill.code == 1
    assert f"✗ data folder: The data directory {tmp_path / 'data'} is in use by process {holder.process.pid}" in ill.out
    assert "Try again when it has ended" in ill.out


@pytest.mark.slow
def test_doctor_checks_the_engine_beside_its_clients(run: Run, tmp_path: Path) -> None:
    client = RawServer(tmp_path)
    client.call("ingest_documents", {"documents": [{"text": "pump"}]})
    healthy = run("doctor")
    assert client.end() == 0
    assert healthy.code == 0, healthy.out
    assert "✓ collections: default (1 passage)" in healthy.out
    assert re.search(r"✓ engine: process \d+, version .*, 1 client, log .*engine\.log", healthy.out)
    assert "The running engine was started with other settings: RESIFT_" in healthy.out


def test_lock_names_this_process_to_the_next(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    lock.acquire()
    assert json.loads((tmp_path / "owner.json").read_text())["pid"] == os.getpid()
    lock.release()
    assert not (tmp_path / "owner.json").exists()


def test_folder_from_which_nothing_is_taken_ends_with_one_and_says_why(run: Run, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "a.odt").write_bytes(b"PK")
    refused = run("ingest", str(papers))
    assert refused.code == 1
    assert "0 added" in refused.out
    assert "Skipped 1 .odt file. Resift cannot read .odt files. Convert those that matter to text." in refused.err
    assert "markdown (.markdown .md" in refused.err
    (papers / "b.md").write_text("Some text.")
    taken = run("ingest", str(papers), "--json")
    assert (taken.code, taken.json["added"], taken.json["skipped"]) == (0, 1, {"odt": 1})
    assert "  Skipped 1 .odt file." in run("ingest", str(papers / "*"), str(papers)).err
    assert "Download it first" in run("ingest", "https://example.com/a.md").err
    assert run("ingest", (papers / "b.md").as_uri()).code == 0
