"""URLs and addresses that are asked, and those that are refused."""

import socket
from ipaddress import ip_address
from typing import Any

import anyio
import pytest

from resift.core.errors import InvalidInput, ResiftError, UrlRefused
from resift.ingest.urls.addresses import UrlRules, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_address_is_asked(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::127.0.0.1"),  # this machine
        *("10.0.0.1", "172.31.255.1", "192.168.0.1", "fd00::1", "fec0::1", "::ffff:10.0.0.1"),  # private networks
        *("169.254.1.1", "fe80::1", "100.64.0.1", "198.18.0.1", "192.0.2.1", "2001:db8::1"),
        *("224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255"),  # multicast, reserved, broadcast
        *("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),  # metadata of clouds
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::"),  # in disguise
    ],
)
def test_address_inside_a_network_a_machine_or_a_cloud_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.com/a", "not a URL with http or https"),
        ("https:///a", "not a URL with http or https"),
        ("https://example.com:8443/", "Port 8443 is not allowed, only 80, 443"),
        ("https://user:hunter2@example.com/", "has credentials"),
        ("https://token@example.com/", "has credentials"),
        ("https://@example.com/", "has credentials"),
        ("https://example.com:99999/", "not a valid URL"),
        ("https://example.com/a b", "no spaces"),
        ("https://example.com\\@evil.org/", "no spaces or backslashes"),
        ("https://example.com\\evil.org/", "no spaces or backslashes"),
        (f"https://example.com/{'a' * 2000}", "at most 2,000 characters"),
    ],
)
def test_url_that_may_not_be_asked_is_refused_before_its_host_is_looked_up(url: str, message: str) -> None:
    with pytest.raises(ResiftError, match=message) as refused:
        UrlRules().check(url)
    assert isinstance(refused.value, UrlRefused | InvalidInput)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    parts = UrlRules().check(f"http://{host}/")
    with pytest.raises(UrlRefused, match="not of the public internet"):
        anyio.run(UrlRules().addresses, parts.hostname or "", 80)


def test_host_with_one_address_that_may_not_be_asked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.7")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(UrlRefused, match=r"'example.com' has the address 10\.0\.0\.7"):
        anyio.run(UrlRules().addresses, "example.com", 80)


def test_unknown_host_is_told() -> None:
    with pytest.raises(UrlRefused, match=r"'a\.invalid' is not known"):
        anyio.run(UrlRules().addresses, "a.invalid", 80)
