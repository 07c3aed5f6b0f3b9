"""Run `resift` and kill it at a given step: before it touches a file of the data directory, or calls the engine.

    python -m resift.tests.hostile.kill_switch STEP FILE ARGUMENTS...

Steps are counted from 1. With STEP 0 nothing is killed. The number of steps done is kept in FILE.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"})


class KillSwitch:
    """Counts steps, and kills this process before one of them."""

    def __init__(self, step: int, counter: Path, data: Path) -> None:
        self._step = step
        self._data = os.fsencode(data)
        self._done = 0
        self._counter = os.open(counter, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count an audit event of Python's that changes or opens a file of the data directory."""
        is_path = event in FILE_EVENTS and isinstance(arguments[0], str | bytes | Path)
        if is_path and os.fsencode(arguments[0]).startswith(self._data):
            self._count()

    def profile(self, _: FrameType, event: str, argument: Any) -> None:
        """Count a call of the engine."""
        if event == "c_call" and getattr(argument, "__qualname__", "").startswith("EdgeShard."):
            self._count()

    def _count(self) -> None:
        self._done += 1
        os.pwrite(self._counter, b"%d" % self._done, 0)
        if self._done == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the command line with the switch on."""
    step, counter = int(sys.argv[1]), Path(sys.argv[2])
    sys.argv[1:] = sys.argv[3:]
    switch = KillSwitch(step, counter, Path(os.environ["RESIFT_DATA_DIR"]))
    sys.addaudithook(switch.audit)
    sys.setprofile(switch.profile)
    from resift.server.cli.app import main as resift

    resift()


if __name__ == "__main__":
    main()
