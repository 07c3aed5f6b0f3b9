"""`resift` commands run to their end, or until they are killed."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from resift.tests.hostile.server_process import HANG_S, TRACEBACK, Fault
from resift.tests.server.processes import COMMAND, environment


class Ended(NamedTuple):
    """Exit code, and what was printed."""

    code: int
    out: str
    err: str


def run(folder: Path, *arguments: str, wrapper: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> Ended:
    """Run a command over the data directory in `folder`.

    Raises:
        Fault: It hung, was ended by a signal, or printed a traceback.
    """
    ended = run_until_killed(folder, *arguments, program=[*wrapper, *COMMAND], settings=settings)
    if ended.code not in (0, 1, 2):
        raise Fault(f"`resift {' '.join(arguments)}` ended with {ended.code}:\n{ended.err[-3000:]}")
    return ended


def run_until_killed(
    folder: Path,
    *arguments: str,
    program: Sequence[str] = COMMAND,
    settings: Mapping[str, str] | None = None,
    after_s: float = 0,
) -> Ended:
    """Run a command that may be ended by a signal; with `after_s`, kill it then."""
    called = " ".join(arguments)
    with subprocess.Popen(
        [*program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment(folder), "COLUMNS": "200", **(settings or {})},
        cwd=folder,
    ) as process:
        try:
            out, err = process.communicate(timeout=after_s or HANG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if not after_s:
                raise Fault(f"`resift {called}` did not end within {HANG_S} s") from None
    ended = Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    if TRACEBACK in ended.out + ended.err:
        raise Fault(f"`resift {called}` printed a traceback:\n{ended.out[-1500:]}\n{ended.err[-4000:]}")
    return ended
