"""A text without an id is not replaced by its next version, and the reply says so where that may have happened."""

import pytest

from resift.api.requests import DocumentInput
from resift.api.resift import Resift
from resift.factories.engine import Engine
from resift.ingest import same_titles

pytestmark = pytest.mark.anyio


async def notes(engine: Engine, name: str, *documents: DocumentInput, dry_run: bool = False) -> tuple[str, ...]:
    report = await Resift(engine=engine).ingest(documents=documents, collection=name, dry_run=dry_run)
    assert not report.failures
    return report.notes


async def test_second_version_of_a_text_without_an_id_is_told_of_the_first(engine: Engine) -> None:
    old: DocumentInput = {"text": "Pumps hum.", "title": "Spec"}
    new: DocumentInput = {"text": "Pumps sing.", "title": "Spec"}
    assert await notes(engine, "specs", old, {"text": "Bees dance."}) == ()
    assert await notes(engine, "specs", new, dry_run=True) == ()
    [note] = await notes(engine, "specs", new)
    [hit] = (await Resift(engine=engine).search("pumps hum", collection="specs", limit=1)).hits
    assert f"1 other text with the title of this call, without an id or source: {hit.passage.document_id}." in note
    assert await notes(engine, "specs", new) == ()
    await Resift(engine=engine).delete("specs", document_ids=[hit.passage.document_id])
    assert await notes(engine, "specs", {"text": "Wasps sting.", "title": "Wasps"}) == ()


async def test_texts_with_ids_or_of_other_titles_are_no_old_versions(engine: Engine) -> None:
    documents: list[DocumentInput] = [
        {"text": "One.", "title": "Spec", "id": "spec"},
        {"text": "Two.", "title": "Spec", "source": "spec.md"},
        {"text": "Three.", "title": "Spec"},
        {"text": "Four.", "title": "Spec"},
        {"text": "Five."},
    ]
    assert await notes(engine, "mixed", *documents) == ()
    assert await notes(engine, "mixed", {"text": "Six.", "title": "Spec", "id": "spec"}, {"text": "Seven."}) == ()


async def test_large_collections_are_not_searched_for_titles(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_titles, "MAX_PASSAGES", 1)
    for text in ("One.", "Two.", "Three."):
        assert await notes(engine, "large", {"text": text, "title": "Spec"}) == ()
