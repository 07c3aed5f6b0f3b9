"""Files that are renamed, moved, swapped or copied: nothing is encoded, and only what is gone goes."""

import pytest

from resift.tests.ingest.harness import long_text
from resift.tests.ingest.sync.folder import Folder, counts, ingest_box, split

pytestmark = pytest.mark.anyio


async def test_vectors_that_were_kept_are_those_that_would_be_made(folder: Folder) -> None:
    folder.write("a.txt", long_text(5))
    await folder.ingest()
    folder.move("a.txt", "b.txt")
    folder.write("b.txt", f"{long_text(5)}\n\nOne more.")
    await folder.ingest(prune=True)
    kept = await (await folder.collection()).read([f"{folder.path}/b.txt"])
    folder.harness.name += "-other"
    await folder.ingest()
    made = {each.passage.ordinal: each for each in await (await folder.collection()).read([f"{folder.path}/b.txt"])}
    assert len(kept) == len(made) > 3
    for each in kept:
        other = made[each.passage.ordinal]
        assert (each.passage, each.digest, each.file) == (other.passage, other.digest, other.file)
        assert each.vectors.keys() == other.vectors.keys() == {"dense", "bm25"}
        assert each.vectors["bm25"] == other.vectors["bm25"]
        assert each.vectors["dense"] == pytest.approx(other.vectors["dense"], abs=1e-6)


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
async def test_renamed_file_keeps_its_vectors(folder: Folder, name: str, *, prune: bool) -> None:
    folder.write(name, f"# Wheels\n\n{long_text(3)}")
    folder.write("other.md", "Another text.")
    first = await folder.ingest()
    passages = first.passages - 1
    folder.move(name, f"sub/new-{name}")
    report = await folder.ingest(prune=prune)
    assert (counts(report), report.passages) == ({"renamed": 1, "unchanged": 1}, passages)
    assert folder.encoded == []
    assert set(await folder.held()) == {f"sub/new-{name}", "other.md"}
    assert await (await folder.collection()).count() == first.passages
    assert await folder.harness.count({"source": {"prefix": f"{folder.path}/sub/"}}) == passages


async def test_renamed_and_edited_file_encodes_only_what_changed_if_another_ingestion_came_between(
    folder: Folder,
) -> None:
    text = f"# Wheels\n\n{long_text(4)}"
    folder.write("a.md", text)
    await folder.ingest()
    folder.move("a.md", "b.md")
    await folder.ingest()
    folder.write("b.md", text.replace("Paragraph 3.", "Chapter 3."))
    assert counts(await folder.ingest(prune=True)) == {"updated": 1}
    assert all("Chapter 3." in each for each in folder.encoded)
    assert len(folder.encoded) >= 1


async def test_two_equal_files_that_are_renamed_are_two_renames(folder: Folder) -> None:
    for name in ("a1.md", "a2.md"):
        folder.write(name, "# Same\n\nThe same text.")
    await folder.ingest()
    folder.move("a1.md", "b1.md")
    folder.move("a2.md", "b2.md")
    assert counts(await folder.ingest()) == {"renamed": 2}
    assert set(await folder.held()) == {"b1.md", "b2.md"}
    assert folder.encoded == []


@pytest.mark.parametrize("suffix", ["md", "txt"])
async def test_files_that_swap_names_are_not_encoded(folder: Folder, suffix: str) -> None:
    first, second = f"a.{suffix}", f"b.{suffix}"
    folder.write(first, f"# First\n\n{long_text(2)}")
    folder.write(second, "# Second\n\nA short text.")
    passages = (await folder.ingest()).passages
    folder.move(first, "aside")
    folder.move(second, first)
    folder.move("aside", second)
    assert counts(await folder.ingest()) == {"updated": 2}
    assert folder.encoded == []
    assert await (await folder.collection()).count() == passages
    assert (await folder.held())[first].passages == 1


async def test_chain_of_renames_is_not_encoded(folder: Folder) -> None:
    for name in ("a", "b", "c"):
        folder.write(f"{name}.md", f"# {name}\n\nThe text of {name}.")
    await folder.ingest()
    folder.move("c.md", "d.md")
    folder.move("b.md", "c.md")
    folder.move("a.md", "b.md")
    assert counts(await folder.ingest(prune=True)) == {"updated": 2, "added": 1, "removed": 1}
    assert folder.encoded == []
    assert set(await folder.held()) == {"b.md", "c.md", "d.md"}


async def test_copy_is_no_rename_and_is_not_encoded(folder: Folder) -> None:
    text = "# Wheels\n\nThe wheel is round."
    folder.write("a.md", text)
    await folder.ingest()
    folder.write("b.md", text)
    assert counts(await folder.ingest()) == {"added": 1, "unchanged": 1}
    assert set(await folder.held()) == {"a.md", "b.md"}
    assert folder.encoded == []


async def test_renamed_document_is_kept_until_the_new_one_is_written_and_a_crash_leaves_it_to_the_next_job(
    folder: Folder,
) -> None:
    folder.write("a.md", "# Wheels\n\nThe wheel is round.")
    await folder.ingest()
    collection = await folder.collection()
    [old] = await collection.read([f"{folder.path}/a.md"])
    folder.move("a.md", "b.md")
    await folder.ingest()
    await collection.write([old])  # what a kill before the removal leaves: the old version, marked
    await folder.set_on_first_passages({"digest": ""}, "a.md")
    assert counts(await folder.ingest()) == {"unchanged": 1, "removed": 1}
    assert set(await folder.held()) == {"b.md"}


async def test_renamed_file_of_several_documents_keeps_them_all(folder: Folder) -> None:
    await ingest_box(folder, "one text", "two text")
    folder.move("a.txt", "b.txt")
    assert counts(await folder.ingest(parse=split)) == {"renamed": 2}
    assert folder.encoded == []
    assert set(await folder.held()) == {"b.txt/one.md", "b.txt/two.md"}


@pytest.mark.parametrize("dry_run", [False, True])
async def test_renaming_that_changes_the_parser_leaves_no_document_of_the_old_one(
    folder: Folder, *, dry_run: bool
) -> None:
    folder.write("r.jsonl", '{"a": "one"}\n{"a": "two"}\n')
    await folder.ingest()
    folder.move("r.jsonl", "r.txt")
    assert counts(await folder.ingest(prune=True, dry_run=dry_run)) == {"added": 1, "removed": 2}
    assert set(await folder.held()) == ({"r.jsonl/line 1", "r.jsonl/line 2"} if dry_run else {"r.txt"})
