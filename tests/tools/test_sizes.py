"""Replies fit a model's view whatever is stored and asked; and large inputs come to a clear end."""

import json
import random
from typing import Any

import pytest
from tokenizers import Tokenizer

from resift.factories.engine import Engine
from resift.models.bundled import BUNDLED, TOKENIZER_FILE
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio

HAN = "轮胎磨损时应当成对更换并重新校准制动系统。"


@pytest.mark.slow
async def test_reply_stays_small_whatever_is_stored_and_asked(tools: Asker, era: str) -> None:
    collection = f"large-{era}"
    documents: list[dict[str, Any]] = [
        {"text": HAN * 12, "id": f"han-{number}", "title": HAN, "metadata": {"note": HAN * 200}} for number in range(60)
    ]
    documents += [
        {"text": f"lamp {number} " + "\x01" * 400, "id": "\x02" * 990 + str(number), "metadata": {"n": number}}
        for number in range(20)
    ]
    documents.append({"text": "wiring", "id": "long", "title": "t" * 50_000, "metadata": {"long": "m" * 300_000}})
    documents.append({"text": "w" * 60_000, "id": "word"})
    taken = await tools.call("ingest_documents", {"documents": documents, "collection": collection})
    assert (taken["added"], taken["failed"]) == (82, 0)
    for query in ("轮胎磨损", "lamp", "wiring", "w" * 9_000):
        for name in ("hybrid_search", "search_and_rerank"):
            question = {"query": query, "collection": collection, "limit": 100, "detail": "full", "max_tokens": 4500}
            answer = await tools.call(name, {**question, "depth": 5} if name == "search_and_rerank" else question)
            assert answer["hits"]
    for document_id in ("han-1", "long", "word", "\x02" * 990 + "1"):
        read = {"document_id": document_id, "collection": collection, "max_tokens": 4500}
        assert (await tools.call("read_document", read))["passages"]
    await tools.call("list_collections", {"collection": collection})
    unknown = {"collection": collection, "document_ids": [HAN * 100] * 200}
    assert (await tools.call("delete_documents", unknown))["missing"]


@pytest.mark.slow
async def test_reranked_passages_of_the_caller_stay_small(reader: Asker) -> None:
    passages = [{"text": f"{HAN} {number}" * 8, "id": f"{number}" * 300, "title": HAN * 10} for number in range(40)]
    ranked = await reader.call("rerank", {"query": "轮胎", "passages": passages, "limit": 100})
    assert ranked["hits"]
    assert ranked["left_out"] == 40 - len(ranked["hits"])


async def test_many_failures_stay_small(tools: Asker) -> None:
    paths = [f"{'卷' * 60}/{'章' * 60}/{number}.md" for number in range(80)]
    refused = await tools.refusal("ingest_documents", {"paths": paths, "collection": "failures"})
    assert len(refused) < 3000
    some = {"paths": paths, "documents": [{"text": "Some text."}], "collection": "failures"}
    taken = await tools.call("ingest_documents", some)
    assert taken["failed"] == 80
    assert 10 < len(taken["failures"]) < 80
    assert taken["notes"] == [f"The first {len(taken['failures'])} failures are shown."]


@pytest.mark.parametrize("name", ["hybrid_search", "search_and_rerank"])
@pytest.mark.parametrize("max_tokens", [300, 900, 4500])
async def test_following_next_offset_yields_every_hit_once(reader: Asker, name: str, max_tokens: int) -> None:
    seen: list[str] = []
    question = {"query": "tighten the bolt", "limit": 30, "max_tokens": max_tokens}
    offset, pages = 0, 0
    while True:
        page = await reader.call(name, {**question, "offset": offset})
        pages += 1
        assert page["left_out"] == 0 or page["next_offset"] == offset + len(page["hits"])
        assert len(page["hits"]) + page["left_out"] <= 30
        seen += [hit["passage_id"] for hit in page["hits"]]
        offset = page["next_offset"]
        if not offset:
            break
    everything = await reader.call("list_collections", {"collection": "default"})
    assert len(seen) == len(set(seen)) == everything["collections"][0]["passages"]
    assert pages > 1 or max_tokens == 4500


