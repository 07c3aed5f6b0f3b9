"""Fetching: redirects, robots.txt, and bounds on time and size."""

import gzip
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resift.core.errors import ResiftError, UnreadableFile, UrlRefused
from resift.ingest.urls.addresses import UrlRules
from resift.ingest.urls.fetching import MAX_REDIRECTS, USER_AGENT, Fetched, Fetcher, UrlOptions
from resift.tests.ingest.urls.site import Reply, Site


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().serving() as started:
        yield started


def fetch(url: str, options: UrlOptions, *, max_bytes: int = 100_000, **conditions: str) -> Fetched:
    return anyio.run(partial(Fetcher(options, max_bytes=max_bytes).fetch, url, conditions))


def test_page_comes_with_its_headers_and_was_asked_for_by_name(site: Site) -> None:
    answer = fetch(site.add("/a", "Hello", ETag='"1"'), site.options)
    assert (answer.body, answer.status, answer.headers["etag"]) == (b"Hello", 200, '"1"')
    assert site.asked[-1][1]["user-agent"] == USER_AGENT
    assert site.asked[-1][1]["host"] == f"127.0.0.1:{site.server_port}"


def test_this_machine_is_refused_by_default(site: Site) -> None:
    with pytest.raises(UrlRefused, match=r"has the address 127\.0\.0\.1, which is not of the public internet"):
        fetch(site.add("/a", "Secret"), UrlOptions(rules=UrlRules({site.server_port})))
    assert site.asked == []


def test_redirect_into_a_private_network_is_refused(site: Site) -> None:
    def is_first(address: object) -> bool:
        return str(address) == "127.0.0.1"

    options = UrlOptions(rules=UrlRules({site.server_port}, may_ask=is_first))
    for target in ("127.0.0.2", "[::1]", "169.254.169.254"):
        with pytest.raises(UrlRefused, match="not of the public internet"):
            fetch(site.redirect("/a", f"http://{target}:{site.server_port}/latest/meta-data"), options)
    with pytest.raises(UrlRefused, match="Port 1 is not allowed"):
        fetch(site.redirect("/b", f"{site.url.rpartition(':')[0]}:1/"), options)
    assert {path for path, _ in site.asked} == {"/a", "/b", "/robots.txt"}


def test_host_whose_address_changes_is_asked_at_the_one_that_was_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *arguments, **options)
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    site.add("/a", "Page")
    checked: list[str] = []

    def may_ask(address: object) -> bool:
        checked.append(str(address))
        return True

    options = UrlOptions(rules=UrlRules({site.server_port}, may_ask=may_ask))
    assert fetch(f"http://rebinding.example:{site.server_port}/a", options).body == b"Page"
    assert len(looked_up) == len(checked) == 2  # robots.txt and the page: each connection goes to what was checked
    assert site.asked[-1][1]["host"] == f"rebinding.example:{site.server_port}"


