"""Index a copy of a shard in another process, and put it in the shard's place."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import anyio
from anyio import to_thread

from ...core.errors import StoreError
from ..indexing import Trial
from ..manifest import Manifest, dump_manifest
from .data_dir import size_bytes

SHARD = "shard"

_COPY = "index"  # folder of the copy while it is built

_REPLACED = "shard.old"


async def build_copy(folder: Path, manifest: Manifest) -> None:
    """Copy the shard below `folder` and index the copy as the manifest says.

    Raises:
        StoreError: When the process that builds it failed; the shard is as it was.
    """
    copy = folder / _COPY
    try:
        await to_thread.run_sync(_copy, folder / SHARD, copy / SHARD)
        await _work("build", copy, manifest)
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise StoreError(f"The shard could not be copied: {error}. The collection is as it was.") from error
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise


async def try_copy(folder: Path, manifest: Manifest) -> tuple[Trial, int]:
    """Return how the copy's index does on the collection's own vectors, and the bytes it takes on disk."""
    answer = await _work("try", folder / _COPY, manifest)
    return Trial(**json.loads(answer)), size_bytes(folder / _COPY)


def replace_shard(folder: Path) -> None:
    """Put the copy in the shard's place, which nobody has open."""
    (folder / SHARD).rename(folder / _REPLACED)
    (folder / _COPY / SHARD).rename(folder / SHARD)
    drop_leftovers(folder)


def drop_leftovers(folder: Path) -> None:
    """Bring back the shard, or remove its copy, where replacing it or building the copy was interrupted."""
    replaced = folder / _REPLACED
    if replaced.exists() and not (folder / SHARD).exists():
        replaced.rename(folder / SHARD)
    shutil.rmtree(replaced, ignore_errors=True)
    shutil.rmtree(folder / _COPY, ignore_errors=True)


def _copy(shard: Path, copy: Path) -> None:
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir()
    shutil.copytree(shard, copy)


async def _work(what: Literal["build", "try"], folder: Path, manifest: Manifest) -> bytes:
    command = [sys.executable, "-m", f"{__package__}.index_worker", what, str(folder)]
    done = await anyio.run_process(command, input=dump_manifest(manifest).encode(), check=False, stderr=subprocess.PIPE)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise StoreError(f"The index could not be built: {last[0]}. The collection is as it was; try again.")
    return done.stdout
