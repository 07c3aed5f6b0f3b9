"""`resift status` and `resift stop`: what the engine is doing, and its end."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from ...core.text import counted, printable
from ...settings.location import LOGS, data_dir
from ..engine.address import EngineAddress
from ..engine.greeting import STATUS, STOP
from .connect import Connection, EngineFailed, connect
from .maintenance import is_engine_alive

POLL_S = 0.05

STOP_TIMEOUT_S = 330.0  # RESIFT_SERVE__STOP_TIMEOUT_S may be 300


def status(*, as_json: bool = False) -> int:
    """Print what the engine of the data folder is doing; return 0 if it runs, and 1 if not."""
    try:
        state = _ask()
    except EngineFailed as error:
        return _fail(str(error))
    if as_json:
        _say(json.dumps(state, indent=2))
    elif state["running"]:
        _say("\n".join(_lines(state)))
    else:
        _say(f"No engine is running for the data folder {state['data_dir']}. `resift serve` starts one.")
    return 0 if state["running"] else 1


def stop(*, now: bool = False) -> int:
    """Stop the engine of the data folder, and wait until it has ended; return the exit code.

    Maintenance in another process ends first, unless the engine is to stop `now`.
    """
    folder = data_dir()
    serves_http = (address := EngineAddress.read(folder)) is not None and bool(address.url)
    try:
        engine = connect(STOP, command={"now": now})
    except EngineFailed as error:
        return _fail(str(error))
    if engine is None:
        if is_engine_alive(folder):
            return _fail(_unanswering(folder))
        _say(f"No engine is running for the data folder {folder}.")
        return 0
    with engine.channel:
        for message in engine.messages():
            _tell(f"Waiting for {message['waiting']} to end. `resift stop --now` does not wait.")
    end = time.monotonic() + STOP_TIMEOUT_S
    while _is_running(folder, engine.welcome.pid):
        if time.monotonic() > end:
            return _fail(f"The engine, process {engine.welcome.pid}, has not ended. Its log is in {folder / LOGS}.")
        time.sleep(POLL_S)
    _say(f"The engine, process {engine.welcome.pid}, has stopped. {_what_starts_it(serves_http=serves_http)}")
    return 0


def ask_state() -> dict[str, Any] | None:
    """Return the state of the engine, or None if none runs.

    Raises:
        EngineFailed: The engine refuses this client, or does not answer.
    """
    state = _ask()
    return state if state["running"] else None


def _ask() -> dict[str, Any]:
    folder = data_dir()
    engine = connect(STATUS)
    if engine is not None and (answer := _receive(engine)):
        return json.loads(answer)
    if is_engine_alive(folder):
        raise EngineFailed(_unanswering(folder))
    return {"running": False, "data_dir": str(folder)}


def _receive(engine: Connection) -> bytes:
    """Return what the engine sends until it closes the connection."""
    parts = [engine.received]
    with engine.channel as channel:
        try:
            while chunk := channel.recv(2**16):
                parts.append(chunk)
        except OSError:  # it was killed
            return b""
    return b"".join(parts)


def _is_running(folder: Path, pid: int) -> bool:
    """Return whether an engine still runs, and no other has taken its place."""
    address = EngineAddress.read(folder)
    return (address is None or address.pid == pid) and is_engine_alive(folder)


def _unanswering(folder: Path) -> str:
    address = EngineAddress.read(folder)
    process = f", process {address.pid}," if address else ""
    return f"The engine{process} does not answer: it is just starting or stopping, or it hangs. Try again in a moment."


def _lines(state: dict[str, Any]) -> list[str]:
    """Return the state as text."""
    memory = "" if state["memory_mb"] is None else f", {state['memory_mb']:,.0f} MB of memory"
    lines = [
        f"Engine: process {state['pid']}, version {state['version']}, up {_duration(state['uptime_s'])}{memory}",
        f"Data folder: {state['data_dir']}",
        f"Log: {state['log'] or 'the standard error of the engine, which was started as `resift serve --http`'}",
        f"Clients: {len(state['clients']) or 'none'}",
    ]
    lines += [
        f"  {each['doing'] or each['kind']}, process {each['pid']}, in {each['folder']}, {_duration(each['seconds'])}"
        for each in state["clients"]
    ]
    lines.append(f"Calls in flight: {state['calls'] or 'none'}")
    lines.append(f"Ingestions: {len(state['jobs']) or 'none'}")
    lines += [f"  into {each['collection']}: {each['status']} ({_duration(each['seconds'])})" for each in state["jobs"]]
    watched = [
        f"  for {folder_line(each['collection'], folder, glob=each['glob'], problem=each.get('problem', ''))}"
        for each in state.get("watched", [])
        for folder in each["folders"]
    ]
    lines += [f"Watched folders: {len(watched) or 'none'}", *watched]
    lines.append("Collections:" if state["collections"] else f"Collections: {state['problem'] or 'none'}")
    known: list[dict[str, Any]] = state["collections"] or []
    lines += [f"  {_collection(each)}" for each in known]
    if state["difference"]:
        lines.append(f"Note: {state['difference']} {_how_to_change(serves_http=not state['log'])}")
    return lines


def folder_line(collection: str, folder: str, *, glob: str, problem: str) -> str:
    """Return a line on a folder that the engine watches, or that it cannot follow now."""
    return f"{collection}: {folder}, {glob}" + (f". Not followed now: {problem}" if problem else "")


def _how_to_change(*, serves_http: bool) -> str:
    if serves_http:
        return "It serves HTTP: to change that, restart it where `resift serve --http` was started."
    return "`resift stop` ends it, and the next client starts another."


def _what_starts_it(*, serves_http: bool) -> str:
    if serves_http:
        return "The next client starts an engine without HTTP; `resift serve --http` serves HTTP again."
    return "The next client starts it again."


def _collection(each: dict[str, Any]) -> str:
    documents = "many documents" if each["documents"] is None else counted(each["documents"], "document")
    counts = f"{each['name']}: {documents}, {counted(each['passages'], 'passage')}"
    return f"{counts}. {each['problem']}" if each["problem"] else counts


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _say(text: str) -> None:
    print(printable(text))  # noqa: T201 - without Rich, which takes longer to import than this takes


def _tell(text: str) -> None:
    print(f"resift: {printable(text)}", file=sys.stderr, flush=True)  # noqa: T201


def _fail(problem: str) -> int:
    _tell(problem)
    return 1
