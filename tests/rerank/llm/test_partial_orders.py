"""A language model fails, or may not be asked again, in the middle of a head: what it has ordered counts."""

from collections.abc import Container
from typing import Any

import pytest

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.tests.rerank.llm.heads import Build, ask, numbered, order
from resift.tests.standins.chat import PATH, ChatStandIn, completion, refusal
from resift.tests.standins.http import Answer

pytestmark = pytest.mark.anyio


async def test_calls_beyond_the_limit_are_not_made(server: ChatStandIn, build: Build) -> None:
    server.always = completion("no order at all")
    ordering = await build(max_calls=1).order(Query("worth"), numbered(3))
    assert (ordering.places, ordering.degraded) == ((), True)
    assert ordering.notes[0].endswith("To let it be asked again, raise RESIFT_LLM__MAX_CALLS.")
    assert len(server.asked) == 1
    server.next.append(refusal(400, "maximum context length is 4096 tokens"))
    with pytest.raises(ModelError, match="The limit of 1 call is reached"):
        await build(max_calls=1).order(Query("worth"), numbered(3))
    assert len(server.asked) == 2


async def test_reply_without_an_order_takes_no_call_from_later_windows(server: ChatStandIn, build: Build) -> None:
    server.next.append(completion("no order at all"))
    ranked = await ask(build(max_calls=8), numbered(100))
    assert len(server.asked) == 8
    assert ranked.degraded
    assert set(order(ranked)[:4]) <= set(range(20, 100))  # those of later windows that are better than the tenth
    assert "1 of 8 windows kept their order" in ranked.notes[0]
    server.asked.clear()
    server.next.append(completion("no order at all"))
    ranked = await ask(build(max_calls=9), numbered(100))
    assert (order(ranked)[:10], len(server.asked), ranked.degraded) == (list(range(90, 100))[::-1], 9, False)


def fail_at(server: ChatStandIn, numbers: Container[int], trouble: Answer) -> None:
    """Let the endpoint answer requests of these numbers, counted from 1, with trouble."""
    honest = server.paths[PATH]

    def answer(body: dict[str, Any]) -> Answer:
        return trouble if len(server.asked) in numbers else honest(body)

    server.paths = {PATH: answer}


@pytest.mark.parametrize(
    ("trouble", "why", "calls", "unordered"),
    [
        (Answer({}, 500), "failed with status 500", 3, 2),
        (refusal(403, "not this one"), "refused the request with status 403: not this one", 4, 1),
    ],
    ids=["failure", "refusal"],
)
async def test_failure_of_a_later_window_keeps_what_was_ordered(
    server: ChatStandIn, build: Build, trouble: Answer, *, why: str, calls: int, unordered: int
) -> None:
    listwise = build(retries=0)
    fail_at(server, {3}, trouble)
    ranked = await ask(listwise, numbered(50))
    assert len(server.asked) == calls
    assert ranked.degraded
    assert order(ranked)[30:] == [*range(29, 19, -1), *range(39, 29, -1)]
    told = f"small: {unordered} of 4 windows kept their order. small at {server.root.partition('//')[2]} {why}"
    assert ranked.notes[0].startswith(told)
    again = await ask(listwise, numbered(50))
    assert (order(again)[:10], again.degraded) == (list(range(40, 50))[::-1], False), "it came from the cache"


async def test_order_of_the_first_round_stays_if_all_later_calls_fail(server: ChatStandIn, build: Build) -> None:
    fail_at(server, range(2, 99), Answer({}, 500))
    ranked = await ask(build(retries=0), numbered(100))
    assert order(ranked) == [*range(19, -1, -1), *range(20, 100)]
    assert ranked.degraded


async def test_shuffle_that_fails_is_left_out(server: ChatStandIn, build: Build) -> None:
    fail_at(server, {2}, Answer({}, 500))
    ranked = await ask(build(retries=0, permutations=3, concurrency=1), numbered(5))
    assert order(ranked) == [4, 3, 2, 1, 0]
    assert ranked.degraded
    assert ranked.notes[0].startswith("small: not every shuffle was ordered. small at ")
