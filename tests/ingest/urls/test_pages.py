"""Documents at URLs: what is read of them, and how they are asked for again."""

import json
from collections.abc import Iterator, Mapping
from threading import Barrier, Event
from typing import Any

import anyio
import pytest
from anyio import from_thread
from anyio.lowlevel import current_token

from resift.core.values import Document
from resift.ingest.flow.taking import Taken, Taker
from resift.ingest.job import Job
from resift.ingest.reader import FileDocument
from resift.ingest.report import Failure, IngestReport
from resift.ingest.sync.file_plan import SyncPlan
from resift.ingest.sync.holdings import Holdings
from resift.ingest.urls.pages import Pages, PageSettings, pages_at
from resift.ingest.urls.spelling import identity
from resift.models.worker_pool import WorkerPool
from resift.tests.ingest.harness import Harness
from resift.tests.ingest.urls.site import Reply, Site

pytestmark = pytest.mark.anyio

LIMIT_S = 60.0  # after which a test fails rather than waits

MODIFIED = "Sun, 29 Nov 2026 10:00:00 GMT"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().serving() as started:
        yield started


def settings(site: Site, **metadata: Any) -> PageSettings:
    return PageSettings(site.options, metadata=metadata, max_bytes=100_000, chunking="200/40/40")


def read(site: Site, *urls: str, **metadata: Any) -> list[Document | Failure]:
    pages = Pages(urls, settings(site, **metadata))

    async def all_of_them() -> list[Document | Failure]:
        return [item for url in urls for item in (await pages.read(url)).outcomes]

    return anyio.run(all_of_them)


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


async def ingest(harness: Harness, site: Site, *urls: str, **metadata: Any) -> IngestReport:
    pages = await pages_at(urls, settings(site, **metadata), store=harness.store, collection=harness.name)
    return await harness.ingest(pages=pages)


async def test_unchanged_page_is_not_sent_again(harness: Harness, site: Site) -> None:
    url = site.add("/a", "<p>Text of the page.</p>", ETag='"1"', Last_Modified=MODIFIED)
    first = await ingest(harness, site, url)
    second = await ingest(harness, site, url)
    assert (first.added, second.added, second.updated, second.unchanged) == (1, 0, 0, 1)
    asked = site.asked[-1][1]
    assert (asked["if-none-match"], asked["if-modified-since"]) == ('"1"', MODIFIED)
    [passage] = await harness.passages(url)
    assert json.loads(passage.metadata["revision"])[1:] == ['"1"', MODIFIED]


async def test_changed_page_replaces_its_old_version(harness: Harness, site: Site) -> None:
    url = site.add("/a", "<p>Old text.</p>", ETag='"1"')
    await ingest(harness, site, url)
    site.add("/a", "<p>New text.</p>", ETag='"2"')
    report = await ingest(harness, site, url)
    assert (report.updated, report.unchanged) == (1, 0)
    assert [each.text for each in await harness.passages(url)] == ["New text."]


async def test_documents_that_left_a_page_are_removed_once_it_is_read_completely(harness: Harness, site: Site) -> None:
    async def ids() -> set[str]:
        held = await (await harness.store.open(harness.name)).entries()
        return {id_.removeprefix(f"{site.url}/") for id_ in held}

    a, b, c = map('{{"id": "{0}", "text": "Text {0}."}}'.format, "abc")
    others = [site.add("/d.jsonl/x", "<p>Below it.</p>"), site.add("/d.jsonl2", a, "application/x-ndjson")]
    other_ids = {"d.jsonl/x", "d.jsonl2/a"}
    for lines, left in (
        (f"{a}\n{b}\n{c}", "abc"),
        (f"{a}\n{b[:-1]}", "abc"),
        (f"{a}\n{b}", "ab"),
        ("", "ab"),
        (b, "b"),
    ):
        url = site.add("/d.jsonl", lines, "application/x-ndjson")
        report = await ingest(harness, site, url, *others)
        assert await ids() == {f"d.jsonl/{each}" for each in left} | other_ids
    assert (report.removed, report.unchanged) == (1, 3)
    site.pages["/d.jsonl"] = Reply(status=500)
    await ingest(harness, site, url)
    assert await ids() == {"d.jsonl/b"} | other_ids


async def test_page_is_sent_again_when_other_metadata_is_given(harness: Harness, site: Site) -> None:
    url = site.add("/a", "<p>Text of the page.</p>", ETag='"1"')
    await ingest(harness, site, url, team="docs")
    report = await ingest(harness, site, url, team="support")
    assert (report.updated, report.unchanged) == (1, 0)
    assert (await harness.passages(url))[0].metadata["team"] == "support"


async def test_pages_are_fetched_at_once_and_counted_one_by_one(harness: Harness, site: Site) -> None:
    meeting = Barrier(2)

    def meet(_: Mapping[str, str]) -> Reply:
        meeting.wait(LIMIT_S)  # raises for all, if not both are asked for
        return Reply(b"<p>Text of a page.</p>")

    site.pages |= {"/a": meet, "/b": meet}
    row = '{"title": "A", "text": "One."}'
    rows = site.add("/rows", f"{row}\n{row.replace('One', 'Two')}\n", "application/x-ndjson")
    heard: list[str] = []

    async def hear(done: float, total: int, message: str) -> None:
        heard.append(message)

    pages = await pages_at(
        [f"{site.url}/a", f"{site.url}/b", rows], settings(site), store=harness.store, collection=harness.name
    )
    report = await harness.ingest(pages=pages, total=3, progress=hear)
    assert (report.added, report.failures) == (4, ())
    assert heard[-1].endswith("3 of 3 documents")
    assert [path for path, _ in site.asked].count("/robots.txt") == 1


async def test_models_run_and_jobs_can_be_cancelled_while_a_server_is_waited_for(site: Site) -> None:
    workers, asked, released, waited = WorkerPool(1), anyio.Event(), Event(), list[bool]()
    loop = current_token()

    def wait(_: Mapping[str, str]) -> Reply:
        from_thread.run_sync(asked.set, token=loop)
        waited.append(released.wait(LIMIT_S))
        return Reply(b"<p>Text</p>")

    site.pages["/a"] = wait
    job = Job("c", items=(), total=1, pages=Pages([f"{site.url}/a"], settings(site)))
    taker = Taker(job, SyncPlan(Holdings(), (), options=str), workers, at_once=1)
    send, receive = anyio.create_memory_object_stream[Taken](1)
    async with anyio.create_task_group() as group, receive:
        group.start_soon(taker.run, send)
        await asked.wait()
        assert await workers.run(list[bool]) == waited == []
        group.cancel_scope.cancel()
    assert waited == []
    released.set()
