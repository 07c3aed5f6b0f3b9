"""A disk that fills up: calls are refused with the free and the needed space, and nothing acknowledged is lost."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.tests.hostile.command_runs import run
from resift.tests.hostile.data_folders import OTHER, VICTIM, assert_found, assert_whole, document_id, ingest, text_of
from resift.tests.hostile.server_process import Fault, Reply, ServerProcess
from resift.tests.hostile.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.slow

MEGABYTES = 180
FIRST_FREE_BYTES = 12 * 2**20
MOST_CALLS = 400
FILLER = "filler"
SPACE = re.compile(r"Only [\d,.]+ MB free.*[\d,.]+ MB are needed", re.DOTALL)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path, megabytes=MEGABYTES) as mounted:
        if isinstance(mounted, str):
            pytest.skip(mounted)
        yield mounted


class DiskServer(ServerProcess):
    """A server whose data directory is on the small disk."""

    def __init__(self, disk: SmallDisk, **settings: str) -> None:
        super().__init__(disk.outside, wrapper=disk.wrapper, settings=_settings(disk, settings))


def _settings(disk: SmallDisk, more: dict[str, str]) -> dict[str, str]:
    folder = str(disk.folder)
    return {"HOME": folder, "RESIFT_DATA_DIR": f"{folder}/data", "RESIFT_INGEST_ROOTS": folder, **more}


def _fill(disk: SmallDisk, *, leave_bytes: int) -> Path:
    """Fill the disk with a file, but for so many bytes."""
    path = disk.outside / FILLER
    with path.open("wb") as file:
        while (free := shutil.disk_usage(disk.outside).free) > leave_bytes:
            file.write(b"x" * min(2**20, free - leave_bytes))
            file.flush()
    return path


def _check_refused(reply: Reply) -> None:
    assert SPACE.search(reply.text), reply.text


def _check_works_or_says_why(reply: Reply) -> None:
    if reply.is_error or reply.value.get("failures"):
        assert re.search(r"[\d,.]+ MB", reply.text), reply.text


def test_ingesting_until_the_disk_is_full_is_refused_and_loses_nothing(disk: SmallDisk) -> None:
    acknowledged: list[int] = []
    with DiskServer(disk) as server:
        ingest(server, OTHER, [1, 2])
        ingest(server, VICTIM, [1])
        _fill(disk, leave_bytes=FIRST_FREE_BYTES)
        for number in range(MOST_CALLS):
            document = {"id": document_id(number), "text": text_of(number)}
            reply = server.call("ingest_documents", {"documents": [document], "collection": VICTIM})
            if reply.is_error or reply.value["failed"]:
                _check_refused(reply)
                break
            acknowledged.append(number)
        assert len(acknowledged) < MOST_CALLS
        assert acknowledged
        assert_found(server, OTHER, 1)
        removed = server.call("delete_documents", {"collection": VICTIM, "document_ids": [document_id(0)]})
        _check_works_or_says_why(removed)
        kept = acknowledged[0 if removed.is_error else 1 :]
        server.finish()
    run(disk.outside, "doctor", wrapper=disk.wrapper, settings=_settings(disk, {}))
    (disk.outside / FILLER).unlink()
    with DiskServer(disk) as server:
        assert_whole(server, VICTIM, kept)
        server.finish()


def test_disk_filled_by_others_is_told_at_every_call_and_loses_nothing(disk: SmallDisk) -> None:
    with DiskServer(disk) as server:
        ingest(server, OTHER, range(20))
        for leave_bytes in (6 * 2**20, 0):
            filler = _fill(disk, leave_bytes=leave_bytes)
            _call_everything(server)
            filler.unlink()
        filler = _fill(disk, leave_bytes=0)
        server.finish()
    for leave_bytes in (0, 6 * 2**20):
        filler.unlink()
        filler = _fill(disk, leave_bytes=leave_bytes)
        doctor = run(disk.outside, "doctor", wrapper=disk.wrapper, settings=_settings(disk, {}))
        assert "MB free" in doctor.out, doctor.out
        with DiskServer(disk) as server:
            _call_everything(server)
            server.finish()
    filler.unlink()
    with DiskServer(disk) as server:
        assert_whole(server, OTHER, range(1, 20))
        assert_found(server, OTHER, 4)
        ingest(server, OTHER, [50])
        server.finish()


def _call_everything(server: ServerProcess) -> None:
    for name, arguments in (
        ("list_collections", {}),
        ("hybrid_search", {"query": "unit 3", "collection": OTHER}),
        ("hybrid_search", {"query": "bolt", "filter": {"title": {"match": "pump"}}, "collection": OTHER}),
        ("search_and_rerank", {"query": "which unit is worn", "collection": OTHER, "depth": 3}),
        ("ingest_documents", {"documents": [{"text": "One more.", "metadata": {"new": 1}}], "collection": OTHER}),
        ("ingest_documents", {"documents": [{"text": "A new collection."}], "collection": "more"}),
        ("delete_documents", {"document_ids": [document_id(0)], "collection": OTHER}),
    ):
        try:
            _check_works_or_says_why(server.call(name, arguments))
        except Fault as fault:
            raise AssertionError(f"{name} {arguments}: {fault}") from fault
