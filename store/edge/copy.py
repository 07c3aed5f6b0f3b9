"""Index a copy of a shard in another process, and replace the shard with it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import anyio
from anyio import to_thread

from ...core.errors import StoreError
from ..indexing import IndexMeasurement
from ..manifest import Manifest, dump_manifest
from .disk_space import chunks_of, size_bytes, write_sparse
from .seal import SHARD

_COPY = "index"  # folder of the copy while it is built

_REPLACED = "shard.old"


async def build_indexed_copy(folder: Path, manifest: Manifest) -> None:
    """Copy the shard in `folder` and index the copy as the manifest describes.

    Raises:
        StoreError: The copy could not be made or indexed; the shard is unchanged.
    """
    copy = folder / _COPY
    try:
        await to_thread.run_sync(_copy, folder / SHARD, copy / SHARD)
        await _work("build", copy, manifest)
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise StoreError(f"The shard could not be copied: {error}. The collection is unchanged.") from error
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise


async def measure_copy(folder: Path, manifest: Manifest) -> tuple[IndexMeasurement, int]:
    """Return what the copy's index finds of the collection's own vectors, and the bytes it takes on disk."""
    answer = await _work("measure", folder / _COPY, manifest)
    return IndexMeasurement(**json.loads(answer)), size_bytes(folder / _COPY)


def replace_shard(folder: Path) -> None:
    """Replace the shard, which must be closed, with its indexed copy."""
    (folder / SHARD).rename(folder / _REPLACED)
    (folder / _COPY / SHARD).rename(folder / SHARD)
    discard_copy(folder)


def discard_copy(folder: Path) -> None:
    """Delete the copy, and restore the shard if replacing it was interrupted."""
    replaced = folder / _REPLACED
    if replaced.exists() and not (folder / SHARD).exists():
        replaced.rename(folder / SHARD)
    shutil.rmtree(replaced, ignore_errors=True)
    shutil.rmtree(folder / _COPY, ignore_errors=True)


def _copy(shard: Path, copy: Path) -> None:
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir()
    shutil.copytree(shard, copy, copy_function=_copy_file)


def _copy_file(source: str, target: str) -> None:
    with Path(source).open("rb") as file:
        write_sparse(chunks_of(file), Path(target))


async def _work(task: Literal["build", "measure"], folder: Path, manifest: Manifest) -> bytes:
    # -P: nothing is imported from the folder in which the command or the engine runs.
    command = [sys.executable, "-P", "-m", f"{__package__}.index_worker", task, str(folder)]
    done = await anyio.run_process(command, input=dump_manifest(manifest).encode(), check=False, stderr=subprocess.PIPE)
    if done.returncode:
        code = f"the process ended with code {done.returncode}"
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] if done.returncode > 0 else []
        raise StoreError(
            f"The index could not be built: {(last or [code])[0]}. The collection is unchanged; try again."
        )
    return done.stdout
