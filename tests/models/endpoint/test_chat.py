"""Chat completions, against a real HTTP server that misbehaves in every way endpoints do."""

import logging
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from resift.core.errors import ContextTooLong, ModelError, ModelUnavailable
from resift.core.retry import OutOfTime
from resift.models.endpoint import chat
from resift.models.endpoint.chat import ChatRequest, Deadline, LanguageModel
from resift.models.endpoint.client import Endpoint
from resift.tests.standins.chat import ChatStandIn, chat_stand_in, completion, refusal
from resift.tests.standins.http import Answer

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret"
ASKED = ChatRequest("Be brief.", "What hums?", max_tokens=50, schema={"type": "object"}, seed=7)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def server() -> Iterator[ChatStandIn]:
    with chat_stand_in() as server:
        server.reply = "The pump."
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


def model_at(server: ChatStandIn, clock: Clock, *, timeout_s: float = 60, retries: int = 2) -> LanguageModel:
    endpoint = Endpoint("small", server.url, api_key=KEY, timeout_s=timeout_s, retries=retries)
    return LanguageModel(endpoint, clock=clock, sleep=clock.sleep, chance=lambda: 1.0)


async def test_model_is_asked_at_temperature_zero_and_its_cost_is_told(server: ChatStandIn, clock: Clock) -> None:
    reply = await model_at(server, clock).ask(ASKED)
    assert (reply.text, reply.complete, reply.retries) == ("The pump.", True, 0)
    assert (reply.tokens_in, reply.tokens_out) == (100, 20)
    (asked,) = server.asked
    assert asked["temperature"] == 0
    assert asked["seed"] == 7
    assert asked["max_completion_tokens"] == 50
    assert asked["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "The "}, {"type": "text", "text": "pump."}], "The pump."),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "A fan?"}]}, {"type": "text", "text": "It."}],
            "It.",
        ),
        ([{"type": "text", "text": 7}, "stray", None], ""),
        ([], ""),
        (None, ""),
    ],
    ids=["two parts", "thoughts", "unreadable parts", "no part", "nothing"],
)
async def test_text_of_a_reply_in_parts_is_joined(server: ChatStandIn, clock: Clock, content: Any, text: str) -> None:
    server.always = completion(content)
    assert (await model_at(server, clock).ask(ASKED)).text == text


async def test_reply_counts_without_a_usage_that_can_be_read(server: ChatStandIn, clock: Clock) -> None:
    message = {"message": {"content": "The pump."}}
    for usage in ({"prompt_tokens": 1.5}, {"completion_tokens": "many"}, "none", 7, None):
        server.always = Answer({"choices": [message], "usage": usage})
        reply = await model_at(server, clock).ask(ASKED)
        assert (reply.text, reply.tokens_in, reply.tokens_out) == ("The pump.", 0, 0)


@pytest.mark.parametrize(
    ("trouble", "pause_s"),
    [
        (Answer({"error": {"message": "slow down"}}, 429, headers={"Retry-After": "3"}), 3.0),
        (
            Answer({"error": {"message": "slow down"}}, 429, headers={"Retry-After": "Sat, 21 Nov 2026 07:28:00 GMT"}),
            0.5,
        ),
        (Answer("<html>Bad gateway</html>", 502, headers={"Content-Type": "text/html"}), 0.5),
        (Answer({}, 500), 0.5),
        (Answer(fault="disconnect"), 0.5),
        (completion("half").with_fault("truncate"), 0.5),
    ],
    ids=["429 with Retry-After", "429 with a date", "502", "500", "disconnect", "truncated body"],
)
async def test_passing_trouble_is_waited_out(
    server: ChatStandIn, clock: Clock, trouble: Answer, pause_s: float
) -> None:
    server.next.extend([trouble, trouble])
    reply = await model_at(server, clock).ask(ASKED)
    assert (reply.text, reply.retries) == ("The pump.", 2)
    assert clock.pauses[0] == pause_s
    assert clock.pauses[1] >= pause_s


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_endpoint_that_never_ends_is_given_up_in_time(server: ChatStandIn, clock: Clock, fault: Any) -> None:
    server.next.append(Answer("{", fault=fault))
    reply = await model_at(server, clock, timeout_s=2).ask(ASKED)
    assert reply.text == "The pump."
    assert reply.retries >= 1, "on a busy machine, an answer may take longer as well"


