"""The embedded store: what is written is there, and what cannot be written is refused before anything is."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resift.core.errors import IncompatibleCollection, InvalidInput, NotFound, StoreBusy, StoreError
from resift.core.values import Passage
from resift.core.vectors import AnyVector, Sparse, Vector, standard_vectors
from resift.encoders.bm25 import Bm25Encoder
from resift.store.edge.store import EdgeStore
from resift.store.filters import FIRST_PASSAGES, AnyOf
from resift.store.manifest import Manifest
from resift.store.protocols import Entry, Leg, Point

pytestmark = pytest.mark.anyio

EAST, NORTH, UP, OTHER = (np.eye(4, dtype=np.float32)[axis] for axis in range(4))


def point(
    document_id: str,
    ordinal: int,
    *,
    dense: Vector = EAST,
    title: Vector | None = None,
    text: str = "text",
    of: int = 1,
) -> Point:
    metadata = {"flag": ordinal % 2 == 0}
    passage = Passage(
        document_id,
        ordinal,
        text=text,
        title="Title",
        heading="A > B",
        source="a.md",
        start_line=3,
        end_line=9,
        metadata=metadata,
    )
    vectors: dict[str, AnyVector] = {"dense": dense, "bm25": Sparse((7,), (1.0,))}
    return Point(
        passage,
        f"digest of {document_id}",
        passages=of,
        vectors=vectors if title is None else {**vectors, "title": title},
    )


async def test_name_that_differs_only_in_case_is_refused(store: EdgeStore, manifest: Manifest) -> None:
    await store.open("Docs", create=manifest)
    with pytest.raises(InvalidInput, match="There is a collection 'Docs', and 'docs' differs from it only in case"):
        await store.open("docs", create=manifest)
    with pytest.raises(NotFound, match="Did you mean 'Docs'"):
        await store.open("docs")
    assert await store.names() == ["Docs"]


async def test_what_is_written_is_found_kept_and_removed(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("c", create=manifest)
    points = [point("a", 0, of=2), point("a", 1, dense=NORTH, title=UP, of=2), point("b", 0, dense=UP)]
    await collection.remember(replace(manifest, fields={"flag": "boolean"}))
    await collection.write(points)
    ids = [each.passage.point_id("c") for each in points]

    [dense, title] = await collection.search([Leg("dense", NORTH, limit=2), Leg("title", UP, limit=5)])
    assert dense[0] == (ids[1], pytest.approx(1.0))
    assert len(dense) == 2
    assert [key for key, _ in title] == [ids[1]]  # the others have no title vector
    assert await collection.fetch([ids[0], points[0].passage.point_id("other")]) == {ids[0]: points[0].passage}
    assert (await collection.count(), await collection.count(FIRST_PASSAGES)) == (3, 2)
    assert await collection.facet("flag", limit=5) == [(True, 2), (False, 1)]
    assert await collection.facet("unknown", limit=5) == []
    entries = {
        "a": Entry(digest="digest of a", passages=2, source="a.md"),
        "b": Entry(digest="digest of b", passages=1, source="a.md"),
    }
    assert await collection.entries() == entries
    assert await collection.entries(["b", "none"]) == {"b": entries["b"]}

    await store.close()
    reopened = await store.open("c")
    assert await reopened.fetch(ids) == {key: each.passage for key, each in zip(ids, points, strict=True)}
    assert reopened.manifest == replace(manifest, fields={"flag": "boolean"})

    assert await reopened.remove(AnyOf("document_id", ("a",))) == 2
    assert await reopened.remove(AnyOf("document_id", ("a",))) == 0
    assert await reopened.entries() == {"b": entries["b"]}


async def test_rewriting_replaces_and_stale_passages_go(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("c", create=manifest)
    await collection.write([point("a", ordinal, of=3) for ordinal in range(3)])
    await collection.write([replace(point("a", 0, text="new"), digest="of the new version")])
    assert [passage.text for passage in (await collection.fetch([point("a", 0).passage.point_id("c")])).values()] == [
        "new"
    ]
    assert await collection.count() == 1
    assert (await collection.entries())["a"].passages == 1


async def test_text_of_stop_words_is_found_by_its_dense_vector_alone(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("c", create=manifest)
    bm25 = Bm25Encoder(manifest.lexical)
    texts = {"stop": "it is not the", "words": "radar sensor"}
    assert bm25.document(texts["stop"]).indices == ()
    await collection.write(
        [
            replace(each := point(name, 0, text=text), vectors={**each.vectors, "bm25": bm25.document(text)})
            for name, text in texts.items()
        ]
    )
    [dense, lexical] = await collection.search(
        [Leg("dense", EAST, limit=5), Leg("bm25", bm25.query("sensors"), limit=5)]
    )
    assert len(dense) == 2
    assert [key for key, _ in lexical] == [point("words", 0).passage.point_id("c")]


async def test_unusable_vectors_are_refused_and_nothing_is_written(store: EdgeStore, manifest: Manifest) -> None:
    collection = await store.open("c", create=manifest)
    good = point("good", 0)
    for bad, message in [
        (np.array([1, np.nan, 0, 0], np.float32), "not finite"),
        (np.array([1, np.inf, 0, 0], np.float32), "not finite"),
        (np.zeros(4, np.float32), "is zero"),
        (np.ones(3, np.float32), r"has shape \(3,\), not \(4,\)"),
    ]:
        with pytest.raises(InvalidInput, match=f"bad#0: vector 'dense' .*{message}"):
            await collection.write([good, point("bad", 0, dense=bad)])
        with pytest.raises(InvalidInput, match=f"bad#0: vector 'title' .*{message}"):
            await collection.write([good, point("bad", 0, title=bad)])
    assert await collection.count() == 0


async def test_full_disk_is_noticed_before_anything_is_made(tmp_path: Path, manifest: Manifest) -> None:
    store = EdgeStore(tmp_path, reserve_bytes=2**60)
    with pytest.raises(StoreError, match=r"Only [\d,]+ MB free .* Nothing was written.*RESIFT_DATA_DIR"):
        await store.open("c", create=manifest)
    assert await store.names() == []
    await store.close()


async def test_full_disk_is_noticed_before_anything_is_written(tmp_path: Path, manifest: Manifest) -> None:
    store = EdgeStore(tmp_path, reserve_bytes=0)
    await (await store.open("c", create=manifest)).write([point("a", 0)])
    await store.close()
    tight = EdgeStore(tmp_path, reserve_bytes=2**60)
    collection = await tight.open("c")
    with pytest.raises(StoreError, match="What was written before is still there"):
        await collection.write([point("b", 0)])
    assert await collection.count() == 1
    await tight.close()


HOLDER = """
import anyio, sys
from pathlib import Path
from resift.store.edge.store import EdgeStore

