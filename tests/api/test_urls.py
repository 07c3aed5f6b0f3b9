"""URLs among the paths of `Resift.ingest`: fetched only where settings allow it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resift.api.resift import Resift
from resift.factories.engine import Engine, build_engine
from resift.settings.load import load_settings
from resift.tests.ingest.urls.site import Site

pytestmark = pytest.mark.anyio


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().serving() as started:
        yield started


async def test_url_is_not_fetched_unless_a_setting_allows_it(engine: Engine, site: Site) -> None:
    report = await Resift(engine=engine).ingest([site.add("/a", "<p>Text</p>")], collection="off")
    [failure] = report.failures
    assert "RESIFT_INGEST__URLS=true" in failure.reason
    assert site.asked == []


def test_setting_allows_the_public_internet_and_nothing_else(tmp_path: Path) -> None:
    built = build_engine(
        load_settings(data_dir=tmp_path, ingest={"urls": True, "url_ports": [443], "url_timeout_s": 5})
    )
    options = built.services.urls
    assert options is not None
    assert (options.timeout_s, set(options.rules.ports)) == (5, {443})
    assert options.rules == replace(options.rules)
    assert build_engine(load_settings(data_dir=tmp_path)).services.urls is None


async def test_urls_and_files_are_ingested_together_and_found(engine: Engine, site: Site) -> None:
    fetching = replace(engine, services=replace(engine.services, urls=site.options))
    resift = Resift(engine=fetching)
    url = site.add("/pumps", "<title>Pumps</title><p>A centrifugal pump moves water.</p>", ETag='"1"')
    file = engine.services.roots.folders[0] / "valves.md"
    file.write_text("# Valves\n\nA valve stops water.")
    report = await resift.ingest([url, file, f"{site.url}/missing"], collection="on")
    assert (report.added, [each.source for each in report.failures]) == (2, [f"{site.url}/missing"])
    page = await resift.search("what moves water", collection="on", limit=1)
    assert page.hits[0].passage.source == url
    again = await resift.ingest([Path(url)], collection="on")
    assert (again.added, again.unchanged, again.failures) == (0, 1, ())
    assert {each.name for each in await resift.fields("on")} == {"path", "modified", "format"}
    [summary] = await resift.collections("on")
    assert summary.fields == ("format", "modified", "path")
