"""A transport that connects to the address that was checked, whatever the host's name stands for a moment later."""

from httpx2 import AsyncBaseTransport, AsyncHTTPTransport, ConnectError, Limits, Request, Response

from .addresses import PORTS, UrlRules

MAX_TRIED = 3  # addresses of a host

_NO_REUSE = Limits(max_keepalive_connections=0)  # a connection is known by its address, and another host may share that


class PinnedTransport(AsyncBaseTransport):
    """Looks up the host of each request, checks all its addresses, and connects to one of these.

    The request keeps its `Host`, and TLS checks the certificate for the name of the host.
    """

    def __init__(self, rules: UrlRules) -> None:
        self._rules = rules
        self._transport = AsyncHTTPTransport(trust_env=False, limits=_NO_REUSE)

    async def handle_async_request(self, request: Request) -> Response:
        """Send a request to a checked address.

        Raises:
            UrlRefused: An address of the host may not be asked.
        """
        url = request.url
        addresses = await self._rules.addresses(url.host, url.port or PORTS[url.scheme])
        for place, address in enumerate(addresses[:MAX_TRIED], start=1):
            request.url = url.copy_with(host=address)
            request.extensions = {**request.extensions, "sni_hostname": url.host}
            try:
                return await self._transport.handle_async_request(request)
            except ConnectError:
                if place == len(addresses[:MAX_TRIED]):
                    raise
        raise ConnectError(f"{url.host} has no address", request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
