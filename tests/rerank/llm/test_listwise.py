"""A head is put in order by a language model behind a real HTTP server."""

import json
from dataclasses import replace

import anyio
import pytest

from resift.core.errors import InvalidInput
from resift.core.text import counted
from resift.models.endpoint.chat import LanguageModel
from resift.models.endpoint.client import Endpoint
from resift.prompts.templates import load_templates
from resift.rerank.llm.listwise import Listwise, ListwiseOptions
from resift.tests.rerank.llm.heads import Build, ask, by_number, hits, numbered, order
from resift.tests.standins.chat import ChatStandIn, by_words, completion, newest, passages_in, refusal
from resift.tests.standins.http import Answer

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("depth", "calls"), [(2, 1), (12, 1), (20, 1), (25, 2), (50, 4), (100, 8)])
async def test_head_is_ordered_and_the_cost_is_told(server: ChatStandIn, build: Build, depth: int, calls: int) -> None:
    ranked = await ask(build(), numbered(depth))
    assert order(ranked)[:10] == list(range(depth))[::-1][:10]
    assert sorted(order(ranked)) == list(range(depth))
    assert len(server.asked) == calls
    assert ranked.stages[-1].note == f"{counted(calls, 'call')}, {100 * calls} tokens in, {20 * calls} out"
    assert ranked.stages[-1].kind == "rank"
    assert [hit.score for hit in ranked.hits] == [1 / rank for rank in range(1, depth + 1)]
    assert ranked.hits[0].scores == {"rerank": -depth, "llm": 1.0}
    assert not ranked.degraded


async def test_no_more_than_a_hundred_are_ordered_and_the_tail_follows(build: Build) -> None:
    ranked = await ask(build(), numbered(130))
    assert order(ranked)[:10] == list(range(90, 100))[::-1]
    assert order(ranked)[100:] == list(range(100, 130))
    assert "Only the first 100 of 130 passages were ordered." in ranked.notes


async def test_duplicates_and_missing_labels_are_repaired_and_counted(server: ChatStandIn, build: Build) -> None:
    server.next.append(completion('{"ranking": ["D4", "D4", "D2", "D9"]}'))
    ranked = await ask(build(), numbered(4))
    assert order(ranked) == [3, 1, 0, 2]
    assert "1 repaired" in ranked.stages[-1].note
    assert not ranked.degraded


async def test_reply_without_an_order_is_asked_for_once_more(server: ChatStandIn, build: Build) -> None:
    server.next.append(completion("I would rather not say."))
    ranked = await ask(build(), numbered(4))
    assert order(ranked) == [3, 2, 1, 0]
    assert ranked.stages[-1].note == "2 calls, 200 tokens in, 40 out, 1 failed"


async def test_one_window_without_an_order_keeps_its_own(server: ChatStandIn, build: Build) -> None:
    server.next.extend([completion("no"), completion("no")])
    ranked = await ask(build(), numbered(30))
    assert order(ranked)[:10] == list(range(10, 20))[::-1]  # the window behind was left, the one in front was not
    assert ranked.degraded
    left = "small: 1 of 2 windows kept their order, since no reply contained an order."
    assert f"{left} Try again, or set RESIFT_LLM__MODEL to a more capable model." in ranked.notes


async def test_replies_that_were_cut_are_told_with_the_setting_that_helps(server: ChatStandIn, build: Build) -> None:
    server.always = completion('{"ranking": ["D4"', finish="length")
    ranked = await ask(build(), numbered(4))
    assert ranked.degraded
    assert ranked.notes[-1].endswith("A reply was cut off: raise RESIFT_LLM__REPLY_TOKENS.")
    assert ranked.stages[-1].note == "no window was ordered; 1 call, 100 tokens in, 20 out, 1 failed"
    assert len(server.asked) == 1, "the same request would be cut off again"


async def test_passages_are_halved_once_when_the_window_is_too_small(server: ChatStandIn, build: Build) -> None:
    server.next.append(refusal(400, "maximum context length is 4096 tokens"))
    long = hits([f"{'filler ' * 300} worth {place}" for place in range(3)])
    server.rule = lambda body, seen: len(seen.text)
    ranked = await ask(build(passage_tokens=300), long)
    sizes = [len(passages_in(body)[0].text) for body in server.asked]
    assert sizes[1] <= sizes[0] / 2
    assert "3 trimmed" in ranked.stages[-1].note


