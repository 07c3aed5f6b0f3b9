"""Every reply stays small and readable, whatever the arguments, and a flag that destroys takes only true."""

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from resift.core.masking import SECRETS
from resift.core.values import Hit, Passage, Ranking, Stage
from resift.factories.engine import Engine
from resift.pipeline.page import Page
from resift.server.mcp.assembly import create_server
from resift.tests.tools.asking import MOST_CHARACTERS, Asker, text_of
from resift.tools.results import (
    MAX_REPLY_CHARACTERS,
    MAX_REPLY_TOKENS,
    WITHOUT_TEXT,
    ReplyBudget,
    ranking_answer,
    ranking_reply,
)

pytestmark = pytest.mark.anyio

CALLS = 150
LONG = "pump " * 30_000
WORDS = ("pump", "brakes", "default", "brakes#0", "", " ", "\0", "../..", "**/*", "{a,b}", "\u202e", "轮胎", LONG)


def _value(draw: random.Random, schema: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one for each type
    """Return a value that fits the schema of an argument, or, now and then, one that does not."""
    if draw.random() < 0.1:
        return draw.choice([None, True, -1, 2**70, 1e300, LONG, [], {}, [LONG] * 3, {LONG: LONG}])
    match schema.get("type", draw.choice(["string", "string", "integer"])):
        case "string":
            return draw.choice(schema.get("enum", WORDS))
        case "integer":
            return draw.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 300)))
        case "number":
            return draw.choice([0, 0.5, 1, 1e9])
        case "boolean":
            return draw.random() < 0.2
        case "array":
            return [_value(draw, schema.get("items", {})) for _ in range(draw.choice([0, 1, 2, 400]))]
        case _:
            return {
                draw.choice(["text", "title", "year", "not", f"{number}-x"]): _value(draw, {})
                for number in range(draw.choice([1, 2, 500]))
            }


def _size(answer: dict[str, Any] | None, text: str) -> int:
    return len(text) + (0 if answer is None else len(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))))


def _reranked(*passages: Passage) -> Page:
    hits = [
        Hit(each, 1 / rank, rank=rank, was=len(passages) - rank + 1, relevance=0.5)
        for rank, each in enumerate(passages, start=1)
    ]
    return Page(Ranking(hits), "good", pages=False)


@pytest.mark.parametrize(
    ("count", "characters", "texts"), [(50, 1100, 11), (50, 100, 50), (1, 30_000, 0), (200, 900, 3)]
)
def test_reranked_hits_without_room_for_their_texts_keep_their_places(count: int, characters: int, texts: int) -> None:
    page = _reranked(*(Passage(f"d{number}", -1, text="x" * characters) for number in range(count)))
    answer: dict[str, Any] = ranking_reply(page, full=False, max_tokens=MAX_REPLY_TOKENS).structured_content or {}
    assert _size(None, json.dumps(answer, separators=(",", ":"))) <= MAX_REPLY_CHARACTERS
    assert [(hit["rank"], hit["was"], hit["passage_id"], hit["relevance"]) for hit in answer["hits"]] == [
        (rank, count - rank + 1, f"d{rank - 1}", 0.5) for rank in range(1, count + 1)
    ]
    assert texts <= sum("text" in hit for hit in answer["hits"]) <= max(texts, count - 1)
    assert answer["notes"] == ([] if texts == count else [WITHOUT_TEXT])
    assert (answer["left_out"], answer["next_offset"]) == (0, 0)


def test_wrong_verdict_is_seen_from_the_part_of_the_text_that_answers() -> None:
    answer = "Customers get their money back within 30 days if they send the goods to us."
    texts = ["Opening times are on the door. " * 8 + answer + " Parking is free." * 9, f"{answer}\n", "Lamps. " * 90]
    hits = [Hit(Passage(f"d{n}", 0, text=text), 0.0, rank=n, scores={"rerank": 1.0}) for n, text in enumerate(texts)]
    read = Stage("rerank", "model", received=3, returned=3, milliseconds=1.0, kind="score")
    page = Page(Ranking(hits, [read]), "none", query="when do customers get money back")
    shown = ranking_answer(page, full=False)
    assert [hit["text"][: len(answer)] for hit in shown["hits"][:2]] == [answer, answer]
    assert shown["hits"][1]["text"] == texts[1], "a short text stays as it is"
    assert max(len(hit["text"]) for hit in shown["hits"]) <= 204
    [note] = shown["notes"]
    assert note.startswith("Probably no hit answers the question, so only the part of each text that fits best is")
    assert [hit["text"] for hit in ranking_answer(page, full=True)["hits"]] == texts


def test_hits_that_do_not_fit_because_of_long_ids_are_counted() -> None:
    page = _reranked(*(Passage(f"{number:03}" + "d" * 900, -1, text="text") for number in range(50)))
    answer = ranking_answer(page, full=False, budget=ReplyBudget(MAX_REPLY_TOKENS))
    assert len(answer["hits"]) + answer["left_out"] == 50
    assert (
        answer["notes"][1]
        == f"{answer['left_out']} of 50 hits do not fit at all, since ids are long. Pass shorter ones."
    )


