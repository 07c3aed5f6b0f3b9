"""Rerank endpoints over real HTTP: every shape, and every way to fail."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from resift.core.errors import InvalidInput, ModelError, ModelUnavailable
from resift.core.query import Query
from resift.core.retry import RetryPolicy
from resift.core.values import Passage
from resift.rerank.blend import with_reranker
from resift.rerank.endpoint import MAX_PASSAGE_CHARACTERS, EndpointOptions, RerankEndpoint
from resift.rerank.endpoint_shapes import SHAPES
from resift.tests.standins.http import Answer, Fault
from resift.tests.standins.rerank import RerankStandIn, rerank_stand_in

pytestmark = pytest.mark.anyio

KEY = "sk-secret-5b1f"
QUERY = Query("why do brakes squeal")
TEXTS = ("the battery is cold", "why do pads squeal", "why do brakes squeal", "brakes", "")
SHARES = (0.0, 0.75, 1.0, 0.25, 0.0)
QUICK = RetryPolicy(attempts=3, first_pause_s=0.001, longest_pause_s=0.001, open_s=60.0)
MODELS = {"cohere": "rerank-v3.5", "jina": "jina-reranker-v3", "voyage": "rerank-2.5", "tei": "", "vllm": "bge"}
COHERE = EndpointOptions("cohere", with_reranker(0.5), model="rerank-v3.5", key=KEY, timeout_s=60)


@pytest.fixture
def server() -> Iterator[RerankStandIn]:
    with rerank_stand_in() as stand_in:
        yield stand_in


@asynccontextmanager
async def endpoint(server: RerankStandIn, options: EndpointOptions = COHERE) -> AsyncGenerator[RerankEndpoint]:
    opened = RerankEndpoint(replace(options, url=server.root), retry=QUICK)
    try:
        yield opened
    finally:
        await opened.close()


def passages(*texts: str) -> list[Passage]:
    return [Passage(str(place), -1, text=text) for place, text in enumerate(texts)]


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape_is_asked_and_understood(server: RerankStandIn, shape: str) -> None:
    async with endpoint(server, replace(COHERE, shape=shape, model=MODELS[shape])) as reranker:
        scores = await reranker.score(QUERY, passages(*TEXTS))
    assert scores.values == SHARES
    assert reranker.name == f"{shape}:{MODELS[shape] or server.root.removeprefix('http://')}"
    (asked,) = server.asked
    assert asked["query"] == QUERY.text
    assert asked["texts" if shape == "tei" else "documents"] == list(TEXTS)
    assert asked.get("model", "") == MODELS[shape]
    assert server.keys == [f"Bearer {KEY}"]


async def test_url_may_be_whole_and_no_key_is_sent_where_there_is_none(server: RerankStandIn) -> None:
    reranker = RerankEndpoint(EndpointOptions("tei", with_reranker(0.5), url=f"{server.root}/rerank"))
    assert (await reranker.score(QUERY, passages(*TEXTS))).values == SHARES
    assert server.keys == [""]
    await reranker.close()


async def test_batches_run_at_once_but_not_more_than_allowed(server: RerankStandIn) -> None:
    server.delay_s = 0.05
    async with endpoint(server, replace(COHERE, batch=2, concurrency=3)) as reranker:
        scores = await reranker.score(QUERY, passages(*TEXTS * 4))
    assert scores.values == SHARES * 4
    assert [len(each["documents"]) for each in server.asked] == [2] * 10
    assert 2 <= server.most_at_once <= 3


async def test_long_passage_is_cut_and_said_to_be(server: RerankStandIn) -> None:
    async with endpoint(server) as reranker:
        scores = await reranker.score(QUERY, passages("short", "x" * (MAX_PASSAGE_CHARACTERS + 1)))
    assert scores.cut == {1}
    assert len(server.asked[0]["documents"][1]) == MAX_PASSAGE_CHARACTERS


@pytest.mark.parametrize(
    ("scores", "score", "relevance"),
    [("probability", 0.7, 0.7), ("probability", 1.2, 1.0), ("probability", -0.1, 0.0), ("logit", 0.0, 0.5)],
)
def test_relevance_is_the_score_or_its_logistic(scores: Any, score: float, relevance: float) -> None:
    assert RerankEndpoint(replace(COHERE, scores=scores)).relevance(score) == relevance


@pytest.mark.parametrize(
    ("scores", "values", "told"),
    [
        ("probability", (5.0, 0.5), True),
        ("probability", (0.5, -0.1), True),
        ("probability", (1.0000002, 0.0), False),
        ("logit", (5.0, -2.0), False),
    ],
)
async def test_scores_that_are_no_probabilities_are_told(
    server: RerankStandIn, scores: Any, values: tuple[float, float], told: bool
) -> None:
    server.always = results(*(row(place, value) for place, value in enumerate(values)))
    async with endpoint(server, replace(COHERE, scores=scores)) as reranker:
        found = await reranker.score(QUERY, passages("a", "b"))
    assert any('set `scores` to "logit"' in note for note in found.notes) is told


@pytest.mark.parametrize("url", ["http://a\u2488com", "http://exa\x00mple"])
def test_url_that_the_client_cannot_use_is_our_error(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"RESIFT_RERANKERS: .* is not the URL of a service"):
        RerankEndpoint(replace(COHERE, url=url))


def results(*rows: dict[str, Any]) -> Answer:
    return Answer({"results": list(rows)})


def row(index: Any, score: Any = 0.5) -> dict[str, Any]:
    return {"index": index, "relevance_score": score}


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (Answer("{"), "no JSON"),
        (Answer("<html>a proxy</html>"), "no JSON"),
        (Answer([]), "no list 'results'"),
        (Answer({"results": None}), "no list 'results'"),
        (results(), "0 results for 2 texts"),
        (results(row(0)), "1 results for 2 texts"),
        (results(row(0), row(0)), "two results with index 0"),
        (results(row(0), row(2)), "a result with index 2 and relevance_score 0.5 for 2 texts"),
        (results(row(0), row(-1)), "a result with index -1"),
        (results(row(0), row(True)), "a result with index True"),
        (results(row(0), row(1, "high")), "relevance_score 'high'"),
        (Answer('{"results": [{"index": 0, "relevance_score": NaN}]}'), "relevance_score nan"),
        (Answer({"results": ["first", "second"]}), "a result with index None"),
        (Answer('{"results": [{"index": 0, "relevance_score": 1%s}]}' % ("0" * 400)), "relevance_score 10000"),
        (Answer("[" * 100_000), "no JSON"),
    ],
)
async def test_answer_that_does_not_score_each_passage_once_is_refused(
    server: RerankStandIn, answer: Answer, what: str
) -> None:
    server.always = answer
    async with endpoint(server) as reranker:
        with pytest.raises(
            ModelError, match=f"/v2/rerank does not answer like 'cohere': .*{what}.*Check its url and kind"
        ):
            await reranker.score(QUERY, passages("a", "b"))
    assert len(server.asked) == 1, "asking again would give the same"


TRANSIENT = [
    Answer("busy", 500),
    Answer("busy", 503),
    Answer("slow down", 429),
    Answer("slow down", 429, headers={"Retry-After": "0.01"}),
    Answer(fault="disconnect"),
    Answer("{}", fault="truncate"),
]


@pytest.mark.parametrize("answer", TRANSIENT, ids=lambda answer: f"{answer.status}{answer.fault or ''}")
async def test_passing_failure_is_tried_again_twice(server: RerankStandIn, answer: Answer) -> None:
    server.next.extend([answer, answer])
    async with endpoint(server) as reranker:
        assert (await reranker.score(QUERY, passages(*TEXTS))).values == SHARES
        assert len(server.asked) == 3
        server.next.extend([answer, answer, answer])
        with pytest.raises(ModelUnavailable, match=r"/v2/rerank (answered|cannot be reached)"):
            await reranker.score(QUERY, passages(*TEXTS))
    assert len(server.asked) == 6


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_endpoint_that_does_not_end_its_answer_is_given_up(server: RerankStandIn, fault: Fault) -> None:
    server.always = Answer("", fault=fault)
    async with endpoint(server, replace(COHERE, timeout_s=0.1)) as reranker:
        with pytest.raises(ModelUnavailable, match=r"/v2/rerank did not answer within 0\.1 s\. Raise `timeout_s`"):
            await reranker.score(QUERY, passages("a"))
    assert 1 <= len(server.asked) <= 3, "a slow machine may not even get to asking in time"


async def test_key_that_cannot_be_sent_is_a_model_error_that_hides_it(server: RerankStandIn) -> None:
    async with endpoint(server, replace(COHERE, key="sk-ключ")) as reranker:
        with pytest.raises(ModelError, match=r"HTTP cannot carry\. Check its key") as raised:
            await reranker.score(QUERY, passages("a"))
    assert "ключ" not in repr(raised.value)
    assert raised.value.__suppress_context__
    assert not server.asked


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_refusal_is_not_tried_again(server: RerankStandIn, status: int) -> None:
    server.always = Answer({"message": "no such\nmodel"}, status)
    async with endpoint(server) as reranker:
        expected = rf"/v2/rerank answered {status}: .*no such.*model.* Check its url, model and key\."
        with pytest.raises(ModelError, match=expected):
            await reranker.score(QUERY, passages("a"))
    assert len(server.asked) == 1


def an_hour_from_now() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize("when", ["seconds", "date"])
async def test_endpoint_that_wants_a_long_rest_is_not_waited_for(server: RerankStandIn, when: str) -> None:
    later = "3600" if when == "seconds" else an_hour_from_now()
    server.always = Answer("quota", 429, headers={"Retry-After": later})
    async with endpoint(server) as reranker:
        with pytest.raises(ModelError, match=r"429: quota\. It asks for a pause of [23]\d{3} s"):
            await reranker.score(QUERY, passages("a"))
    assert len(server.asked) == 1


async def test_endpoint_that_keeps_failing_is_left_alone(server: RerankStandIn) -> None:
    server.always = Answer("busy", 503)
    async with endpoint(server) as reranker:
        for _ in range(3):
            with pytest.raises(ModelUnavailable, match="answered 503"):
                await reranker.score(QUERY, passages("a"))
        assert len(server.asked) == 9
        with pytest.raises(ModelUnavailable, match=r"failed 3 times in a row\. Try again in [56]\d s"):
            await reranker.score(QUERY, passages("a"))
    assert len(server.asked) == 9


async def test_one_failed_batch_ends_the_others(server: RerankStandIn) -> None:
    server.delay_s = 0.05
    server.next.append(Answer("no", 400))
    async with endpoint(server, replace(COHERE, batch=1, concurrency=1)) as reranker:
        with pytest.raises(ModelError, match=r"answered 400: no\."):
            await reranker.score(QUERY, passages(*TEXTS))
    assert len(server.asked) <= 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"message": f"Incorrect API key provided: {KEY}"}, 401),
        Answer(f"Bearer {KEY} is out of quota", 429),
        Answer(KEY),
        Answer({"results": [{"index": KEY}]}),
        Answer(fault="disconnect"),
    ],
    ids=["401", "429", "no JSON", "index", "disconnect"],
)
async def test_key_appears_in_no_message_and_no_log(
    server: RerankStandIn, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = answer
    async with endpoint(server) as reranker:
        with pytest.raises(ModelError) as caught:
            await reranker.score(QUERY, passages("a"))
        shown = "".join(map(str, [caught.value, caught.value.__cause__, caught.value.__context__]))
        assert KEY not in f"{shown}{reranker.name}{reranker!r}{COHERE!r}"
    assert server.keys[0] == f"Bearer {KEY}"
    assert caplog.text, "the HTTP client says what it does"
    assert KEY not in caplog.text


async def test_password_in_the_url_is_sent_and_not_shown(
    server: RerankStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = Answer("no", 400)
    url = server.root.replace("://", "://user:hunter2@")
    reranker = RerankEndpoint(EndpointOptions("tei", with_reranker(0.5), url=url))
    with pytest.raises(ModelError) as caught:
        await reranker.score(QUERY, passages("a"))
    assert "hunter2" not in f"{caught.value}{reranker.name}{caplog.text}"
    assert server.keys[0].startswith("Basic ")
    await reranker.close()


async def test_server_that_is_away_is_named() -> None:
    reranker = RerankEndpoint(replace(COHERE, url="http://127.0.0.1:9"), retry=QUICK)
    with pytest.raises(ModelUnavailable, match=r"http://127\.0\.0\.1:9/v2/rerank cannot be reached: .*Check its url"):
        await reranker.score(QUERY, passages("a"))
    await reranker.close()
