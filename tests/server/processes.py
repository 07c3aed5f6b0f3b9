"""Real `resift` processes with a data directory and roots of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout

TIMEOUT_S = 60  # a start takes 2 s, more on a busy machine
COMMAND = [sys.executable, "-m", "resift"]


def environment(folder: Path) -> dict[str, str]:
    """Return the whole environment of a server whose files and data lie in `folder`."""
    return {
        **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        "PATH": "",
        "HOME": str(folder),
        "RESIFT_DATA_DIR": str(folder / "data"),
        "RESIFT_INGEST_ROOTS": str(folder),
        "RESIFT_MIN_FREE_MB": "0",
        "RESIFT_SERVE__IDLE_TIMEOUT_S": "2",  # an engine outlives the test that started it
        "RESIFT_SERVE__INGEST_WAIT_S": str(TIMEOUT_S),  # on a busy machine, small ingestions take long as well
    }


def engine_pid(folder: Path) -> int:
    """Return the process of the engine that serves the data in `folder`."""
    return json.loads((folder / "data" / "engine.json").read_text(encoding="utf-8"))["pid"]


def stop_engine(folder: Path) -> None:
    """Stop the engine of the data in `folder`, if one runs, and wait until its data can be used."""
    if not (folder / "data").is_dir():
        return
    lock = FileLock(folder / "data" / "engine.lock")
    with suppress(Timeout), lock.acquire(timeout=0):
        return  # none runs: the process of its address is another one by now
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(engine_pid(folder), signal.SIGTERM)
    with lock.acquire(timeout=TIMEOUT_S):
        pass


def resift(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**environment(folder), **settings},
        cwd=folder,
        check=False,
        timeout=TIMEOUT_S,
    )


def without_progress(stderr: str) -> str:
    """Return what a command told on stderr, less the progress that it tells of when it takes long."""
    return "".join(line for line in stderr.splitlines(keepends=True) if not re.search(r" \(\d+ s\)$", line))


class RawServer:
    """`resift serve`, spoken to line by line, in the first generation of the protocol."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, *options: str, cwd: Path | None = None
    ) -> None:
        self.lines: list[str] = []
        self._next_id = 0
        with (folder / ".stderr").open("ab") as errors:  # a pipe that nobody reads would fill and block the server
            self.process = subprocess.Popen(
                [*COMMAND, "serve", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**environment(folder), **(settings or {})},
                cwd=cwd or folder,
                text=True,
                encoding="utf-8",
            )
        client = {"name": "raw", "version": "0"}
        self.request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Send a request and return its id."""
        self._next_id += 1
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        return self._next_id

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the whole answer; what comes before it is kept in `lines`."""
        self.send(method, params)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            message = cast("dict[str, Any]", json.loads(line))
            if message.get("id") == self._next_id:
                return message
        raise AssertionError(f"The server ended with {self.process.wait()}.")

    def answers_to(self, line: bytes) -> list[dict[str, Any]]:
        """Send a line as it is and return all that is answered to it; a ping after it shows that nothing follows."""
        stdin, before = self.process.stdin, len(self.lines)
        assert stdin is not None
        stdin.flush()
        stdin.buffer.write(line + b"\n")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        stdin.buffer.flush()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        self.request("ping", {})
        return [json.loads(each) for each in self.lines[before:-1]]

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool and return its result."""
        return cast("dict[str, Any]", self.request("tools/call", {"name": name, "arguments": arguments})["result"])

    def structured(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool that must not fail, and return its structured result."""
        result = self.call(name, arguments)
        assert "structuredContent" in result, result
        return cast("dict[str, Any]", result["structuredContent"])

    def end(self) -> int:
        """Close stdin and return the exit code; what was still printed is kept in `lines`."""
        out, _ = self.process.communicate(timeout=TIMEOUT_S)
        self.lines += out.splitlines(keepends=True)
        return self.process.returncode

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()


@contextmanager
def http_server(folder: Path, settings: Mapping[str, str] | None = None) -> Generator[str]:
    """Run `resift serve --http` on a free port, and yield the URL of MCP."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--http", "--port", "0"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**environment(folder), **(settings or {})},
        cwd=folder,
        text=True,
        encoding="utf-8",
    )
    assert process.stderr is not None
    told: list[str] = []
    url = ""
    for line in process.stderr:
        told.append(line)
        if found := re.search(r"http://\S+/mcp", line):
            url = found[0]
            break
    assert url, "".join(told)
    rest = threading.Thread(target=told.extend, args=(process.stderr,))  # a pipe that nobody reads blocks the server
    rest.start()
    try:
        yield url
    finally:
        process.terminate()
        code = process.wait(TIMEOUT_S)
        rest.join()
        process.stderr.close()
    assert (code, [line for line in told if "Traceback" in line]) == (0, []), "".join(told)
