"""A filter that matches nothing says which condition leaves nothing, and which values there are instead."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from resift.core.values import Document
from resift.factories.engine import Engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.pipeline.search import NO_WORDS
from resift.store.filters import AnyOf, Not
from resift.tests.pipeline.both_stores import STORES, engine_on

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

ROOMS = ("kitchen", "kitchen", "garden", "bath")
POTS = [
    Document(
        f"pot{number}",
        f"Clay pot {number}",
        text=f"A pot for the {room}.",
        metadata={
            "room": room,
            "tags": ["clay", room[0]],
            "year": 2001 + number,
            "price": 1.5 * number,
            "since": f"{2010 + number}-03-01",
            "glazed": number % 2 == 0,
            "version": str(number),
        },
    )
    for number, room in enumerate(ROOMS)
]
NOTHING = "The filter matches no passage. "


@pytest.fixture(scope="module", params=STORES)
async def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    async with engine_on(request.param, tmp_path_factory.mktemp("pots"), POTS) as opened:
        yield opened


async def notes_on(engine: Engine, filter_: dict[str, Any]) -> str:
    """Return what a search without reranking says about a filter."""
    page = await engine.services.pipeline.search(SearchRequest("pot", filter=filter_, reranker="none"))
    assert bool(page.hits) is not any(note.startswith(NOTHING) for note in page.notes)
    return " ".join(page.notes).removeprefix(NOTHING)


@pytest.mark.parametrize(
    ("filter_", "note"),
    [
        (
            {"room": "kichen"},
            'No passage has "kichen" as \'room\'. Did you mean "kitchen"? '
            'Most common: "kitchen" (2), "bath" (1), "garden" (1).',
        ),
        ({"room": "Garden"}, 'Did you mean "garden"?'),
        ({"room": ["attic", "cellar"]}, 'No passage has "attic" or "cellar" as \'room\'. Most common: '),
        ({"tags": "klay"}, 'Did you mean "clay"?'),
        ({"room": {"prefix": "Kit"}}, 'No \'room\' starts with "Kit". Did you mean "kit"?'),
        ({"year": 2020}, "No passage has 2020 as 'year'. 'year' lies between 2001 and 2004."),
        ({"year": {"gt": 2004}}, 'No passage has {"year": {"gt": 2004}}. \'year\' lies between 2001 and 2004.'),
        ({"price": {"lt": -1}}, "'price' lies between 0.0 and 4.5."),
        ({"since": {"gte": "2030-01-01"}}, "'since' lies between 2010-03-01 and 2013-03-01."),
        ({"since": "2010"}, 'For a period, write {"gte": ..., "lt": ...}.'),
        ({"year": "new"}, "'year' holds integers, and \"new\" is not one. Write a number without quotes."),
        ({"glazed": "yes"}, "'glazed' holds true or false, and \"yes\" is not one."),
        ({"version": 2}, "'version' holds texts, and 2 is not one. Write the value in quotes."),
        ({"version": {"gte": 1}}, "'version' holds texts, not numbers."),
        ({"title": {"match": "clai pot"}}, "No 'title' has the word \"clai\""),
        ({"title": {"match": "clai pot"}}, 'Did you mean "clay"?'),
        ({"text": {"prefix": "The pot"}}, 'To find words anywhere in the text, use "match".'),
        ({"title": "Clay pot"}, 'Did you mean "Clay pot '),
        ({"document_id": "pott1"}, 'Did you mean "pot1"?'),
        ({"source": "pot.md"}, "No passage has \"pot.md\" as 'source'."),
        (
            {"room": "kitchen", "year": {"gte": 2003}},
            'No passage meets both {"room": "kitchen"} (2 passages) and {"year": {"gte": 2003}} (2).',
        ),
        (
            {"room": "garden", "year": {"gte": 2004}},
            'No passage meets both {"room": "garden"} (1 passage) and {"year": ',
        ),
        ({"room": "kitchen", "version": "7"}, "No passage has \"7\" as 'version'. Most common: "),
        (
            {"all": [{"not": {"room": "bath"}}, {"not": {"room": "garden"}}, {"not": {"room": "kitchen"}}]},
            'Passages that meet all but one: 1 without {"not": {"room": "bath"}}',
        ),
        ({"not": {"year": {"gte": 1}}}, 'Every passage meets {"year": {"gte": 1}}, which "not" leaves out.'),
        ({"any": [{"room": "Gardn"}, {"year": 1999}]}, 'Did you mean "garden"? '),
        ({"any": [{"room": "Gardn"}, {"year": 1999}]}, "No passage has 1999 as 'year'."),
    ],
    ids=str,
)
async def test_filter_that_matches_nothing_is_explained(engine: Engine, filter_: dict[str, Any], note: str) -> None:
    assert note in await notes_on(engine, filter_)


async def test_filter_that_matches_is_not_remarked_on(engine: Engine) -> None:
    assert await notes_on(engine, {"room": "kitchen", "year": {"lt": 2003}}) == ""


async def test_keyword_search_without_a_common_word_does_not_blame_the_filter(engine: Engine) -> None:
    request = SearchRequest("zeppelin", mode="keyword", filter={"room": "kitchen"}, reranker="none")
    page = await engine.services.pipeline.search(request)
    assert not page.hits
    assert page.notes == [NO_WORDS]


async def test_empty_collection_is_called_empty(tmp_path: Path) -> None:
    async with engine_on("edge", tmp_path, POTS) as opened:
        await (await opened.services.store.open("default")).remove(Not(AnyOf("document_id", ("none",))))
        page = await opened.services.pipeline.search(SearchRequest("pot", filter={"room": "kitchen"}))
        assert page.notes == [
            "Collection 'default' is empty. If documents are being ingested, ask again when some are stored."
        ]
        page = await opened.services.pipeline.search(SearchRequest("pot"))
        assert page.notes == [
            "Collection 'default' is empty. If documents are being ingested, ask again when some are stored."
        ]


async def test_explanation_stays_short_whatever_is_given(engine: Engine) -> None:
    for filter_ in ({"room": "x" * 100_000}, {"room": ["y" * 1000] * 500}, {"title": {"match": "word " * 2000}}):
        assert len(await notes_on(engine, filter_)) < 1500
    assert len(await notes_on(engine, {"any": [{"room": f"r{n}"} for n in range(50)]})) < 1500


async def test_deleting_by_a_filter_that_matches_nothing_is_explained(engine: Engine) -> None:
    remover = engine.services.remover
    removed = await remover.remove("default", document_ids=[], filter_={"room": "kichen"})
    assert (removed.documents, removed.passages) == (0, 0)
    assert 'Did you mean "kitchen"?' in removed.notes[0]
    removed = await remover.remove("default", document_ids=["pot1"], filter_={"room": "bath"})
    assert (removed.documents, removed.notes) == (0, ("None of the named documents matches the filter.",))


@pytest.mark.slow
async def test_range_is_found_whatever_the_number_of_passages(tmp_path: Path) -> None:
    many = [
        Document(f"d{number}", "", text="pot", metadata={"n": number * 7 % 1501, "day": f"20{number % 90 + 10}-01-02"})
        for number in range(1501)
    ]
    async with engine_on("edge", tmp_path, many) as opened:
        assert "'n' lies between 0 and 1500." in await notes_on(opened, {"n": -1})
        assert "'day' lies between 2010-01-02 and 2099-01-02." in await notes_on(opened, {"day": {"lt": "1900-01-01"}})


async def test_single_value_is_told_as_such(tmp_path: Path) -> None:
    pots = [Document(f"d{number}", "", text="pot", metadata={"year": 2020}) for number in range(2)]
    async with engine_on("edge", tmp_path, pots) as opened:
        assert "'year' is always 2020." in await notes_on(opened, {"year": 2021})


async def test_values_that_no_passage_has_any_more_are_not_offered(engine: Engine) -> None:
    shed = Document("shed-pot", "A pot", text="A pot for the shed.", metadata={"room": "shed"})
    await engine.services.ingestor.ingest(Job(collection="default", items=[shed], total=1))
    await engine.services.remover.remove("default", document_ids=["shed-pot"], filter_={})
    note = await notes_on(engine, {"room": "shed"})
    assert note == 'No passage has "shed" as \'room\'. Most common: "kitchen" (2), "bath" (1), "garden" (1).'
