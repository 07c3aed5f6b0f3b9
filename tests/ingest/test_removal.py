"""Removing documents, and the guard against removing all of them."""

from collections.abc import AsyncIterator

import pytest

from resift.core.errors import InvalidInput, NotFound
from resift.core.values import Document
from resift.factories.engine import Engine
from resift.ingest.job import Job
from resift.ingest.removal import Remover
from resift.pipeline.summary import summarize_all

pytestmark = pytest.mark.anyio

NAME = "removal"


@pytest.fixture
async def remover(engine: Engine) -> AsyncIterator[Remover]:
    """A remover beside a collection of four documents, two of them drafts and one of several passages."""
    texts = {"a": "Text a.", "b": "Text b.", "c": "Text c.", "long": "A sentence of some words. " * 150}
    documents = [
        Document(id=name, title="", text=text, metadata={"draft": name in {"a", "long"}})
        for name, text in texts.items()
    ]
    await engine.services.ingestor.ingest(Job(collection=NAME, items=documents, total=len(documents)))
    yield engine.services.remover
    if NAME in await engine.services.store.names():
        await engine.services.remover.drop(NAME)


async def held(engine: Engine) -> set[str]:
    return set(await (await engine.services.store.open(NAME)).entries())


async def test_documents_are_removed_by_id_and_missing_ids_are_named(engine: Engine, remover: Remover) -> None:
    removed = await remover.remove(NAME, document_ids=["a", "none", "b"], filter_={})
    assert (removed.documents, removed.passages, removed.missing) == (2, 2, ("none",))
    assert await held(engine) == {"c", "long"}


async def test_documents_are_removed_by_filter_with_all_their_passages(engine: Engine, remover: Remover) -> None:
    removed = await remover.remove(NAME, document_ids=[], filter_={"draft": True})
    assert removed.documents == 2
    assert removed.passages > 3
    assert await (await engine.services.store.open(NAME)).count() == 2
    assert await held(engine) == {"b", "c"}


async def test_id_and_filter_must_both_hold(engine: Engine, remover: Remover) -> None:
    assert (await remover.remove(NAME, document_ids=["a", "b"], filter_={"draft": True})).documents == 1
    assert await held(engine) == {"b", "c", "long"}


async def test_last_document_is_not_removed_like_any_other(engine: Engine, remover: Remover) -> None:
    await remover.remove(NAME, document_ids=["a", "b", "c"], filter_={})
    with pytest.raises(InvalidInput, match="This is the only document of collection"):
        await remover.remove(NAME, document_ids=["long"], filter_={})
    assert await held(engine) == {"long"}


async def test_unknown_ids_remove_nothing(engine: Engine, remover: Remover) -> None:
    removed = await remover.remove(NAME, document_ids=["x"], filter_={})
    assert (removed.documents, removed.missing) == (0, ("x",))
    assert len(await held(engine)) == 4


async def test_removing_all_of_them_is_refused(engine: Engine, remover: Remover) -> None:
    with pytest.raises(InvalidInput, match=r"all 4 documents .* Nothing was deleted.*everything is to be deleted"):
        await remover.remove(NAME, document_ids=["a", "b", "c", "long"], filter_={})
    with pytest.raises(InvalidInput, match="everything is to be deleted"):
        await remover.remove(NAME, document_ids=[], filter_={"draft": [True, False]})
    assert len(await held(engine)) == 4


async def test_request_without_ids_or_filter_is_refused(remover: Remover) -> None:
    with pytest.raises(InvalidInput, match="Nothing to delete was given"):
        await remover.remove(NAME, document_ids=[], filter_={})
    with pytest.raises(InvalidInput, match="Unknown filter field 'colour'"):
        await remover.remove(NAME, document_ids=[], filter_={"colour": "red"})


async def test_dropped_collection_is_counted_and_gone(engine: Engine, remover: Remover) -> None:
    removed = await remover.drop(NAME)
    assert removed.documents == 4
    assert removed.passages > 4
    assert NAME not in await engine.services.store.names()
    with pytest.raises(NotFound, match=f"No collection '{NAME}'"):
        await remover.drop(NAME)
    with pytest.raises(NotFound):
        await remover.remove(NAME, document_ids=["a"], filter_={})


