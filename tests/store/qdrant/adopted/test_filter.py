"""Documents of an adopted collection of which some points say whose they are, and some do not, on every client."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from qdrant_client.models import Distance, PointStruct, VectorParams

from resift.core.errors import NotFound
from resift.core.vectors import DENSE, VectorSpec
from resift.encoders.bm25 import Bm25Options
from resift.pipeline.reading import read_around, read_from
from resift.store.collection import Collection
from resift.store.field_mapping import FieldMapping
from resift.store.filters import parse_filter
from resift.store.manifest import ADOPTED_VERSION, Manifest
from resift.store.qdrant.manifests import save_manifest
from resift.store.qdrant.store import QdrantStore
from resift.tests.store.stores import OTHERS, open_store

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]
DOCUMENTS = [{"doc": "a"}, {}, {"doc": "a"}, {"doc": ""}, {"doc": 2**62}, {"doc": "3"}]  # of the points 1, 2, ...
HUGE = str(2**64 + 1)
MANIFEST = Manifest(
    vectors={DENSE: VectorSpec("dense", "text", model="fixed@1", dimension=2)},
    lexical=Bm25Options(100.0),
    chunking="",
    fields={},
    schema_version=ADOPTED_VERSION,
    adopted=FieldMapping(text="body", vectors={DENSE: ""}, document="doc", fields={}),
)


@pytest.fixture(scope="module", params=OTHERS)
async def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Collection]:
    points = [
        PointStruct(id=place, vector=[1.0, 0.0], payload={"body": f"Text {place}", **document})
        for place, document in enumerate(DOCUMENTS, start=1)
    ]
    config = VectorParams(size=2, distance=Distance.COSINE)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(request.param, tmp_path_factory.mktemp("mixed")))
        assert isinstance(store, QdrantStore)
        await store.connection.ask(lambda client: client.create_collection("mixed", config))
        await store.connection.ask(lambda client: client.upsert("mixed", points, wait=True))
        await save_manifest(store.connection, "mixed", MANIFEST)
        yield await store.open("mixed")


async def test_each_point_is_read_as_part_of_the_document_that_it_is_shown_with(mixed: Collection) -> None:
    entries = {key: each.passages for key, each in (await mixed.entries()).items()}
    assert entries == {"a": 2, "2": 1, "4": 1, str(2**62): 1, "3": 1}
    for document, passages in entries.items():
        read = await read_from(mixed, document, start=0, limit=9)
        assert [each.document_id for each in read.passages] == [document] * passages
        around = await read_around(mixed, read.passages[0].id, around=9)
        assert around.passages == read.passages


COUNTED: list[tuple[dict[str, Any], int]] = [
    ({"document_id": ["2", "a"]}, 3),
    ({"document_id": "3"}, 1),  # of that name, not the point 3, which says that it is of another
    ({"not": {"document_id": "2"}}, 5),
    ({"document_id": ["4", HUGE]}, 1),
]


@pytest.mark.parametrize(("where", "points"), COUNTED, ids=str)
async def test_filter_by_document_finds_the_points_shown_with_it(
    mixed: Collection, where: dict[str, Any], points: int
) -> None:
    assert await mixed.count(parse_filter(where, {})) == points


@pytest.mark.parametrize("document", [HUGE, str(2**63), "9" * 40])
async def test_number_that_no_server_holds_is_no_document(mixed: Collection, document: str) -> None:
    with pytest.raises(NotFound, match=f"No document '{document}'"):
        await read_from(mixed, document, start=0, limit=1)