@pytest.mark.slow
async def test_reply_to_any_arguments_is_small(reader: Asker) -> None:
    draw = random.Random(12)
    refused = 0
    for _ in range(CALLS):
        name = draw.choice(sorted(reader.tools.keys() - {"delete_documents", "ingest_documents"}))
        properties = reader.tools[name].input_schema["properties"]
        chosen = draw.sample(sorted(properties), k=draw.randint(0, min(5, len(properties))))
        arguments = {each: _value(draw, properties[each]) for each in chosen}
        result = await reader.client.call_tool(name, arguments)
        told = f"{name} {json.dumps(arguments)[:300]}: {text_of(result)[:500]}"
        assert _size(result.structured_content, text_of(result)) < MOST_CHARACTERS, told
        assert not text_of(result).startswith("Error executing tool"), told
        refused += result.is_error
    assert 0 < refused < CALLS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hybrid_search", {"query": "pads", "fields": {f"unknown-{number}": 1.0 for number in range(5_000)}}),
        ("hybrid_search", {"query": "pads", "fields": {"u" * 200_000: 1.0}}),
        ("delete_documents", {"collection": "default", "document_ids": [f"missing-{n}" * 90 for n in range(5_000)]}),
        ("hybrid_search", {"query": "pads", "boost": {f"unknown-{number}": {"a": 1.5} for number in range(5_000)}}),
        ("rerank", {"query": "pads", "passages": [" "] * 200}),
        ("rerank", {"query": "pads", "passages": [{"t" * 1_000: 1}] * 200}),
        ("ingest_documents", {"documents": [{f"unknown-{number}": 1 for number in range(5_000)}]}),
        ("ingest_documents", {"paths": ["n" * 3_000] * 3_000}),
    ],
)
async def test_reply_to_very_many_names_and_very_long_ones_is_small(
    reader: Asker, name: str, arguments: dict[str, Any]
) -> None:
    result = await reader.client.call_tool(name, arguments)
    assert _size(result.structured_content, text_of(result)) < MOST_CHARACTERS
    assert not result.is_error or len(text_of(result)) < 2_100


async def test_name_of_a_tool_is_not_sent_back_whole(reader: Asker) -> None:
    with pytest.raises(MCPError) as refused:
        await reader.client.call_tool("nothing" * 30_000, {})
    assert len(refused.value.message) < 2_100


async def test_names_that_are_left_out_of_a_message_are_counted(reader: Asker) -> None:
    answer = await reader.call(
        "hybrid_search",
        {"query": "pads", "fields": {f"unknown-{number:04}": 1.0 for number in range(5_000)} | {"text": 1}},
    )
    (note,) = [note for note in answer["notes"] if "unknown-0000" in note]
    assert "and 4,980 more" in note
    assert len(note) < 2_000


async def test_prompt_with_very_long_arguments_is_refused(engine: Engine) -> None:
    async with Client(create_server(engine)) as client:
        with pytest.raises(MCPError, match="Pass shorter arguments"):
            await client.get_prompt("answer_from_documents", {"query": LONG})


@pytest.mark.parametrize("given", ["yes", "true", "t", 1, "1", 1.0, ["true"], "null"])
@pytest.mark.parametrize(
    ("name", "flag", "arguments"),
    [
        ("delete_documents", "everything", {"collection": "default"}),
        ("ingest_documents", "prune", {"paths": ["."], "collection": "default"}),
    ],
)
async def test_destructive_flag_takes_nothing_but_true(
    reader: Asker, name: str, flag: str, arguments: dict[str, Any], given: Any
) -> None:
    message = await reader.refusal(name, {**arguments, flag: given})
    assert f"{flag}: Input should be true or false" in message
    kept = await reader.call("list_collections", {"collection": "default"})
    assert kept["collections"][0]["documents"] == 4


def test_every_flag_of_a_tool_that_changes_something_is_strict() -> None:
    from resift.api.arguments import parameters
    from resift.api.requests import DeleteRequest, IngestRequest

    flags = {
        each.name: any(
            getattr(part, "strict", False) for info in each.annotation.__metadata__ for part in info.metadata
        )
        for request in (IngestRequest, DeleteRequest)
        for each in parameters(request, with_python_only=False)
        if each.annotation.__origin__ is bool
    }
    assert flags == {"prune": True, "everything": True}


async def test_secret_of_the_settings_is_masked_in_what_documents_say(tools: Asker, era: str) -> None:
    SECRETS.add("sk-in-a-document-0123")
    taken = {"text": "Use sk-in-a-document-0123 here.", "title": "Key", "metadata": {"key": "sk-in-a-document-0123"}}
    await tools.call("ingest_documents", {"documents": [taken], "collection": f"keys-{era}"})
    found = await tools.call("hybrid_search", {"query": "key", "collection": f"keys-{era}", "detail": "full"})
    assert found["hits"][0]["text"] == "Use *** here."
    assert "0123" not in json.dumps(found)


async def test_error_message_masks_a_secret_that_was_sent_to_it(reader: Asker) -> None:
    SECRETS.add("sk-in-a-question-0123")
    message = await reader.refusal("hybrid_search", {"query": "x", "collection": "sk-in-a-question-0123"})
    assert "***" in message
    assert "0123" not in message


async def test_secret_at_the_place_where_a_long_message_is_cut_is_masked(reader: Asker) -> None:
    SECRETS.add("sk-in-the-middle-0123")
    for before in (960, 970, 980):  # what stands before the argument's name in the message has 31 characters
        message = await reader.refusal("hybrid_search", {f"{'u' * before}sk-in-the-middle-0123{'v' * 3_000}": 1})
        assert "sk-" not in message
