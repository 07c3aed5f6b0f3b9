"""A file system of a few megabytes, mounted where only the processes of one test see it."""

import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

WAYS: Sequence[Sequence[str]] = (("unshare", "--user", "--map-root-user", "--mount"), ("unshare", "--mount"))
"""As any user where the system allows it, or as root."""


class SmallDisk(NamedTuple):
    """The folder where it is mounted, as its processes see it, and what their commands have to begin with."""

    folder: Path
    wrapper: Sequence[str]
    outside: Path
    """The same folder, as other processes see it."""


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Generator[SmallDisk | str]:
    """Mount a file system of this size on a folder; yield the reason instead where that is not possible."""
    reason = "there is no `unshare` and `nsenter` here"
    nsenter = shutil.which("nsenter")
    for way in WAYS if shutil.which("unshare") and nsenter else ():
        mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$1" && echo mounted && exec cat'
        with subprocess.Popen(
            [*way, "sh", "-c", mount, "sh", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as keeper:
            assert keeper.stdout is not None
            assert keeper.stderr is not None
            if keeper.stdout.readline() != "mounted\n":
                reason = f"no file system can be mounted here: {keeper.stderr.read().strip()}"
                continue
            try:
                user = ["--user", "--preserve-credentials"] if "--user" in way else []
                target = [f"--target={keeper.pid}", "--mount"]
                yield SmallDisk(
                    folder,
                    [nsenter or "", *target, *user, "--"],
                    Path(f"/proc/{keeper.pid}/root") / folder.relative_to("/"),
                )
                return
            finally:
                keeper.kill()
    yield reason
