"""`resift move`, `backup` and `restore` on the command line."""

import os
import signal
from pathlib import Path

import pytest
from anyio import create_task_group
from anyio.to_thread import run_sync

from resift.server.cli.collections.transfer import copy_collections
from resift.settings.load import load_settings
from resift.tests.server.engine.serving import start
from resift.tests.server.in_process import Run
from resift.tests.standins.qdrant import serving


@pytest.mark.slow
def test_backup_is_restored_into_another_data_folder(
    run: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ingest", str(files), "-c", "notes").code == 0
    file = str(tmp_path / "notes.tar")
    written = run("backup", file)
    assert (written.code, "notes (1 passage) written to" in written.out) == (0, True)
    assert run("backup", file).code == 1

    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "elsewhere"))
    restored = run("restore", file)
    assert (restored.code, "notes (1 passage) restored" in restored.out) == (0, True)
    assert run("search", "squealing brakes", "-c", "notes", "--reranker", "none", "--json").json["hits"]
    assert "already exist" in run("restore", file).err
    assert "holds no collection 'nots'. Did you mean 'notes'?" in run("restore", file, "-c", "nots").err


@pytest.mark.slow
def test_backup_that_is_ended_leaves_no_part_of_a_file(run: Run, files: Path, tmp_path: Path) -> None:
    assert run("ingest", str(files), "-c", "notes").code == 0
    (tmp_path / "data" / "collections" / "notes" / "noise").write_bytes(os.urandom(2**20) * 256)
    file, part = tmp_path / "notes.tar", tmp_path / "notes.tar.part"
    with start(tmp_path, "backup", str(file)) as backup:
        while backup.poll() is None and not _size(part):
            pass  # until the backup has begun to write, which takes it a while
        backup.send_signal(signal.SIGTERM)
        backup.communicate()
    assert backup.returncode == 128 + signal.SIGTERM
    assert not part.exists()
    assert not file.exists()


def _size(file: Path) -> int:
    """Return the size of a file that may come and go: 0 if it is not there."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def test_backup_that_is_not_there_is_told_with_what_to_choose(run: Run, tmp_path: Path) -> None:
    missing = run("restore", str(tmp_path / "nosuch.tar"))
    assert missing.code == 1
    assert "nosuch.tar. Choose a file that `resift backup` wrote." in missing.err


def test_server_is_not_backed_up_from_here(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    for command in ("backup", "restore"):
        refused = run(command, str(tmp_path / "x.tar"))
        assert (refused.code, "Qdrant's snapshots" in refused.err) == (1, True)


def test_collections_are_adopted_at_a_server(run: Run) -> None:
    refused = run("adopt", "notes", "--text-field", "page_content", "--vector", "(unnamed)", "--add-keywords")
    assert (refused.code, "Set QDRANT_URL" in refused.err) == (1, True)


def test_move_needs_one_direction_and_known_collections(run: Run) -> None:
    assert "Give either --to URL" in run("move").err
    assert "Give either --to URL" in run("move", "--to", "http://a", "--from", "http://b").err
    assert "No collection 'notes'" in run("move", "--to", "http://127.0.0.1:9", "-c", "notes").err


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")
async def test_moved_collection_answers_from_the_server_and_comes_back(
    run: Run, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ingest() -> None:
        assert run("ingest", str(files), "-c", "notes").code == 0

    async with create_task_group() as group:
        group.start_soon(run_sync, ingest)
    here, elsewhere = [load_settings(data_dir=tmp_path / name) for name in ("data", "elsewhere")]
    async with serving() as server:
        await copy_collections(here, [], to=server.url, from_="")
        told = capsys.readouterr().out
        assert "notes: 1 document copied, 0 already there; 1 passage compared on both sides, sha256" in told
        assert f"To use the copies, run Resift with QDRANT_URL={server.url}" in told
        await copy_collections(here, ["notes"], to=server.url, from_="")
        assert "notes: 0 documents copied, 1 already there" in capsys.readouterr().out
        await copy_collections(elsewhere, [], to="", from_=server.url)
        assert "notes: 1 document copied" in capsys.readouterr().out


def test_import_of_a_backup_names_the_command_for_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Bees make honey.")
    run("ingest", str(tmp_path / "notes.md"))
    assert run("backup", str(tmp_path / "all.tar")).code == 0
    refused = run("import", str(tmp_path / "all.tar"), "-c", "copy")
    assert (refused.code, "use `resift restore`" in refused.err) == (1, True)
