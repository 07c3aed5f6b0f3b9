"""Index a shard in a separate process, so that searches go on: qdrant-edge holds the GIL while it builds.

    python -m resift.store.edge.index_worker build FOLDER < manifest.json
    python -m resift.store.edge.index_worker measure FOLDER < manifest.json

FOLDER holds `shard`. `measure` prints, as JSON, what the index finds of the collection's own vectors and what it costs.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from ..indexing import IndexMeasurement, draw_probes, recall, search_probes
from ..manifest import Manifest, parse_manifest
from .config import shard_config
from .disk_space import DiskSpace
from .store import EdgeCollection


def resident_mb() -> float:
    """Return the memory of this process in megabytes: the current value on Linux, the peak elsewhere.

    The engine maps each file of vectors twice. Linux counts such pages twice in VmRSS, but once in Pss.
    """
    rollup = Path("/proc/self/smaps_rollup")
    if rollup.exists():
        kilobytes = next(line for line in rollup.read_text().splitlines() if line.startswith("Pss:")).split()[1]
        return int(kilobytes) / 1000
    if sys.platform == "win32":
        return float("nan")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


_NICE = 5  # searches that are served meanwhile have priority


def main() -> None:
    """Run the task that the arguments name."""
    task, folder = sys.argv[1], Path(sys.argv[2])
    manifest = parse_manifest(sys.stdin.buffer.read(), str(folder))
    if hasattr(os, "nice"):
        os.nice(_NICE)
    if task == "build":
        _build(folder, manifest)
    else:
        import anyio

        print(json.dumps(asdict(anyio.run(_measure, folder, manifest))))  # noqa: T201 - the reply to the parent process


def _build(folder: Path, manifest: Manifest) -> None:
    from qdrant_edge import EdgeShard

    config = shard_config(manifest, passages=manifest.storage.indexed)
    shard = EdgeShard.load(str(folder / "shard"), config)
    shard.optimize()
    shard.flush()
    shard.close()


async def _measure(folder: Path, manifest: Manifest) -> IndexMeasurement:
    """Search with the index, read the memory, and only then search exactly, which reads every original vector."""
    import_module("qdrant_edge")  # loaded first: its own memory does not count as the collection's
    before, start = resident_mb(), time.perf_counter()
    collection = EdgeCollection.load("measured", folder, manifest, space=DiskSpace())
    load_seconds = time.perf_counter() - start
    probes = await draw_probes(collection, manifest.dimension)
    found = await search_probes(collection, probes)
    grown = resident_mb() - before
    exact = await search_probes(collection, probes, exact=True)
    collection.close()
    return IndexMeasurement(
        recall=recall(found, exact),
        milliseconds=found.milliseconds,
        resident_mb=grown,
        load_seconds=load_seconds,
    )


if __name__ == "__main__":
    main()
