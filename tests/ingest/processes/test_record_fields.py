"""Names of the fields of records: from the settings to the process that parses, and back to files known already."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from resift.api.resift import Resift
from resift.ingest.parsers.protocols import USUAL_FIELDS, RecordFields
from resift.ingest.processes.pool import ParserPool
from resift.ingest.sync.states import options_hash
from resift.settings.load import load_settings

RECORDS = '{"sku": "w7", "product": "Wheel", "abstract": "It spins on its axle.", "text": "Out of stock."}\n'


WANTED = RecordFields.preferring(title=["product"], text=["abstract"], id=["sku"])


def zipped() -> bytes:
    with ZipFile(archive := BytesIO(), "w") as members:
        members.writestr("goods.jsonl", RECORDS)
    return archive.getvalue()


def write_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "goods.jsonl").write_text(RECORDS)
    (folder / "prose.md").write_text("# Prose\n\nNothing of records.")
    (folder / "all.zip").write_bytes(zipped())


def test_process_takes_the_fields_also_inside_archives() -> None:
    pool = ParserPool(1, record_fields=WANTED)
    try:
        for source, data in (("goods.jsonl", RECORDS.encode()), ("all.zip", zipped())):
            [part] = pool.parse(source, data)
            assert part.parsed is not None
            assert (part.name.removeprefix("goods.jsonl/"), part.parsed.title) == ("w7", "Wheel")
            assert part.parsed.lines[0] == "It spins on its axle."
            assert part.parsed.metadata == {"text": "Out of stock."}
    finally:
        pool.close()


def test_only_files_that_may_hold_records_depend_on_their_fields() -> None:
    usual, wanted = (options_hash({}, "v1", record_fields=each) for each in (USUAL_FIELDS, WANTED))
    names = ("a.jsonl", "a.zip", "a.mbox", "a.md", "a.json", "a.pdf", "a")
    assert [name for name in names if usual(name) != wanted(name)] == ["a.jsonl", "a.zip", "a.mbox"]


def test_settings_come_before_the_usual_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().ingest.record_fields == USUAL_FIELDS
    monkeypatch.setenv("RESIFT_INGEST__RECORD_TEXT", '["abstract"]')
    fields = load_settings().ingest.record_fields
    assert fields == RecordFields(text=("abstract", *USUAL_FIELDS.text))


async def ingest(folder: Path, data: Path) -> tuple[tuple[int, int, int], Mapping[str, str]]:
    """Return how many documents were added, updated and unchanged, and the titles of all by the ends of their ids."""
    async with Resift(load_settings(data_dir=data)) as resift:
        report = await resift.ingest([folder])
        ids = await (await resift.services.store.open("default")).entries()
        titles = {id_.removeprefix(f"{folder}/"): (await resift.read(id_)).passages[0].title for id_ in ids}
    return (report.added, report.updated, report.unchanged), titles


@pytest.mark.anyio
@pytest.mark.slow
async def test_settings_name_the_fields_and_files_of_records_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data = tmp_path / "files", tmp_path / "data"
    write_files(folder)
    counts, titles = await ingest(folder, data)
    assert counts == (3, 0, 0)
    assert titles == {"goods.jsonl/line 1": "line 1", "all.zip/goods.jsonl/line 1": "line 1", "prose.md": "Prose"}
    monkeypatch.setenv("RESIFT_INGEST__RECORD_TITLE", '["product"]')
    monkeypatch.setenv("RESIFT_INGEST__RECORD_TEXT", '["abstract"]')
    monkeypatch.setenv("RESIFT_INGEST__RECORD_ID", '["sku"]')
    counts, titles = await ingest(folder, data)
    assert counts == (2, 0, 1)
    assert titles == {"goods.jsonl/w7": "Wheel", "all.zip/goods.jsonl/w7": "Wheel", "prose.md": "Prose"}
    assert await ingest(folder, data) == ((0, 0, 3), titles)