def certificate(folder: Path, host: str) -> Path:
    """Write the key and the certificate of a host, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=start,
        not_valid_after=start + timedelta(days=36_500),
    ).sign(key, hashes.SHA256())
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "host.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_certificate_is_asked_for_and_checked_by_the_name_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, "named.example"))
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def here(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    with Site() as site:
        site.socket = context.wrap_socket(site.socket, server_side=True, do_handshake_on_connect=False)
        with site.serving():
            monkeypatch.setattr(socket, "getaddrinfo", here)
            with pytest.raises(UrlRefused, match="CERTIFICATE_VERIFY_FAILED"):
                fetch(f"https://named.example:{site.server_port}/a", site.options)
    assert asked == ["named.example"]


def test_redirects_are_followed_a_few_times(site: Site) -> None:
    site.add("/end", "The end")
    site.redirect("/1", "/2", 301)
    site.redirect("/2", "end", 308)
    answer = fetch(f"{site.url}/1", site.options)
    assert (answer.url, answer.body) == (f"{site.url}/end", b"The end")
    site.redirect("/loop", "/loop")
    with pytest.raises(UrlRefused, match=f"more than {MAX_REDIRECTS} times"):
        fetch(f"{site.url}/loop", site.options)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "//user:pw@127.0.0.1/"])
def test_redirect_to_what_is_not_asked_is_refused(site: Site, target: str) -> None:
    with pytest.raises(ResiftError, match=r"not a URL with http|has credentials"):
        fetch(site.redirect("/a", target), site.options)


def test_answer_that_drips_ends_with_the_time(site: Site) -> None:
    site.pages["/a"] = Reply(b"<p>", drips=True)
    with pytest.raises(UnreadableFile, match=r"did not arrive within 0\.3 s"):
        fetch(f"{site.url}/a", replace(site.options, timeout_s=0.3))


def test_large_answer_is_refused(site: Site) -> None:
    with pytest.raises(UnreadableFile, match="more than 1,000 bytes"):
        fetch(site.add("/a", "x" * 1_001), site.options, max_bytes=1_000)
    assert len(fetch(site.add("/b", "x" * 1_000), site.options, max_bytes=1_000).body) == 1_000


def test_small_answer_that_unpacks_to_a_large_one_is_refused(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableFile, match="more than 100,000 bytes"):
        fetch(site.add("/a", bomb, Content_Encoding="gzip"), site.options)
    url = site.add("/b", gzip.compress(b"Hello" * 1000), Content_Encoding="gzip")
    assert fetch(url, site.options).body == b"Hello" * 1000


def test_what_follows_a_gzip_member_counts_and_is_unpacked(site: Site) -> None:
    hello, world = gzip.compress(b"Hello"), gzip.compress(b" world")
    assert fetch(site.add("/a", hello + world, Content_Encoding="gzip"), site.options).body == b"Hello world"
    much = hello + gzip.compress(b"") + gzip.compress(b"x" * 100_000)
    with pytest.raises(UnreadableFile, match="more than 100,000 bytes"):
        fetch(site.add("/b", much, Content_Encoding="gzip"), site.options)
    long = gzip.compress(b"Hello", compresslevel=0)[:10] + b"\0\0\0\xff\xff" * 20_001  # blocks without content
    with pytest.raises(UnreadableFile, match="more than 100,000 bytes"):
        fetch(site.add("/c", long, Content_Encoding="gzip"), site.options)


@pytest.mark.parametrize(
    ("body", "coding", "message"),
    [
        (b"not gzip", "gzip", "damaged compression"),
        (gzip.compress(b"Hello" * 99, mtime=0)[:-9], "gzip", "only in part"),
        (gzip.compress(b"Hello", mtime=0) + b"\0" * 200_000, "gzip", "damaged compression"),
        (gzip.compress(b"Hello", mtime=0) + gzip.compress(b"x", mtime=0)[:-9], "gzip", "only in part"),
        (gzip.compress(b"", mtime=0) * 101, "gzip", "more than 100 members"),
        (b"x", "br", "encoding 'br', which was not asked for"),
    ],
)
def test_answer_that_cannot_be_unpacked_is_told(site: Site, body: bytes, coding: str, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        fetch(site.add("/a", body, Content_Encoding=coding), site.options)


@pytest.mark.parametrize(
    ("status", "message"), [(404, "404 Not Found"), (500, "500 Internal Server Error"), (206, "206")]
)
def test_other_answers_are_failures(site: Site, status: int, message: str) -> None:
    site.pages["/a"] = Reply(b"x", status=status)
    with pytest.raises(UnreadableFile, match=message):
        fetch(f"{site.url}/a", site.options)


def test_server_that_is_not_there_is_told(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    options = UrlOptions(rules=UrlRules({port}, may_ask=lambda _: True))
    with pytest.raises(
        UrlRefused, match=r"robots\.txt could not be fetched, so nothing is fetched there: The server cannot be"
    ):
        fetch(f"http://127.0.0.1:{port}/a", options)


def test_robots_are_respected(site: Site) -> None:
    others, ours = "User-agent: *\nDisallow: /\n", "Disallow: /private\nDisallow: /*.json$\nAllow: /private/open\n"
    site.add("/robots.txt", f"{others}\nUser-agent: resift\n{ours}", "text/plain")
    for path in ("/a", "/private/open", "/private", "/b.json"):
        site.add(path, "Page")
    assert fetch(f"{site.url}/a", site.options).status == 200
    assert fetch(f"{site.url}/private/open", site.options).status == 200
    for path in ("/private", "/b.json"):
        with pytest.raises(UrlRefused, match=r"robots\.txt does not allow"):
            fetch(f"{site.url}{path}", site.options)
    with pytest.raises(UrlRefused, match=r"robots\.txt does not allow"):
        fetch(site.redirect("/way", "/private"), site.options)
    assert "/private" not in site.paths


def test_site_that_cannot_tell_its_rules_is_not_asked(site: Site) -> None:
    site.add("/a", "Page")
    site.pages["/robots.txt"] = Reply(status=503)
    with pytest.raises(UrlRefused, match="the server answered 503"):
        fetch(f"{site.url}/a", site.options)
    site.pages["/robots.txt"] = Reply(status=403)
    assert fetch(f"{site.url}/a", site.options).status == 200


def test_rules_of_a_site_are_asked_once(site: Site) -> None:
    fetcher = Fetcher(site.options, max_bytes=100)

    async def both() -> None:
        for path in ("/a", "/b"):
            await fetcher.fetch(site.add(path, "Page"))

    anyio.run(both)
    assert [path for path, _ in site.asked] == ["/robots.txt", "/a", "/b"]


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert fetch(site.add("/a", "Page"), site.options).body == b"Page"
