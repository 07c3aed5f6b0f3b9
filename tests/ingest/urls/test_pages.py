"""Documents at URLs: what is read of them, and how they are asked for again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anyio import to_thread

from resift.core.values import Document
from resift.ingest.job import Failure, IngestReport
from resift.ingest.reader import FileDocument
from resift.ingest.urls.pages import Pages, PageSettings, pages_at
from resift.ingest.urls.spelling import identity
from resift.tests.ingest.harness import Harness
from resift.tests.ingest.urls.site import Reply, Site

pytestmark = pytest.mark.anyio

MODIFIED = "Sun, 29 Nov 2026 10:00:00 GMT"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().serving() as started:
        yield started


def settings(site: Site, **metadata: Any) -> PageSettings:
    return PageSettings(site.options, metadata=metadata, max_bytes=100_000, chunking="200/40/40")


def read(site: Site, *urls: str, **metadata: Any) -> list[Document | Failure]:
    return list(Pages(urls, settings(site, **metadata)))


def only(site: Site, url: str) -> FileDocument:
    [document] = read(site, url)
    assert isinstance(document, FileDocument), document
    return document


def test_page_is_read_without_its_navigation(site: Site) -> None:
    main = "<main><h1>Pumps</h1><p>A pump moves water.</p></main>"
    page = f"<title>Pumps</title><nav><a>Home</a></nav>{main}<footer>©</footer>"
    url = site.add("/pumps?page=2&token=hunter2", page, Last_Modified=MODIFIED)
    document = only(site, f"{url}#parts")
    assert document.source == f"{site.url}/pumps?page=2"
    assert document.id == identity(url) != document.source
    assert document.title == "Pumps"
    assert [line for line in document.parsed.lines if line] == ["Pumps", "A pump moves water."]
    assert document.facts["modified"] == "2026-11-29T10:00:00Z"
    assert (document.facts["path"], document.facts["format"]) == (document.id, "html")
    assert "hunter2" not in repr(document)


@pytest.mark.parametrize(
    ("path", "type_", "body", "format_"),
    [
        ("/a", "text/html; charset=utf-8", "<p>Text</p>", "html"),
        ("/a.php", "text/html", "<p>Text</p>", "html"),
        ("/a", "text/markdown", "Text", "markdown"),
        ("/a.md", "text/plain", "Text", "markdown"),
        ("/a.py", "application/octet-stream", "x = 1", "code"),
        ("/a", "application/json", '{"a": "Text"}', "json"),
        ("/a.csv", "text/csv", "a,b\nText,2", "tables"),
        ("/a", "", "Just text.", "text"),
    ],
)
def test_type_that_the_server_tells_decides_on_the_parser(
    site: Site, path: str, type_: str, body: str, format_: str
) -> None:
    [document, *_] = read(site, site.add(path, body, type_))
    assert isinstance(document, FileDocument), document
    assert document.format == format_


@pytest.mark.parametrize(
    ("text", "charset", "codec"),
    [
        ("Größe und Straße", "ISO-8859-1", "iso-8859-1"),
        ("日本語の文書", "shift_jis", "shift_jis"),
        ("Größe", "nonsense", "utf-8"),
    ],
)
def test_charset_that_the_server_tells_is_used(site: Site, text: str, charset: str, codec: str) -> None:
    url = site.add("/a.txt", text.encode(codec), f"text/plain; charset={charset}")
    assert only(site, url).text == text


def test_source_is_where_the_redirects_ended_and_the_id_what_was_asked_for(site: Site) -> None:
    site.add("/new?session=1&v=2", "<p>Text</p>")
    document = only(site, site.redirect("/old", "/new?session=1&v=2"))
    assert isinstance(document, FileDocument)
    assert (document.id, document.source) == (f"{site.url}/old", f"{site.url}/new?v=2")


def test_each_url_that_cannot_be_had_is_one_failure(site: Site) -> None:
    site.pages["/broken"] = Reply(status=500)
    urls = [f"{site.url}/{name}" for name in ("missing", "good", "broken", "blank")]
    site.add("/good", "<p>Text</p>")
    site.add("/blank", " ")
    items = read(site, *urls, f"{site.url.rpartition(':')[0]}:1/", "https://u:hunter2@a.org/")
    failures = {item.source: item.reason for item in items if isinstance(item, Failure)}
    assert len(failures) == 5
    assert failures[f"{site.url}/missing"] == "The server answered 404 Not Found. Check the URL."
    assert "has no text" in failures[f"{site.url}/blank"]
    assert "credentials" in failures["https://a.org/"]
    assert "hunter2" not in repr(failures)


def test_metadata_of_the_call_is_added(site: Site) -> None:
    [document] = read(site, site.add("/a", "<p>Text</p>"), team="docs")
    assert isinstance(document, Document)
    assert document.metadata == {"team": "docs"}


def test_documents_in_a_file_at_a_url_have_ids_below_its_own(site: Site) -> None:
    url = site.add(
        "/data?page=2", '{"title": "A", "text": "One."}\n{"title": "B", "text": "Two."}\n', "application/x-ndjson"
    )
    items = [item for item in read(site, url) if isinstance(item, FileDocument)]
    assert [item.title for item in items] == ["A", "B"]
    assert all(item.id.startswith(f"{url}/") and item.facts["path"] == url for item in items)


async def ingest(harness: Harness, site: Site, *urls: str, **metadata: Any) -> tuple[IngestReport, Pages]:
    pages = await pages_at(urls, settings(site, **metadata), store=harness.store, collection=harness.name)
    return await harness.ingest(*await to_thread.run_sync(list, pages)), pages


async def test_unchanged_page_is_not_sent_again(harness: Harness, site: Site) -> None:
    url = site.add("/a", "<p>Text of the page.</p>", ETag='"1"', Last_Modified=MODIFIED)
    first, _ = await ingest(harness, site, url)
    second, pages = await ingest(harness, site, url)
    assert (first.added, second.added, second.updated, pages.unchanged) == (1, 0, 0, [url])
    asked = site.asked[-1][1]
    assert (asked["if-none-match"], asked["if-modified-since"]) == ('"1"', MODIFIED)
    [passage] = await harness.passages(url)
    assert json.loads(passage.metadata["revision"])[1:] == ['"1"', MODIFIED]


async def test_changed_page_replaces_its_old_version(harness: Harness, site: Site) -> None:
    url = site.add("/a", "<p>Old text.</p>", ETag='"1"')
    await ingest(harness, site, url)
    site.add("/a", "<p>New text.</p>", ETag='"2"')
    report, pages = await ingest(harness, site, url)
    assert (report.updated, pages.unchanged) == (1, [])
    assert [each.text for each in await harness.passages(url)] == ["New text."]


async def test_page_is_sent_again_when_other_metadata_is_given(harness: Harness, site: Site) -> None:
    url = site.add("/a", "<p>Text of the page.</p>", ETag='"1"')
    await ingest(harness, site, url, team="docs")
    report, pages = await ingest(harness, site, url, team="support")
    assert (report.updated, pages.unchanged) == (1, [])
    assert (await harness.passages(url))[0].metadata["team"] == "support"
