"""Clients of one engine have their own rights, whoever of them started it."""

from pathlib import Path

import pytest

from resift.tests.server.processes import RawServer, resift, stop_engine

PUMP = {"documents": [{"id": "pump", "text": "The pump hums when the fuel filter is clogged."}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("mine", "yours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.md").write_text(f"These are {name}.\n", encoding="utf-8")
    return tmp_path


def tools_of(client: RawServer) -> set[str]:
    return {each["name"] for each in client.request("tools/list", {})["result"]["tools"]}


def test_client_reads_the_folders_of_its_own_settings(folder: Path) -> None:
    first = RawServer(folder, {"RESIFT_INGEST_ROOTS": ""}, cwd=folder / "mine")
    second = RawServer(folder, {"RESIFT_INGEST_ROOTS": str(folder / "yours")}, cwd=folder / "mine")
    mine, yours = ({"paths": [str(folder / name / "notes.md")]} for name in ("mine", "yours"))
    assert first.structured("ingest_documents", mine)["added"] == 1
    assert first.call("ingest_documents", yours)["isError"]
    assert second.structured("ingest_documents", yours)["added"] == 1
    assert second.call("ingest_documents", mine)["isError"]
    assert (first.end(), second.end()) == (0, 0)
    assert "other settings" not in (folder / ".stderr").read_text(encoding="utf-8")


def test_only_the_client_that_may_read_only_is_kept_from_writing(folder: Path) -> None:
    reader = RawServer(folder, {"RESIFT_READ_ONLY": "true"})
    assert reader.call("ingest_documents", PUMP)["isError"]
    writer = RawServer(folder)
    assert writer.structured("ingest_documents", PUMP)["added"] == 1
    assert tools_of(writer) - tools_of(reader) == {"ingest_documents", "delete_documents"}
    assert (reader.end(), writer.end()) == (0, 0)


def test_command_runs_in_the_engine_of_a_client_with_other_folders(folder: Path) -> None:
    server = RawServer(folder, {"RESIFT_INGEST_ROOTS": str(folder / "mine")})
    found = resift(folder, "collections", RESIFT_INGEST_ROOTS="", RESIFT_READ_ONLY="true")
    assert (found.returncode, found.stderr) == (0, "")
    assert server.end() == 0


def test_client_whose_own_settings_are_invalid_is_told(folder: Path) -> None:
    server = RawServer(folder)
    done = resift(folder, "serve", RESIFT_READ_ONLY="perhaps")
    assert done.returncode == 1
    assert "RESIFT_READ_ONLY = 'perhaps'" in done.stderr
    assert resift(folder, "status", RESIFT_READ_ONLY="perhaps").returncode == 0
    assert server.end() == 0


@pytest.mark.slow
def test_job_goes_on_in_an_engine_that_a_client_with_other_rights_has_started(folder: Path) -> None:
    for number in range(200):
        text = f"# Unit {number}\n\n" + f"The pump of unit {number} hums at night. " * 20
        (folder / "mine" / f"{number}.md").write_text(text, encoding="utf-8")
    settings = {"RESIFT_SERVE__INGEST_WAIT_S": "0", "RESIFT_THREADS": "1"}
    first = RawServer(folder, settings | {"RESIFT_INGEST_ROOTS": str(folder / "mine")})
    job = {"job": first.structured("ingest_documents", {"paths": ["."]})["job"]["id"]}
    assert first.end() == 0
    stop_engine(folder)
    second = RawServer(folder, settings | {"RESIFT_INGEST_ROOTS": str(folder / "yours"), "RESIFT_READ_ONLY": "true"})
    second.structured("list_collections", {})
    third = RawServer(folder, settings | {"RESIFT_INGEST_ROOTS": str(folder / "yours")})
    while "job" in (report := third.structured("ingest_documents", job)):
        assert report["job"]["state"] in {"queued", "running"}
    assert report["added"] == 201
    assert (second.end(), third.end()) == (0, 0)
