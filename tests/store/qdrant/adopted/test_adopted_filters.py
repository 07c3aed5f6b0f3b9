"""In an adopted collection too, filters take relative paths, and one that matches nothing is explained."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import NotFound
from resift.search.named_documents import find_document
from resift.search.path_filters import resolve_paths
from resift.search.relative_paths import RelativePaths, short_names
from resift.search.unmatched import reasons_for_nothing
from resift.store.collection import Collection
from resift.store.filters import parse_filter
from resift.store.qdrant.manifests import save_manifest
from resift.store.qdrant.store import QdrantStore
from resift.tests.store.qdrant.adopted.foreign import SHAPES, make, manifest_for
from resift.tests.store.qdrant.adopted.test_adopted import OURS, PASSAGES, VECTORS
from resift.tests.store.stores import open_store

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

PATHS = RelativePaths(("/srv/work",), windows=False)


@pytest.fixture(params=SHAPES)
async def collection(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Collection]:
    """A collection made elsewhere, whose documents are files below two folders."""
    shape = SHAPES[request.param]
    passages = [
        replace(
            each,
            document_id=f"/srv/work/{'docs' if int(each.document_id[1:]) % 2 else 'notes'}/{each.document_id}.md",
            source=f"/srv/work/{'docs' if int(each.document_id[1:]) % 2 else 'notes'}/{each.document_id}.md",
        )
        for each in PASSAGES
    ]
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store("grpc", tmp_path))
        assert isinstance(store, QdrantStore)
        await make(store, "theirs", shape, passages, VECTORS)
        await save_manifest(store.connection, "theirs", manifest_for(shape, OURS))
        yield await store.open("theirs")


@pytest.mark.parametrize(
    ("filter_", "note"),
    [
        ({"lang": "fi"}, 'Most common: "'),
        ({"lang": "eN"}, 'Did you mean "en"?'),
        ({"year": {"gte": 2030}}, "'year' lies between 2000 and 2014."),
        ({"price": {"lt": -1}}, "'price' lies between 0.0 and 48.75."),
        ({"since": {"lt": "1999-01-01"}}, "'since' lies between 2000-03-01 and 2019-03-01."),
        ({"year": "new"}, "'year' holds integers"),
        ({"lang": "en", "year": 2001}, 'No passage meets both {"lang": "en"}'),
        ({"source": {"prefix": "doc/"}}, 'Did you mean "docs/"?'),
        ({"source": "docs/d12.md"}, "No passage has \"docs/d12.md\" as 'source'. Did you mean"),
        ({"title": {"match": "Titel 5"}}, 'Did you mean "title"?'),
    ],
    ids=str,
)
async def test_filter_that_matches_nothing_is_explained(
    collection: Collection, filter_: dict[str, Any], note: str
) -> None:
    resolved = await resolve_paths(collection, PATHS, parse_filter(filter_, collection.manifest.fields))
    [reason] = await reasons_for_nothing(collection, resolved, PATHS)
    assert note in reason


async def test_relative_paths_stand_for_stored_ones(collection: Collection) -> None:
    for filter_ in ({"source": {"prefix": "docs/"}}, {"source": "docs/d7.md"}, {"document_id": "docs/d7.md"}):
        resolved = await resolve_paths(collection, PATHS, parse_filter(filter_, collection.manifest.fields))
        assert resolved.where is not None
        assert await collection.count(resolved.where) >= 4
        assert not resolved.guesses
    assert (await find_document(collection, PATHS, "docs/d7.md")).id == "/srv/work/docs/d7.md"
    assert (await find_document(collection, PATHS, "d7.md")).id == "/srv/work/docs/d7.md"
    with pytest.raises(NotFound, match=r"Did you mean 'docs/d7.md'\?"):
        await find_document(collection, PATHS, "doc/d7.md")


async def test_documents_are_shown_by_relative_paths(collection: Collection) -> None:
    points = await collection.points_in("/srv/work/docs/d7.md")
    [passage, *_] = (await collection.fetch(points)).values()
    shown = await short_names(collection, PATHS, [passage])
    assert (shown.document_id(passage), shown.source(passage)) == ("docs/d7.md", "docs/d7.md")
    assert shown.passage_id(passage) == passage.id