async def test_deadline_is_kept_whatever_one_request_may_take(server: ChatStandIn, clock: Clock) -> None:
    server.always = Answer(fault="hang")
    with pytest.raises(ModelUnavailable, match=r"did not answer within 0\.2 s\. Raise RESIFT_LLM__TOTAL_S"):
        await model_at(server, clock, retries=0).ask(ASKED, deadline=Deadline(0.2, whole_s=0.2))


async def test_request_cut_short_by_its_question_does_not_count_against_the_endpoint(
    server: ChatStandIn, clock: Clock
) -> None:
    model = model_at(server, clock)
    await model.ask(ASKED)
    with pytest.raises(OutOfTime, match=r"was not asked, since only 0\.9 s of 45 s were left\. Raise HERE"):
        await model.ask(ASKED, deadline=Deadline(0.9, whole_s=45, setting="HERE"))
    assert len(server.asked) == 1
    server.always = Answer(fault="hang")
    for _ in range(3):
        with pytest.raises(OutOfTime, match=r"within 0\.3 s, all that was left of 0\.5 s\. Raise RESIFT_LLM__TOTAL_S"):
            await model.ask(ASKED, deadline=Deadline(0.3, whole_s=0.5))
    server.always = None
    assert (await model.ask(ASKED)).text == "The pump."


async def test_endpoint_that_fails_in_what_is_left_of_a_question_has_failed(
    server: ChatStandIn, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "LEAST_S", 20.0)
    server.always = Answer({}, 500)
    model = model_at(server, clock, timeout_s=60)
    for number in range(1, 4):  # the first pause leaves too little time for another request
        with pytest.raises(ModelUnavailable, match="status 500"):
            await model.ask(ASKED, deadline=Deadline(clock.now + 20.2, whole_s=45))
        assert len(server.asked) == number
    with pytest.raises(ModelUnavailable, match="failed 3 times in a row"):
        await model.ask(ASKED)


async def test_cancelled_question_is_cancelled_at_the_endpoint(server: ChatStandIn, clock: Clock) -> None:
    server.always = Answer(fault="hang")
    async with anyio.create_task_group() as group:
        group.start_soon(model_at(server, clock).ask, ASKED)
        assert await anyio.to_thread.run_sync(server.heard.wait, 20)
        group.cancel_scope.cancel()
    assert await anyio.to_thread.run_sync(server.gave_up.wait, 5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}."), r"status 401: .*\*\*\*\. Check RESIFT_LLM__MODEL"),
        (refusal(404, "no such model"), "status 404: no such model"),
        (refusal(429, "insufficient_quota: pay first"), "status 429: insufficient_quota"),
        (Answer({"error": "come back"}, 503, headers={"Retry-After": "3600"}), "503: come back. Try again in 3600 s"),
        (Answer("It works!", 200), "is not a chat completion. Check that OPENAI_BASE_URL"),
        (Answer({"choices": []}), "contains no choice"),
        (completion("", finish="content_filter"), "refused to answer: its content filter"),
    ],
)
async def test_what_will_not_pass_is_not_asked_again(
    server: ChatStandIn, clock: Clock, answer: Answer, message: str
) -> None:
    server.always = answer
    with pytest.raises(ModelError, match=message) as raised:
        await model_at(server, clock).ask(ASKED)
    assert not isinstance(raised.value, ModelUnavailable)
    assert clock.pauses == []
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "the request exceeds the available context size. try increasing the context size",
        "prompt is too long: 9000 tokens",
    ],
)
async def test_request_beyond_the_window_is_told_apart(server: ChatStandIn, clock: Clock, said: str) -> None:
    server.always = refusal(400, said)
    with pytest.raises(ContextTooLong, match="too long for the window"):
        await model_at(server, clock).ask(ASKED)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("said", "left_out"),
    [
        ("'response_format.type' must be 'text'", "response_format"),
        ("failed to parse", "response_format"),
        ("Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
        ("seed: Extra inputs are not permitted", "seed"),
        ("Unrecognized request argument supplied: max_completion_tokens", "max_completion_tokens"),
    ],
)
async def test_what_an_endpoint_does_not_take_is_left_out_from_then_on(
    server: ChatStandIn, clock: Clock, said: str, left_out: str
) -> None:
    server.next.append(refusal(400, said))
    model = model_at(server, clock)
    assert (await model.ask(ASKED)).text == (await model.ask(ASKED)).text == "The pump."
    assert [left_out in asked for asked in server.asked] == [True, False, False]
    assert {*server.asked[0]} - {*server.asked[1]} == {left_out}


