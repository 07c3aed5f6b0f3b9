"""What `resift status` shows: the engine's process, its clients, jobs and collections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ...api.resift import Resift
from ...core.errors import ResiftError
from ...core.masking import SECRETS
from ...settings.location import LOGS
from ..output import LOG_FILE
from .greeting import COMMAND, LEASE

if TYPE_CHECKING:
    from .connected_client import Client
    from .hub import Hub

COLLECTIONS_TIMEOUT_S = 5.0  # a collection may have to be opened first, or maintenance may hold them all


async def tell_state(hub: Hub, client: Client) -> None:
    """Send the engine's state as a line of JSON."""
    await client.send(json.dumps(await _state(hub, client)).encode() + b"\n")


async def _state(hub: Hub, asking: Client) -> dict[str, Any]:
    now, gate = time.monotonic(), hub.engine.gate
    state = {
        "running": True,
        "version": hub.address.version,
        "pid": hub.address.pid,
        "uptime_s": round(now - hub.started, 1),
        "memory_mb": await _resident_mb(),
        "data_dir": str(hub.folder),
        "log": "" if hub.beside else str(hub.folder / LOGS / LOG_FILE),
        "difference": hub.difference(asking.hello),
        "clients": [_shown(each, now) for each in sorted(hub.clients - {asking}, key=lambda each: each.since)],
        "calls": gate.calls,
        "maintenance": gate.holder,
        "jobs": [
            {
                "collection": each.job.collection,
                "status": SECRETS.mask(each.status),
                "seconds": round(now - each.since, 1),
            }
            for each in hub.engine.services.ingestor.running
        ],
        "watched": _watched(hub),
    }
    return {**state, **await _collections(hub)}


def _watched(hub: Hub) -> list[dict[str, Any]]:
    """Return the folders that the engine watches now: it remembers them even if a setting stops it."""
    return hub.engine.services.watched.shown() if hub.engine.settings.serve.watch else []


def _shown(client: Client, now: float) -> dict[str, Any]:
    hello = client.hello
    doing = " ".join(["resift", *hello.command.get("arguments", [])[:1]]) if hello.wants == COMMAND else ""
    if hello.wants == LEASE:
        doing = str(hello.command.get("holder", ""))
    return {
        "kind": hello.wants,
        "doing": doing,
        "pid": hello.pid,
        "folder": hello.folder,
        "seconds": round(now - client.since, 1),
    }


async def _collections(hub: Hub) -> dict[str, Any]:
    """Return the collections with their counts, or why they are not known now."""
    if hub.engine.gate.holder:
        return {"collections": None, "problem": f"`{hub.engine.gate.holder}` holds the collections."}
    try:
        with anyio.fail_after(COLLECTIONS_TIMEOUT_S):
            found = await Resift(engine=hub.engine).collections()
    except TimeoutError:
        return {"collections": None, "problem": f"They could not be read within {COLLECTIONS_TIMEOUT_S:g} s."}
    except ResiftError as error:
        return {"collections": None, "problem": str(error)}
    names = ("name", "documents", "passages", "problem")
    return {"collections": [{name: getattr(each, name) for name in names} for each in found], "problem": ""}


async def _resident_mb() -> float | None:
    """Return the memory that this process occupies now, or None where the system does not tell."""
    if sys.platform == "linux":
        return _linux_resident_mb()
    if sys.platform == "win32":
        return None
    done = await anyio.run_process(["ps", "-o", "rss=", "-p", str(os.getpid())], check=False, stderr=subprocess.DEVNULL)
    return round(int(done.stdout) * 1024 / 1e6, 1) if done.stdout.strip().isdigit() else None


def _linux_resident_mb() -> float:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return round(int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