async def test_following_next_offset_beyond_the_legs_yields_no_hit_twice(newest: Asker) -> None:
    documents = [
        {"text": f"Entry {n} about lamps number {n % 7} and {n % 11} wires" + " lamp" * (n % 5), "id": f"d{n}"}
        for n in range(160)
    ]
    await newest.call("ingest_documents", {"documents": documents, "collection": "pages"})
    seen: list[str] = []
    offset = 0
    while True:
        question = {"query": "which lamps have wires", "collection": "pages", "limit": 40, "offset": offset}
        page = await newest.call("hybrid_search", question)
        seen += [hit["document_id"] for hit in page["hits"]]
        offset = page["next_offset"]
        if not offset:
            break
    assert sorted(seen) == sorted(each["id"] for each in documents)


@pytest.mark.parametrize("max_tokens", [400, 1000, 2000])
async def test_reply_keeps_to_max_tokens(reader: Asker, max_tokens: int) -> None:
    question = {"query": "bolt", "limit": 50, "max_tokens": max_tokens}
    page = await reader.call("hybrid_search", question)
    assert page["hits"]
    assert page["left_out"] > 0
    assert len(json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()) <= 4 * max_tokens


async def test_hit_longer_than_max_tokens_is_cut_and_says_so(reader: Asker) -> None:
    page = await reader.call("hybrid_search", {"query": "loosen the bolt", "limit": 3, "max_tokens": 200})
    assert page["hits"][0]["text"].endswith("…")
    assert (page["left_out"], page["next_offset"]) == (2, 1)
    assert "read_document" in page["notes"][-1]


@pytest.mark.slow
async def test_ten_thousand_documents_go_in_with_one_call(newest: Asker) -> None:
    colours = ("copper", "amber", "violet", "cedar", "basalt")
    documents = [
        {"text": f"Record {number}: {colours[number % 5]} lamp", "id": f"{number}"} for number in range(10_000)
    ]
    taken = await newest.call("ingest_documents", {"documents": documents, "collection": "many"})
    assert (taken["added"], taken["failed"], taken["passages"]) == (10_000, 0, 10_000)
    found = await newest.call("hybrid_search", {"query": "record 7777", "collection": "many", "limit": 1})
    assert found["hits"][0]["document_id"] == "7777"


def _report(lines: int, marked: range) -> str:
    """Return a fixed-width report of 320 characters a line, with a code of its own in each marked line."""
    vocabulary = Tokenizer.from_file(str(BUNDLED["all-MiniLM-L6-v2-int8"].folder / TOKENIZER_FILE)).get_vocab()
    words = sorted(word for word in vocabulary if len(word) >= 10 and word.isalpha() and word.isascii())
    draw = random.Random(5)
    rows = ([code_of(n) if n in marked else draw.choice(words), *draw.choices(words, k=3)] for n in range(lines))
    return "".join("".join(f"{word:<80}" for word in row)[:319] + "\n" for row in rows)


def code_of(number: int) -> str:
    return f"qx{number:05d}"


@pytest.mark.slow
async def test_file_of_five_megabytes_goes_in_and_every_part_is_found(newest: Asker, engine: Engine) -> None:
    lines = 15_625
    marked = range(0, lines, lines // 10)
    file = engine.services.roots.folders[0] / "report.txt"
    file.write_text(_report(lines, marked), encoding="ascii")
    assert file.stat().st_size == 5_000_000
    taken = await newest.call("ingest_documents", {"paths": [str(file)], "collection": "report"})
    assert (taken["added"], taken["failed"]) == (1, 0)
    for number in (*marked, lines):
        question = {"query": code_of(number), "mode": "keyword", "collection": "report", "limit": 1}
        hits = (await newest.call("hybrid_search", question))["hits"]
        assert bool(hits) is (number in marked)
        if hits:
            first, last = map(int, hits[0]["source"].rpartition(":")[2].split("-"))
            assert first <= number + 1 <= last


async def test_file_above_the_limit_is_one_failure(tools: Asker, engine: Engine, era: str) -> None:
    file = engine.services.roots.folders[0] / f"huge-{era}.txt"
    file.write_bytes(b"word " * (engine.settings.ingest.max_bytes // 5 + 1))
    refused = await tools.refusal("ingest_documents", {"paths": [str(file)], "collection": "huge"})
    file.unlink()
    assert refused.endswith("the limit is 20,000,000. Split it, or raise RESIFT_INGEST__MAX_BYTES.")


async def test_reranked_passages_have_no_next_page(reader: Asker) -> None:
    page = await reader.call("rerank", {"query": "bolt", "passages": ["a bolt", "a nut", "a washer"], "limit": 1})
    assert (len(page["hits"]), page["next_offset"]) == (1, 0)
