"""What a worker process may use: time, memory, the size of its reply, and variables of the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_WORKERS = 4  # more slow down other programs on a desktop; models compete for the same cores

_BYTES_PER_S = 1_000_000  # ordinary text takes a third of a second per MB


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take, and how long a worker process lives."""

    seconds: float = 10.0
    """For a document, besides a second for each megabyte of it and what its parser asks for, such as time for pages."""
    most_seconds: float = 600.0
    """For a file, whatever is in it and whatever its parsers ask for."""
    start_seconds: float = 60.0
    """Until a process is ready, which includes the import of plug-ins."""
    idle_seconds: float = 120.0
    """After which a process that has nothing to do ends."""
    memory_bytes: int = 2 * 2**30
    """Of address space."""
    reply_bytes: int = 100_000_000
    """What is read of a reply: five times the default limit of a file."""
    files: int = 500
    """After which a process is replaced, since parsers may leak."""

    def seconds_of(self, size: int) -> float:
        """Return how long parsing `size` bytes may take."""
        return self.seconds + size / _BYTES_PER_S


def workers_of(cores: int | None) -> int:
    """Return how many processes parse at once on a machine of so many cores."""
    return max(1, min(cores or 1, MAX_WORKERS))


# Everything else stays out, because keys and tokens have names that nobody can list.
_PASSED_ON = re.compile(
    r"PATH|HOME|USER|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|PYTHON\w+|VIRTUAL_ENV|(DY)?LD_LIBRARY_PATH|TESSDATA_PREFIX"
    r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA",
    re.IGNORECASE,
)

# One thread for each process, because several parse at once. Each thread of these libraries also takes address space.
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a worker process gets: what Python and the system need, and no secrets."""
    kept = {name: value for name, value in environment.items() if _PASSED_ON.fullmatch(name)}
    return kept | _THREADS