async def test_limit_is_kept_under_its_older_name_where_the_newer_is_refused(server: ChatStandIn, clock: Clock) -> None:
    server.next.append(refusal(400, "Unrecognized request argument supplied: max_completion_tokens"))
    model = model_at(server, clock)
    await model.ask(ASKED)
    await model.ask(ASKED)
    assert [asked.get("max_tokens") for asked in server.asked] == [None, 50, 50]
    server.next.append(refusal(400, "max_tokens: Extra inputs are not permitted"))
    await model.ask(ASKED)
    assert "max_tokens" not in server.asked[-1]
    assert "max_completion_tokens" not in server.asked[-1]


@pytest.mark.parametrize("key", ["sk-ключ", "sk-\ud800"])
async def test_key_that_cannot_be_sent_is_a_model_error_that_hides_it(
    server: ChatStandIn, clock: Clock, key: str
) -> None:
    model = LanguageModel(Endpoint("small", server.url, api_key=key), clock=clock, sleep=clock.sleep)
    with pytest.raises(ModelError, match=r"cannot be sent\. Check OPENAI_API_KEY") as raised:
        await model.ask(ASKED)
    assert key not in repr(raised.value)
    assert raised.value.__suppress_context__
    with pytest.raises(ModelError, match="cannot be sent"):
        await model_at(server, clock).ask(ChatRequest("", "half of a pair: \ud800"))


async def test_endpoint_that_failed_three_times_is_left_alone_for_a_minute(server: ChatStandIn, clock: Clock) -> None:
    server.always = Answer({}, 500)
    model = model_at(server, clock, retries=0)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="status 500"):
            await model.ask(ASKED)
    with pytest.raises(ModelUnavailable, match=r"failed 3 times in a row\. Try again in 60 s"):
        await model.ask(ASKED)
    assert len(server.asked) == 3
    server.always = None
    clock.now += 61
    assert (await model.ask(ASKED)).text == "The pump."


async def test_key_is_in_no_log_and_no_error(
    server: ChatStandIn, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.next.extend([refusal(401, f"bad key {KEY}"), Answer({"detail": KEY}, 500), Answer(f"no JSON {KEY}")])
    model = LanguageModel(
        Endpoint("small", server.url.replace("//", f"//user:{KEY}@"), api_key=KEY, retries=0),
        clock=clock,
        sleep=clock.sleep,
    )
    for _ in range(3):
        with pytest.raises(ModelError) as raised:
            await model.ask(ASKED)
        assert KEY not in str(raised.value)
        assert KEY not in repr(raised.value.__cause__)
    assert server.keys[0].startswith("Basic ")
    assert KEY not in caplog.text
    assert KEY not in repr(Endpoint("small", "", api_key=KEY))
