"""One connection to the engine: greet the client, and do what it wants."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from ...api.caller import CALLER, Caller
from ...core.errors import InvalidInput
from .address import HAS_UNIX_SOCKETS, is_same_user
from .commands import run_command
from .connected_client import Client
from .greeting import COMMAND, LEASE, MAX_BYTES, MCP, STATUS, STOP, Hello, Welcome
from .hub import Hub
from .leases import lend_store, wait_for_maintenance
from .state import tell_state

GREETING_TIMEOUT_S = 10.0

logger = logging.getLogger(__name__)


async def answer(hub: Hub, stream: SocketStream) -> None:
    """Serve one connection to its end. What goes wrong costs this connection only."""
    async with stream:
        try:
            if (client := await _greeted(hub, stream)) is None:
                return
            welcome = hub.welcome(client.hello)
            if welcome.error or welcome.retry:
                await client.send(welcome.encode())
                return
            with hub.joined(client):  # first: an engine that stops says goodbye to those who joined
                await client.send(welcome.encode())
                await HANDLERS[client.hello.wants](hub, client)
        except (OSError, ValueError, KeyError, TimeoutError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            logger.info("A connection ended: %r", error)
        except anyio.DelimiterNotFound:
            logger.warning("A connection did not begin with a greeting")
        except Exception:  # the boundary: one client's failure must not end the others
            logger.exception("A connection failed")


async def _greeted(hub: Hub, stream: SocketStream) -> Client | None:
    """Return the client that a greeting announces, or None if it may not connect."""
    if HAS_UNIX_SOCKETS and not is_same_user(stream.extra_attributes[SocketAttribute.raw_socket]()):
        logger.warning("A process of another user was refused")
        return None
    incoming = BufferedByteReceiveStream(stream)
    with anyio.fail_after(GREETING_TIMEOUT_S):
        hello = Hello.decode(await incoming.receive_until(b"\n", MAX_BYTES))
    if not hmac.compare_digest(hello.token.encode(), hub.address.token.encode()):
        logger.warning("A connection with a wrong token was refused")
        return None
    try:
        return Client(hello, stream, incoming=incoming)
    except InvalidInput as error:
        await stream.send(Welcome(hub.address.pid, hub.address.version, error=str(error)).encode())
        return None


async def _serve_mcp(hub: Hub, client: Client) -> None:
    CALLER.set(_caller(hub, client))
    logger.info("Client %d in %s", client.hello.pid, client.hello.folder)
    await client.serve(hub.server)


def _caller(hub: Hub, client: Client) -> Caller:
    """Return a client with its own rights, except that nobody may write if a server of others may only be read."""
    own, engine = client.settings, hub.engine.settings
    overrides, may_write = own.differing(engine), not own.read_only
    if hub.beside is not None and engine.read_only:
        overrides, may_write = overrides - {"read_only"}, False
    return Caller(name="stdio", roots=client.roots_for_tools, may_write=may_write, overrides=overrides)


async def _stop(hub: Hub, client: Client) -> None:
    """Stop the engine once maintenance has ended, or now; keep the connection until it has stopped."""
    if not (client.hello.command.get("now") or await wait_for_maintenance(hub, client)):
        return
    hub.stop(f"process {client.hello.pid} asked for it")
    await anyio.sleep_forever()


HANDLERS: Mapping[str, Callable[[Hub, Client], Awaitable[None]]] = {
    MCP: _serve_mcp,
    STATUS: tell_state,
    STOP: _stop,
    LEASE: lend_store,
    COMMAND: run_command,
}
"""By what a client can want."""
