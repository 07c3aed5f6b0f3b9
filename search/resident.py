"""The memory this process holds."""

import sys
from pathlib import Path


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
