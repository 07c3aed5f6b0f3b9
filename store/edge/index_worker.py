"""Index a shard in a process of its own: qdrant-edge holds the GIL while it works, and searches are to go on.

    python -m resift.search.edge_worker build FOLDER < manifest.json
    python -m resift.search.edge_worker try FOLDER < manifest.json

FOLDER holds `shard`. `try` prints as JSON how the index does on the collection's own vectors.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from ..indexing import Trial, ask, draw_probes, recall
from ..manifest import Manifest, parse_manifest
from .collection import EdgeCollection
from .config import shard_config


def resident_mb() -> float:
    """Return the memory that this process holds, in megabytes: now on Linux, at its highest elsewhere.

    The engine maps a file of vectors twice. Linux counts its pages twice in VmRSS, and once in Pss.
    """
    rollup = Path("/proc/self/smaps_rollup")
    if rollup.exists():
        kilobytes = next(line for line in rollup.read_text().splitlines() if line.startswith("Pss:")).split()[1]
        return int(kilobytes) / 1000
    if sys.platform == "win32":
        return float("nan")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


_NICE = 5  # behind the searches that are served meanwhile


def main() -> None:
    """Do what the arguments say."""
    work, folder = sys.argv[1], Path(sys.argv[2])
    manifest = parse_manifest(sys.stdin.buffer.read(), str(folder))
    if hasattr(os, "nice"):
        os.nice(_NICE)
    if work == "build":
        _build(folder, manifest)
    else:
        import anyio

        print(json.dumps(asdict(anyio.run(_try, folder, manifest))))  # noqa: T201 - our reply


def _build(folder: Path, manifest: Manifest) -> None:
    from qdrant_edge import EdgeShard

    config = shard_config(manifest, passages=manifest.storage.indexed)
    shard = EdgeShard.load(str(folder / "shard"), config)
    shard.optimize()
    shard.flush()
    shard.close()


async def _try(folder: Path, manifest: Manifest) -> Trial:
    """Ask as set up, read the memory, and only then ask exactly: that reads every original vector."""
    import_module("qdrant_edge")  # its own weight is no part of the collection's
    before, start = resident_mb(), time.perf_counter()
    collection = EdgeCollection.load("trial", folder, manifest, reserve_bytes=0)
    load_seconds = time.perf_counter() - start
    probes = await draw_probes(collection, manifest.dimension)
    found = await ask(collection, probes)
    grown = resident_mb() - before
    exact = await ask(collection, probes, exact=True)
    collection.close()
    return Trial(
        recall(found, exact),
        found.milliseconds,
        exact_milliseconds=exact.milliseconds,
        resident_mb=grown,
        load_seconds=load_seconds,
    )


if __name__ == "__main__":
    main()
