"""What the operating system refuses is not taken for damage, and whom it lets read the data folder is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resift.core.errors import DamagedCollection, StoreError
from resift.store.edge.data_dir import advice_on_access
from resift.store.edge.faults import engine_errors
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest

OPENING = """
import asyncio, os, resource, sys
from pathlib import Path
from resift.store.edge.store import EdgeStore

async def main():
    import qdrant_edge
    store = EdgeStore(Path(sys.argv[1]), reserve_bytes=0)
    used, (_, most) = len(os.listdir("/proc/self/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)
    for more in range(200):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + more, most))
        try:
            await store.open("c")
            print("opened")
            return
        except Exception as error:
            print(type(error).__name__, "Too many open files" in str(error) or "TooManyOpenFiles" in str(error))

asyncio.run(main())
"""


@pytest.mark.parametrize("code", [5, 24, 27, 28, 122])
@pytest.mark.parametrize("form", ["I/O: (os error {})", "Can't init WAL: Os {{ code: {}, kind: Other }}"])
def test_refusal_of_the_system_is_a_failure_and_no_damage(form: str, code: int) -> None:
    with pytest.raises(StoreError, match="The embedded store failed") as failed, engine_errors("c", opens=True):
        raise Exception(form.format(code))  # noqa: TRY002 - as qdrant-edge does
    assert not isinstance(failed.value, DamagedCollection)


@pytest.mark.parametrize("form", ["No such file (os error 2)", "Os { code: 2, kind: NotFound }", "exit code 24"])
def test_other_failures_to_open_are_damage(form: str) -> None:
    with pytest.raises(DamagedCollection), engine_errors("c", opens=True):
        raise Exception(form)  # noqa: TRY002 - as qdrant-edge does


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="it counts open files in /proc")
async def test_process_with_too_many_open_files_calls_no_collection_damaged(tmp_path: Path, manifest: Manifest) -> None:
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    await store.open("c", create=manifest)
    await store.close()
    ran = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [sys.executable, "-c", OPENING, str(tmp_path / "data")], capture_output=True, text=True, check=True
    )
    *refused, last = ran.stdout.splitlines()
    assert last == "opened"
    assert set(refused) == {"StoreError True"}


@pytest.mark.skipif(os.name != "posix", reason="permissions of folders")
def test_data_folder_that_others_can_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    assert advice_on_access(folder) == ""
    folder.chmod(0o755)
    assert advice_on_access(folder).endswith(f"run `chmod go-rwx {folder}`")