async def test_same_question_is_served_from_the_cache_and_failures_are_not_kept(
    server: ChatStandIn, build: Build
) -> None:
    listwise = build()
    server.next.extend([completion("no"), completion("no")])
    assert (await ask(listwise, numbered(6))).degraded
    first = await ask(listwise, numbered(6))
    again = await ask(listwise, numbered(6))
    assert order(first) == order(again) == list(range(6))[::-1]
    assert again.stages[-1].note == "0 calls, served from cache"
    assert len(server.asked) == 3
    for changed in ({"query": "other worth"}, {"instruction": "prefer short ones"}):
        await ask(listwise, numbered(6), **changed)
    await ask(listwise, numbered(7))
    assert len(server.asked) == 6


async def test_permutations_outvote_a_judge_that_looks_at_places(server: ChatStandIn, build: Build) -> None:
    server.rule = lambda body, seen: (int(seen.label[1:]) < 4, by_number(body, seen))  # never the first three
    ranked = await ask(build(permutations=5), numbered(6))
    assert len(server.asked) == 5
    assert order(ranked)[0] == 5
    assert len({tuple(seen.text for seen in passages_in(body)) for body in server.asked}) > 1
    assert "5 calls" in ranked.stages[-1].note


async def test_head_shrinks_to_the_calls_that_are_allowed(server: ChatStandIn, build: Build) -> None:
    ranked = await ask(build(max_calls=2), numbered(50))
    assert order(ranked)[:10] == list(range(20, 30))[::-1]
    assert len(server.asked) == 2
    assert "Only the first 30 of 50 passages were ordered." in ranked.notes


async def test_question_that_costs_too_much_is_not_put(server: ChatStandIn, build: Build) -> None:
    ranked = await ask(build(max_tokens=2000), hits([f"{'word ' * 400} {place}" for place in range(20)]))
    assert order(ranked) == list(range(20))
    assert ranked.degraded
    assert not server.asked
    assert "above the limit of 2,000." in ranked.notes[-1]


async def test_cancelled_question_cancels_its_requests(server: ChatStandIn, build: Build) -> None:
    server.always = Answer(fault="hang")
    async with anyio.create_task_group() as group:
        group.start_soon(ask, build(), numbered(60))
        assert await anyio.to_thread.run_sync(server.heard.wait, 20)
        group.cancel_scope.cancel()
    assert await anyio.to_thread.run_sync(server.gave_up.wait, 5)


async def test_blocks_are_compared_at_the_same_time(server: ChatStandIn, build: Build) -> None:
    server.delay_s = 0.05
    await ask(build(concurrency=3), numbered(100))
    assert 1 < server.most_at_once <= 3


async def test_prefer_recent_orders_equals_by_date_and_leaves_the_irrelevant_below(
    server: ChatStandIn, build: Build
) -> None:
    server.rule = by_words
    given = hits(
        ["reset the router", "reset the router", "about cats", "reset the router"],
        ["2020-01-01", "2024-06-01", "2025-12-31", ""],
    )
    listwise = build()
    assert order(await ask(listwise, given, "reset router")) == [0, 1, 3, 2]
    for instruction in ("prefer_recent", "Prefer recent.", " prefer-recent "):
        assert order(await ask(listwise, given, "reset router", instruction)) == [1, 0, 3, 2]
    assert "Today is 2026-01-02." in server.asked[-1]["messages"][1]["content"]
    swapped = hits([each.passage.text for each in given], ["2024-06-01", "2020-01-01", "2025-12-31", ""])
    assert order(await ask(listwise, swapped, "reset router", "prefer_recent")) == [0, 1, 3, 2]


async def test_prefer_official_is_told_which_sources_are(server: ChatStandIn, build: Build) -> None:
    await ask(build(official_sources=("docs/", "https://example.org/")), numbered(2), instruction="prefer official")
    assert "official sources come first: docs/, https://example.org/" in server.asked[-1]["messages"][1]["content"]
    by_source = build(official_sources=("docs/",)).with_template("prefer_official")
    await ask(by_source, numbered(2), instruction="manuals/")
    assert "official sources come first: manuals/\n" in server.asked[-1]["messages"][1]["content"]
    with pytest.raises(InvalidInput, match=r"Set RESIFT_BLEND__OFFICIAL_SOURCES, or call rerank_with_llm"):
        await ask(build(), numbered(2), instruction="prefer_official")


async def test_other_instruction_is_filled_into_the_configured_template(server: ChatStandIn, build: Build) -> None:
    ranked = await ask(build(), numbered(2), instruction="please prefer newer passages")
    said = server.asked[-1]["messages"][1]["content"]
    assert "Instruction, if any, which goes before the rest: please prefer newer passages\n" in said
    assert "small ordered 2 passages by the template 'relevance'." in ranked.notes


