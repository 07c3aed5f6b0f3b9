"""`resift serve` on raw pipes: any bytes go in, and every wait has a limit."""

import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from resift.tests.server.processes import COMMAND, environment

HANG_S = 60  # no single answer takes longer, on the slowest machine; only what hangs does
STDERR = "stderr.txt"
TRACEBACK = "Traceback (most recent call last)"
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "hostile", "version": "0"}}

Message = dict[str, Any]


class Fault(AssertionError):
    """The server crashed, hung or showed its insides."""


class ServerEnded(Fault):
    """The server ended while it was needed."""

    def __init__(self, code: int, log: str) -> None:
        super().__init__(f"the server ended with {code}; stderr ends:\n{log[-3000:]}")
        self.code = code


class ServerProcess:
    """A server whose files and data lie in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        program: Sequence[str] = COMMAND,
        wrapper: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        options: Sequence[str] = ("--in-process",),
    ) -> None:
        self._errors = folder / STDERR
        self._next_id = 0
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.unmatched: list[Message] = []
        """Messages that came while another was awaited."""
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [*wrapper, *program, "serve", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(folder) | dict(settings or {}),
                cwd=folder,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.request("initialize", CLIENT)
            self.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode())
        except Fault:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self.process.kill()  # does nothing if it has ended
        self._reader.join()
        with suppress(BrokenPipeError):
            self.process.__exit__(None, None, None)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def send(self, line: bytes) -> None:
        """Send bytes as one line."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def receive(self) -> Message:
        """Return the next message.

        Raises:
            Fault: There is none in time, the server ended, or stdout carried something else.
        """
        try:
            line = self._lines.get(timeout=HANG_S)
        except queue.Empty:
            raise Fault(f"no answer within {HANG_S} s") from None
        if line is None:
            raise self._ended()
        if TRACEBACK.encode() in line:
            raise Fault(f"a traceback in {line[:2000]!r}")
        message = json.loads(line)
        if not isinstance(message, dict):
            raise Fault(f"no message: {line[:200]!r}")
        return cast("Message", message)

    def answer_to(self, request_id: int | str) -> Message:
        """Return the answer to a request; what comes before it is kept in `unmatched`."""
        while (message := self.receive()).get("id") != request_id or "method" in message:
            self.unmatched.append(message)
        return message

    def request(self, method: str, params: Mapping[str, Any]) -> Message:
        """Send a request and return the whole answer."""
        self._next_id += 1
        request_id = f"own-{self._next_id}"
        self.send(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode())
        return self.answer_to(request_id)

    def call(self, name: str, arguments: Mapping[str, Any]) -> "Reply":
        """Call a tool."""
        return Reply(self.request("tools/call", {"name": name, "arguments": arguments}))

    def finish(self) -> None:
        """Close stdin, and check that the server ends with success and left no traceback."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            code = self.process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            raise Fault(f"still running {HANG_S} s after its stdin was closed") from None
        if code != 0:
            raise self._ended()
        self.check_stderr()

    def check_stderr(self) -> None:
        """Check that no traceback was logged."""
        text = self._errors.read_text(encoding="utf-8", errors="replace")
        if TRACEBACK in text:
            raise Fault(f"a traceback on stderr:\n{text[text.index(TRACEBACK) :][:6000]}")

    def _ended(self) -> ServerEnded:
        return ServerEnded(self.process.wait(HANG_S), self._errors.read_text(encoding="utf-8", errors="replace"))


class Reply:
    """The answer to a tool call."""

    def __init__(self, message: Message) -> None:
        self.message = message

    @property
    def result(self) -> Message:
        """Return the result of the call; empty for a JSON-RPC error."""
        return self.message.get("result", {})

    @property
    def is_error(self) -> bool:
        """Return whether the call failed."""
        return "error" in self.message or bool(self.result.get("isError"))

    @property
    def text(self) -> str:
        """Return the text of the result, or the message of the error."""
        if "error" in self.message:
            return str(self.message["error"].get("message", ""))
        return "".join(block.get("text", "") for block in self.result.get("content", []))

    @property
    def value(self) -> Message:
        """Return the structured result of a call that has to succeed."""
        if self.is_error:
            raise Fault(f"refused: {self.text[:2000]}")
        return self.result["structuredContent"]

    @property
    def characters(self) -> int:
        """Return the size of the reply: its text and its structure."""
        structured = self.result.get("structuredContent")
        return len(self.text) + (
            len(json.dumps(structured, ensure_ascii=False, separators=(",", ":"))) if structured else 0
        )