async def hold():
    store = EdgeStore(Path(sys.argv[1]), reserve_bytes=0)
    await store.open("c")
    print("open", flush=True)
    sys.stdin.read()

anyio.run(hold)
"""


@contextmanager
def another_process_holding(directory: Path) -> Generator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLDER, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


async def test_second_process_is_told_who_holds_the_directory(tmp_path: Path, manifest: Manifest) -> None:
    store = EdgeStore(tmp_path, reserve_bytes=0)
    await store.open("c", create=manifest)
    await store.close()
    with another_process_holding(tmp_path) as holder:
        with pytest.raises(StoreBusy, match=rf"in use by process {holder.pid} .*RESIFT_DATA_DIR"):
            await store.open("c")
        with pytest.raises(StoreBusy):
            await store.drop("c")
        assert await store.names() == ["c"]
        holder.kill()
        holder.wait()
        assert await (await store.open("c")).count() == 0
    assert json.loads((tmp_path / "owner.json").read_text())["pid"] == os.getpid()
    await store.close()


async def test_second_store_in_one_process_is_refused_until_the_first_closes(
    tmp_path: Path, manifest: Manifest
) -> None:
    first, second = (EdgeStore(tmp_path, reserve_bytes=0) for _ in range(2))
    await first.open("c", create=manifest)
    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        await second.open("c")
    await first.close()
    assert (await second.open("c")).name == "c"
    await second.close()


def test_other_models_are_refused_with_the_way_out(manifest: Manifest) -> None:
    with pytest.raises(IncompatibleCollection, match=r"by-hand@1 \(4 .*configured is other@2 .*ingest"):
        manifest.check("c", replace(manifest, vectors=standard_vectors("other@2", 4)))
    with pytest.raises(IncompatibleCollection, match=r"\(8\)"):
        manifest.check("c", replace(manifest, vectors=standard_vectors("by-hand@1", 8)))
    manifest.check("c", replace(manifest, chunking="other", created="later"))


async def test_directory_that_cannot_be_used_says_which_setting_to_change(manifest: Manifest) -> None:
    store = EdgeStore(Path("/dev/null/data"), reserve_bytes=0)
    with pytest.raises(StoreError, match="RESIFT_DATA_DIR"):
        await store.open("c", create=manifest)


async def test_unknown_language_names_the_setting(manifest: Manifest) -> None:
    with pytest.raises(InvalidInput, match="RESIFT_SEARCH__LANGUAGE"):
        Bm25Encoder(replace(manifest.lexical, language="klingon"))


async def test_damaged_manifest_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "collections" / "c"
    folder.mkdir(parents=True)
    store = EdgeStore(tmp_path, reserve_bytes=0)
    for content in ("", "{", '{"encoder": 1}', "[]"):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(StoreError, match=r"'c' is damaged: The manifest .*\.json is damaged: .*Restore it"):
            await store.open("c")
    await store.close()


@pytest.mark.parametrize("name", ["", "..", "../c", "a/b", "a\\b", ".hidden", "-x", "a b", "ä", "x" * 65, "a\n", "c\0"])
async def test_name_that_cannot_be_a_folders_is_refused(store: EdgeStore, manifest: Manifest, name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a valid collection name"):
        await store.open(name, create=manifest)
    with pytest.raises(InvalidInput, match="is not a valid collection name"):
        await store.drop(name)
    assert await store.names() == []


async def test_unknown_collection_names_the_known_ones(store: EdgeStore, manifest: Manifest) -> None:
    with pytest.raises(NotFound, match="nothing has been ingested yet"):
        await store.open("notes")
    await store.open("notes", create=manifest)
    with pytest.raises(NotFound, match=r"No collection 'note'\. Did you mean 'notes'\? Known: notes\. List the coll"):
        await store.open("note")
    with pytest.raises(NotFound, match="Known: notes"):
        await store.drop("wiki")


async def test_dropped_collection_is_made_anew_and_empty(store: EdgeStore, manifest: Manifest, tmp_path: Path) -> None:
    await (await store.open("c", create=manifest)).write([point("a", 0)])
    await store.drop("c")
    assert await store.names() == []
    assert not (tmp_path / "data" / "collections" / "c").exists()
    with pytest.raises(NotFound):
        await store.open("c")
    other = replace(manifest, vectors=standard_vectors("other@2", 4))
    again = await store.open("c", create=other)
    assert (await again.count(), again.manifest) == (0, other)


async def test_leftovers_of_an_interrupted_drop_are_not_found_again(
    store: EdgeStore, manifest: Manifest, tmp_path: Path
) -> None:
    await (await store.open("c", create=manifest)).write([point("a", 0)])
    await store.close()
    (tmp_path / "data" / "collections" / "c").rename(tmp_path / "data" / "deleting")  # the first thing a drop does
    assert await store.names() == []
    assert await (await store.open("c", create=manifest)).count() == 0
    await store.drop("c")
    assert not (tmp_path / "data" / "deleting").exists()