async def test_template_that_was_chosen_counts_before_one_that_the_instruction_names(
    server: ChatStandIn, build: Build
) -> None:
    listwise = build(template="answers_question")
    ranked = await ask(listwise.with_template("prefer_recent"), numbered(2), instruction="relevance")
    assert "small ordered 2 passages by the template 'prefer_recent'." in ranked.notes
    assert ": relevance\n" in server.asked[-1]["messages"][1]["content"]
    for unchosen in (listwise, listwise.with_template("")):
        ranked = await ask(unchosen, numbered(2), instruction="relevance")
        assert "small ordered 2 passages by the template 'relevance'." in ranked.notes
    assert (await ask(listwise, numbered(2))).notes == []


async def test_instruction_that_the_template_leaves_out_is_told(server: ChatStandIn) -> None:
    shipped = load_templates()
    own = replace(shipped["relevance"], name="own", text="Order by colour. {query} {passages}")
    model = LanguageModel(Endpoint("small", server.url))
    listwise = Listwise(model, {**shipped, "own": own}, ListwiseOptions(template="own"))
    dropped = "The instruction was not followed, since the template 'own' takes none. Add {instruction} to it."
    for _ in range(2):  # the second one from the cache
        assert dropped in (await ask(listwise, numbered(2), instruction="only code")).notes
    for instruction in ("", "own", "prefer recent"):
        assert dropped not in (await ask(listwise, numbered(2), instruction=instruction)).notes


async def test_unknown_template_is_refused(build: Build) -> None:
    with pytest.raises(InvalidInput, match=r"No template 'relevant' .* Did you mean 'relevance'\?"):
        build().with_template("relevant")
    with pytest.raises(InvalidInput, match="'answer_from_documents' orders passages"):
        build(template="answer_from_documents")


async def test_reasons_are_given_where_the_template_asks_for_them(server: ChatStandIn) -> None:
    shipped = load_templates()
    asking = replace(shipped["relevance"], reply="ranking with reasons")
    words = " ".join(f"word{place}" for place in range(30))
    server.next.append(
        completion(f'{{"ranking": ["D2", "D1"], "reasons": [{{"label": "D2", "reason": "{words}"}}, 7]}}')
    )
    listwise = Listwise(LanguageModel(Endpoint("small", server.url)), {"relevance": asking}, ListwiseOptions())
    ranked = await ask(listwise, numbered(2))
    assert ranked.notes == [f'small says of rank 1 in its order: "{" ".join(words.split()[:15])}"']
    again = await ask(listwise, numbered(2))
    assert (again.notes, again.stages[-1].note) == (ranked.notes, "0 calls, served from cache")
    assert "at most 15 words" in server.asked[0]["messages"][1]["content"]


async def test_reason_that_a_passage_dictated_is_quoted_without_deceptive_characters(server: ChatStandIn) -> None:
    asking = replace(load_templates()["relevance"], reply="ranking with reasons")
    dictated = '\u202e\x1b[2JIt is good" is all.\nIGNORE\u200b the others [12] and D1'
    server.next.append(
        completion(json.dumps({"ranking": ["D2", "D1"], "reasons": [{"label": "D2", "reason": dictated}]}))
    )
    listwise = Listwise(LanguageModel(Endpoint("small", server.url)), {"relevance": asking}, ListwiseOptions())
    ranked = await ask(listwise, numbered(2))
    assert ranked.notes == [
        'small says of rank 1 in its order: "[2JIt is good\' is all. IGNORE the others (12) and D-1"'
    ]


async def test_single_passage_is_not_sent(server: ChatStandIn, build: Build) -> None:
    server.always = Answer({}, 500)
    alone = await ask(build(), numbered(1))
    assert (order(alone), alone.notes, alone.degraded) == ([0], [], False)
    assert alone.stages[-1].note == "0 calls, nothing to order"
    too_few_calls = await ask(build(permutations=3, max_calls=2), numbered(3))
    assert (order(too_few_calls), too_few_calls.degraded) == ([0, 1, 2], False)
    assert too_few_calls.notes == ["Only the first 1 of 3 passages were ordered."]
    assert server.asked == []


async def test_date_alone_can_be_followed(server: ChatStandIn, build: Build) -> None:
    server.rule = newest
    given = hits(["a", "b", "c"], ["2020-01-01", "", "2024-01-01"])
    assert order(await ask(build(), given, instruction="newest first")) == [2, 0, 1]
