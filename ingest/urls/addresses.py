"""Which URLs and addresses may be asked: those of the public internet, on the usual ports, without credentials."""

import re
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from anyio import to_thread

from ...core.errors import InvalidInput, UrlRefused
from ...core.text import cut

Address: TypeAlias = IPv4Address | IPv6Address

PORTS = {"http": 80, "https": 443}

MAX_URL_CHARACTERS = 2_000

# Public by the registry, or by that of older versions of Python, and yet answered inside clouds: Azure, Oracle.
_INSIDE_CLOUDS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))

_UNICAST = IPv6Network("2000::/3")  # all that is assigned to the public internet

_TUNNELS = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))  # Teredo and 6to4 stand for IPv4 addresses

_NAT64 = IPv6Network("64:ff9b::/96")  # networks without IPv4 reach it through these


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public internet; one that stands for another one, as that does."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or any(address in network for network in _INSIDE_CLOUDS)
        return address.is_global and not special
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and address in _UNICAST and not any(address in network for network in _TUNNELS)


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Which URLs may be asked."""

    ports: Collection[int] = field(default_factory=lambda: frozenset(PORTS.values()))
    may_ask: Callable[[Address], bool] = is_public

    def check(self, url: str) -> SplitResult:
        """Return the parts of a URL that may be asked, as far as it tells before its host is looked up.

        Raises:
            InvalidInput: It is no URL of http or https, or too long.
            UrlRefused: It has credentials, or another port.
        """
        parts, port = _split(url)
        if "@" in parts.netloc:
            raise UrlRefused("The URL has credentials, which would be stored and shown. Leave them out.")
        if port not in self.ports:
            allowed = ", ".join(map(str, sorted(self.ports)))
            raise UrlRefused(f"Port {port} is not allowed, only {allowed}. RESIFT_INGEST__URL_PORTS allows others.")
        return parts

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, all of which may be asked.

        Raises:
            UrlRefused: One of them may not be asked, or the host is not known.
        """
        try:
            found = await to_thread.run_sync(_look_up, host, port, abandon_on_cancel=True)
        except (OSError, UnicodeError) as error:
            raise UrlRefused(f"The host {cut(host)!r} is not known. Check its spelling.") from error
        addresses = [ip_address(each.partition("%")[0]) for each in found]
        if refused := next((each for each in addresses if not self.may_ask(each)), None):
            raise UrlRefused(
                f"The host {cut(host)!r} has the address {refused}, which is not of the public internet. Resift "
                "fetches nothing from private networks, this machine or the metadata services of clouds."
            )
        return [str(each) for each in addresses]


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise InvalidInput(f"It is not a valid URL: {error}.") from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise InvalidInput("It is not a URL with http or https and a host.")
    if len(url) > MAX_URL_CHARACTERS or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise InvalidInput(f"A URL has at most {MAX_URL_CHARACTERS:,} characters, and no spaces or backslashes.")
    return parts, port


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))