async def test_metadata_named_like_a_payload_field_is_only_metadata(engine: Engine, remover: Remover) -> None:
    twins = [
        Document(id=f"twin{number}", title="", text="Words. " * 900, metadata={"ordinal": number}) for number in (0, 1)
    ]
    await engine.services.ingestor.ingest(Job(collection=NAME, items=twins, total=2))
    removed = await remover.remove(NAME, document_ids=[], filter_={"ordinal": 1})
    assert removed.documents == 1
    assert removed.passages > 1
    assert "twin0" in await held(engine)


async def test_damaged_collection_is_listed_with_its_problem_and_can_be_dropped(
    engine: Engine, remover: Remover
) -> None:
    folder = engine.settings.data_dir / "collections" / "damaged"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{")
    overviews = await summarize_all(engine.services.pipeline, ["damaged", NAME])
    assert [(each.documents, bool(each.problem)) for each in overviews] == [(0, True), (4, False)]
    assert (await remover.drop("damaged")).documents == 0
    assert "damaged" not in await engine.services.store.names()


async def test_search_of_a_collection_dropped_meanwhile_says_so(engine: Engine, remover: Remover) -> None:
    collection = await engine.services.store.open(NAME)
    await remover.drop(NAME)
    with pytest.raises(NotFound, match="was deleted or closed meanwhile"):
        await collection.count()


async def test_dropping_with_ids_or_a_filter_is_refused(engine: Engine, remover: Remover) -> None:
    with pytest.raises(InvalidInput, match="leave out the document ids and the filter"):
        await remover.remove(NAME, document_ids=["a"], filter_={}, everything=True)
    with pytest.raises(InvalidInput, match="leave out the document ids and the filter"):
        await remover.remove(NAME, document_ids=[], filter_={"draft": True}, everything=True)
    assert await held(engine) == {"a", "b", "c", "long"}


async def test_words_in_one_passage_remove_the_whole_document(engine: Engine, remover: Remover) -> None:
    chapters = [f"# Chapter {number}\n\n{'A sentence of some words. ' * 60}" for number in range(3)]
    books = [
        Document(id=name, title="", text="\n\n".join([*chapters[:place], "The zebra.", *chapters[place:]]), metadata={})
        for name, place in {"first": 0, "later": 2}.items()
    ]
    await engine.services.ingestor.ingest(Job(collection=NAME, items=books, total=2))
    before = await (await engine.services.store.open(NAME)).count()
    for filter_ in ({"text": {"match": "zebra"}}, {"any": [{"text": {"match": "zebra"}}, {"title": "none"}]}):
        counted = await remover.count(NAME, document_ids=[], filter_=filter_)
        assert counted.documents == 2
        assert counted.passages > 4
    removed = await remover.remove(NAME, document_ids=[], filter_={"text": {"match": "zebra"}})
    assert (removed.documents, removed.passages) == (counted.documents, counted.passages)
    assert await held(engine) == {"a", "b", "c", "long"}
    assert await (await engine.services.store.open(NAME)).count() == before - removed.passages
    assert (await remover.remove(NAME, document_ids=["a", "b"], filter_={"text": {"match": "text b"}})).documents == 1
    assert await held(engine) == {"a", "c", "long"}


async def test_words_in_one_passage_of_every_document_are_refused_and_so_are_words_to_be_missing(
    engine: Engine, remover: Remover
) -> None:
    with pytest.raises(InvalidInput, match="These are all 4 documents"):
        await remover.remove(NAME, document_ids=[], filter_={"any": [{"text": {"prefix": each}} for each in "TA"]})
    for words in ({"text": {"match": "sentence"}}, {"any": [{"title": "x"}, {"text": {"match": "sentence"}}]}):
        with pytest.raises(InvalidInput, match=r"Nothing was deleted\. \"not\" around a condition on 'text'"):
            await remover.count(NAME, document_ids=["a"], filter_={"all": [{"not": words}]})
    nothing = await remover.remove(NAME, document_ids=[], filter_={"text": {"match": "unicorn"}})
    assert (nothing.documents, nothing.passages) == (0, 0)
    assert "unicorn" in nothing.notes[0]
    assert len(await held(engine)) == 4
