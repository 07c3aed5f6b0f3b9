"""Leases: the engine lets go of the store, so that a maintenance command can use it in a process of its own."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import anyio

from ...core.text import counted

if TYPE_CHECKING:
    from .connected_client import Client
    from .hub import Hub

TELL_AFTER_S = 2.0

logger = logging.getLogger(__name__)


async def lend_store(hub: Hub, client: Client) -> None:
    """Let go of the store when no call uses it, and keep every call out until the client is gone."""
    store, gate = hub.engine.services.store, hub.engine.gate
    holder = str(client.hello.command.get("holder") or "maintenance")
    async with anyio.create_task_group() as group:
        group.start_soon(_end_with_client, client, group.cancel_scope)
        if store.is_shared:  # on a server, and the data folder is not in use
            await _send(client, {"lent": True})
            await anyio.sleep_forever()
        waiting = anyio.CancelScope()
        group.start_soon(_tell_what_it_waits_for, hub, client, waiting)
        async with gate.exclusive(holder):
            waiting.cancel()
            await store.close()  # it is opened again when it is used next
            logger.info(
                "`%s`, process %d, uses the collections alone; calls wait until it ends", holder, client.hello.pid
            )
            await _send(client, {"lent": True})
            await anyio.sleep_forever()


async def wait_for_maintenance(hub: Hub, client: Client) -> bool:
    """Wait until maintenance has ended, and tell the client what it is; return False if the client leaves first."""
    gate = hub.engine.gate
    if not gate.is_wanted:
        return True
    await _send(client, {"waiting": f"`{gate.holder}`" if gate.holder else "maintenance"})
    has_ended = False
    async with anyio.create_task_group() as group:
        group.start_soon(_end_with_client, client, group.cancel_scope)
        await gate.released()
        has_ended = True
        group.cancel_scope.cancel()
    return has_ended


async def _end_with_client(client: Client, lease: anyio.CancelScope) -> None:
    while await client.receive():
        pass
    lease.cancel()


async def _tell_what_it_waits_for(hub: Hub, client: Client, waiting: anyio.CancelScope) -> None:
    """After a while, tell the client once what keeps it waiting."""
    gate = hub.engine.gate
    with waiting:
        await anyio.sleep(TELL_AFTER_S)
        calls = f"{counted(gate.calls, 'call')} in flight in the engine"
        await _send(client, {"waiting": f"`{gate.holder}`" if gate.holder else calls})


async def _send(client: Client, message: dict[str, Any]) -> None:
    await client.send(json.dumps(message).encode() + b"\n")
