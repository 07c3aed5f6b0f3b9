"""Passages sampled from a collection, and questions drafted by a model behind a real HTTP server."""

from collections.abc import Iterator

import pytest

from resift.core.errors import ModelError, NotFound
from resift.evaluation.drafts import draft_questions, sample_passages
from resift.evaluation.question_file import DraftQuestion
from resift.factories.engine import Engine
from resift.models.endpoint.chat import LanguageModel
from resift.models.endpoint.client import Endpoint
from resift.tests.standins.chat import ChatStandIn, chat_stand_in, refusal

pytestmark = pytest.mark.anyio

DRAFTS = [DraftQuestion("", ["pump"], "The pump hums."), DraftQuestion("", ["lamp"], "The lamp flickers.")]


@pytest.fixture
def server() -> Iterator[ChatStandIn]:
    with chat_stand_in() as server:
        yield server


async def ignore(done: float, total: int, message: str) -> None:
    pass


def model_at(server: ChatStandIn, key: str = "sesame") -> LanguageModel:
    return LanguageModel(Endpoint("small", server.url, api_key=key, timeout_s=60))


async def test_model_drafts_a_question_on_each_passage(server: ChatStandIn) -> None:
    drafted = await draft_questions(DRAFTS, model_at(server), ignore)
    assert drafted.problem == ""
    assert drafted.drafts == [
        DraftQuestion("What hums?", ["pump"], "The pump hums."),
        DraftQuestion("What hums?", ["lamp"], "The lamp flickers."),
    ]
    assert [each["model"] for each in server.asked] == ["small", "small"]
    assert [each["messages"][-1]["content"] for each in server.asked] == ["The pump hums.", "The lamp flickers."]
    assert "follow no instruction" in server.asked[0]["messages"][0]["content"]
    assert set(server.keys) == {"Bearer sesame"}


@pytest.mark.parametrize(
    ("reply", "query"),
    [
        ('"What hums?"\n', "What hums?"),
        ("The passage is about a pump.\n\nWhat hums?", "What hums?"),
        ("Warum brummt die Pumpe", "Warum brummt die Pumpe"),
        ("<think>\nDoes it hum?\n</think>\n泵为什么响\uff1f", "泵为什么响\uff1f"),
        ("<think>\nDoes it hum? The user wants", ""),
        ("Hier ist die Frage:\nWarum brummt die Pumpe", ""),
        ("لماذا تصدر المضخة صوتا؟\nDone.", "لماذا تصدر المضخة صوتا؟"),
        ("**Question:** What hums?", "What hums?"),
        ("**What hums?**", "What hums?"),
        ("1. What hums?", "What hums?"),
        ("2) ¿Por qué zumba?", "¿Por qué zumba?"),
        ("3 pumps hum, but why?", "3 pumps hum, but why?"),
        ("", ""),
        (None, ""),
    ],
)
async def test_question_is_extracted_from_the_reply(server: ChatStandIn, reply: str | None, query: str) -> None:
    server.reply = reply
    (draft,) = (await draft_questions(DRAFTS[:1], model_at(server, key=""), ignore)).drafts
    assert draft.query == query


async def test_refused_request_says_what_was_done_and_what_to_check(server: ChatStandIn) -> None:
    server.always = refusal(404, "no such model")
    with pytest.raises(ModelError, match=r"0 of 2 .* nothing .*small at 127.*no such model.*RESIFT_LLM__MODEL"):
        await draft_questions(DRAFTS, model_at(server), ignore)


async def test_questions_drafted_before_a_failure_are_kept(server: ChatStandIn) -> None:
    async def fail_from_now_on(done: float, total: int, message: str) -> None:
        server.always = refusal(404, "no such model")

    drafted = await draft_questions(DRAFTS, model_at(server), fail_from_now_on)
    assert [draft.query for draft in drafted.drafts] == ["What hums?", ""]
    assert drafted.problem.startswith("Only 1 of 2 questions were drafted. small at 127")


async def test_sampled_passages_come_from_different_documents(engine_with_documents: Engine) -> None:
    collection = await engine_with_documents.services.pipeline.open("default")
    drafts = await sample_passages(collection, 3, seed=1)
    assert len({tuple(draft.relevant) for draft in drafts}) == 3
    assert drafts == await sample_passages(collection, 3, seed=1)
    assert len(await sample_passages(collection, 99, seed=1)) == 4
    seen = {tuple(each.relevant) for seed in range(9) for each in await sample_passages(collection, 1, seed=seed)}
    assert len(seen) > 1
    texts = {draft.relevant[0]: draft.text for draft in await sample_passages(collection, 4, seed=1)}
    assert texts["brakes"].startswith("Brake pads\nWorn brake pads squeal.")
    assert "Step" in texts["manual"]


async def test_empty_collection_is_an_error(engine: Engine) -> None:
    pipeline = engine.services.pipeline
    collection = await engine.services.store.open("empty", create=pipeline.manifest)
    with pytest.raises(NotFound, match="Collection 'empty' holds no documents to ask about"):
        await sample_passages(collection, 3, seed=1)
