"""Files that change between two ingestions: what is read, encoded and written again, and what is not."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.values import Document
from resift.ingest.files.roots import Roots
from resift.ingest.held_metadata import notes_on_lost
from resift.ingest.parsing import Part, parse_file
from resift.ingest.reader import modified_fact
from resift.ingest.sources import files_below
from resift.store.filters import ORDINAL, All, AnyOf
from resift.tests.ingest.harness import doc, long_text
from resift.tests.ingest.sync.folder import LONG_AGO_NS, MAX_BYTES, Folder, counts, ingest_box, split

pytestmark = pytest.mark.anyio


async def test_same_files_are_not_opened(folder: Folder) -> None:
    path = folder.write("a.md", "# A\n\nOne text.")
    folder.write("b.txt", "Another text.")
    assert counts(await folder.ingest()) == {"added": 2}
    before = path.stat()
    path.write_text("# A\n\nTwo text.")  # of the same size
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert counts(await folder.ingest()) == {"unchanged": 2}
    folder.touch("a.md")
    assert counts(await folder.ingest()) == {"updated": 1, "unchanged": 1}


def written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the size and the time of modification of all files of a collection."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


async def test_nothing_is_written_for_files_that_are_the_same(folder: Folder) -> None:
    for number in range(300):
        folder.write(f"{number % 7}/{number}.txt", f"Text {number}.")
    await folder.ingest()
    place = folder.harness.store.folder(folder.harness.name)
    before = written(place)
    assert counts(await folder.ingest(prune=True)) == {"unchanged": 300}
    assert written(place) == before
    folder.write("0/0.txt", "Another text.")
    assert counts(await folder.ingest()) == {"updated": 1, "unchanged": 299}
    assert folder.encoded == ["Another text."]
    assert written(place) != before


async def test_file_that_changed_within_a_tick_of_the_clock_is_read_again(folder: Folder) -> None:
    path = folder.write("a.md", "One text.")
    now_ns = path.stat().st_ctime_ns + 10**10  # in the future, as a clock that is ahead would have it
    os.utime(path, ns=(now_ns, now_ns))
    await folder.ingest()
    path.write_text("Two text.")
    os.utime(path, ns=(now_ns, now_ns))
    assert counts(await folder.ingest()) == {"updated": 1}


async def test_touched_file_is_not_encoded_and_its_state_is_refreshed(folder: Folder) -> None:
    folder.write("a.md", "One text.")
    await folder.ingest()
    before = (await folder.held())["a.md"]
    path = folder.path / "a.md"
    os.utime(path, ns=(LONG_AGO_NS + 10**12, LONG_AGO_NS + 10**12))
    assert counts(await folder.ingest()) == {"unchanged": 1}
    assert folder.encoded == []
    [passage] = await folder.harness.passages(path.as_posix())
    assert passage.metadata["modified"] == "2023-11-14T22:30:00Z"
    after = (await folder.held())["a.md"]
    assert before.file is not None
    assert after.file is not None
    assert after.file.modified_ns == path.stat().st_mtime_ns > before.file.modified_ns
    assert (after.digest, after.file.content) == (before.digest, before.file.content)


async def test_file_that_was_touched_just_now_is_modified_now(folder: Folder) -> None:
    path = folder.write("a.md", "One text.")
    await folder.ingest()
    now_ns = path.stat().st_ctime_ns + 10**10  # as recent as can be, however slow this test is
    os.utime(path, ns=(now_ns, now_ns))
    for _ in range(2):
        assert counts(await folder.ingest()) == {"unchanged": 1}
        [passage] = await folder.harness.passages(path.as_posix())
        assert passage.metadata["modified"] == modified_fact(now_ns)


async def test_only_passages_whose_text_changed_are_encoded(folder: Folder) -> None:
    text = long_text(6)
    folder.write("a.md", f"# Wheels\n\n{text}")
    first = await folder.ingest()
    assert first.passages > 4
    folder.write("a.md", f"# Wheels\n\n{text.replace('Paragraph 5.', 'Chapter 5.')}")
    report = await folder.ingest()
    assert (counts(report), report.passages) == ({"updated": 1}, first.passages)
    assert 1 <= len(folder.encoded) < first.passages
    assert all("Chapter 5." in text for text in folder.encoded)


async def test_equal_passages_are_encoded_once(folder: Folder) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        folder.write(name, "The licence that all have.")
    assert counts(await folder.ingest()) == {"added": 3}
    assert folder.encoded == ["The licence that all have."]


async def test_documents_of_version_0_3_are_compared_by_their_text_and_get_their_state(folder: Folder) -> None:
    path = folder.write("a.md", "# A\n\nOne text.")
    folder.write("b.md", "# B\n\nOld text.")
    await folder.ingest()
    await folder.set_on_first_passages({"file": None}, "a.md", "b.md")
    folder.write("b.md", "# B\n\nNew text.")
    assert counts(await folder.ingest()) == {"updated": 1, "unchanged": 1}
    state = (await folder.held())["a.md"].file
    assert state is not None
    assert state.modified_ns == path.stat().st_mtime_ns


async def test_files_that_failed_or_were_blank_are_tried_again(folder: Folder) -> None:
    folder.write("blank.md", " \n")
    folder.write("large.txt", "x" * (MAX_BYTES + 1))
    folder.write("good.md", "Good.")
    for _ in range(2):
        report = await folder.ingest()
        assert (report.added + report.unchanged, len(report.failures), report.skipped) == (1, 1, {"blank": 1})


async def test_other_metadata_reads_all_files_again_and_encodes_none(folder: Folder) -> None:
    folder.write("a.md", "One text.")
    await folder.ingest(metadata={"team": "a"})
    assert counts(await folder.ingest(metadata={"team": "a"})) == {"unchanged": 1}
    assert counts(await folder.ingest(metadata={"team": "b"})) == {"updated": 1}
    assert folder.encoded == []
    assert await folder.harness.count({"team": "b"}) == 1


async def test_metadata_that_a_call_does_not_repeat_is_reported(folder: Folder) -> None:
    for name in ("a.md", "b.md"):
        folder.write(name, f"---\nkind: note\n---\nThe text of {name}.")
    assert (await folder.ingest(metadata={"team": "red", "year": 2020})).lost == {}
    folder.write("b.md", "Without front matter.")
    assert (await folder.ingest(metadata={"team": "red", "year": 2020})).lost == {}  # the file says so itself
    planned = await folder.ingest(metadata={"year": 2021}, dry_run=True)
    report = await folder.ingest(metadata={"year": 2021})
    assert (counts(report), report.lost, planned.lost) == ({"updated": 2}, {"team": 2}, {"team": 2})
    assert notes_on_lost(report.lost) == (
        "Metadata of stored versions that the new ones lack: 'team' (2 documents). "
        "If an earlier call gave it, give it again.",
    )
    assert (await folder.ingest(metadata={"year": 2021})).lost == {}


async def test_file_of_which_a_passage_is_missing_is_read_again(folder: Folder) -> None:
    path = folder.write("a.md", long_text(4))
    folder.write("b.md", "Another text.")
    passages = (await folder.ingest()).passages
    where = All((AnyOf("document_id", (path.as_posix(),)), AnyOf(ORDINAL, (2,))))
    assert await (await folder.collection()).remove(where) == 1
    assert counts(await folder.ingest(dry_run=True)) == {"updated": 1, "unchanged": 1}
    assert counts(await folder.ingest()) == {"updated": 1, "unchanged": 1}
    assert len(folder.encoded) == 1
    assert await (await folder.collection()).count() == passages
    await (await folder.collection()).remove(where)
    path.unlink()
    assert counts(await folder.ingest()) == {"unchanged": 1}
    assert "a.md" in await folder.held()


async def test_text_with_the_id_of_a_file_comes_first_as_before(folder: Folder) -> None:
    path = folder.write("a.md", "From the file.")
    await folder.ingest()
    files = files_below(["."], glob="**/*", roots=Roots.of([folder.path]), metadata={}, max_bytes=1000)
    text = Document(path.as_posix(), title="", text="From the caller.", source=path.as_posix())
    report = await folder.harness.ingest(text, doc("x"), files=files)
    assert (report.updated, report.added, len(report.failures)) == (1, 1, 1)
    assert "used twice" in report.failures[0].reason
    assert [passage.text for passage in await folder.harness.passages(path.as_posix())] == ["From the caller."]


async def test_documents_of_one_file_are_the_same_only_if_all_are_held(folder: Folder) -> None:
    assert counts(await ingest_box(folder, "one text", "two text")) == {"added": 2}
    assert set(await folder.held()) == {"a.txt/one.md", "a.txt/two.md"}
    assert counts(await folder.ingest(parse=split)) == {"unchanged": 2}
    await (await folder.collection()).remove(AnyOf("document_id", (f"{folder.path}/a.txt/two.md",)))
    assert counts(await folder.ingest(parse=split)) == {"added": 1, "unchanged": 1}
    assert counts(await folder.ingest(parse=split, prune=True)) == {"unchanged": 2}


async def test_documents_that_left_a_file_are_removed_and_those_that_cannot_be_read_stay(folder: Folder) -> None:
    await ingest_box(folder, "one text", "two text", "three text")
    assert counts(await ingest_box(folder, "one text", "three other")) == {"updated": 1, "unchanged": 1, "removed": 1}
    assert folder.encoded == ["three other"]
    report = await ingest_box(folder, "one text", "three broken")
    assert (counts(report), len(report.failures)) == ({"unchanged": 1}, 1)
    assert set(await folder.held()) == {"a.txt/one.md", "a.txt/three.md"}
    assert len((await folder.ingest(parse=split)).failures) == 1


async def test_line_of_records_whose_id_cannot_be_read_removes_no_record(folder: Folder) -> None:
    record = '{{"id": "{0}", "text": "Text {0}."}}'.format
    folder.write("a.jsonl", "\n".join(map(record, "abc")))
    assert counts(await folder.ingest()) == {"added": 3}
    torn, deep = record("b")[:-1], '{"id": "b", "deep": ' + '{"a":' * 200 + "1" + "}" * 201
    for line, kept in ((torn, "abc"), (deep, "ab"), (record("b"), "ab")):
        folder.write("a.jsonl", f"{record('a')}\n{line}")
        await folder.ingest()
        assert set(await folder.held()) == {f"a.jsonl/{each}" for each in kept}


@pytest.mark.parametrize("last", ["", '{"text": '])
async def test_records_that_version_0_5_named_after_their_line_alone_are_held_once(folder: Folder, last: str) -> None:
    def as_before(source: str, data: bytes | str) -> list[Part]:
        parts = [part for part in parse_file(source, data) if part.name != "1"]  # the record of the first line had it
        return [part if part.problem else replace(part, name=part.name.removeprefix("line ")) for part in parts]

    folder.write("a.jsonl", f'{{"text": "One."}}\n{{"id": 1, "text": "Two."}}\n{{"text": "Three."}}\n{last}')
    await folder.ingest(parse=as_before, metadata={"version": "0.5"})  # other options, as another version has
    assert set(await folder.held()) == {"a.jsonl/1", "a.jsonl/3"}
    await folder.ingest()
    assert set(await folder.held()) == {"a.jsonl/line 1", "a.jsonl/1", "a.jsonl/line 3"}
    assert folder.encoded == ["Two."]


async def test_file_of_several_documents_that_is_gone_is_pruned(folder: Folder) -> None:
    await ingest_box(folder, "one text", "two text")
    folder.write("b.txt", "other text")
    (folder.path / "a.txt").unlink()
    assert counts(await folder.ingest(parse=split, prune=True)) == {"added": 1, "removed": 2}
    assert set(await folder.held()) == {"b.txt/other.md"}
