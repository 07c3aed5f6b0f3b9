"""Templates of a row of RESIFT_RERANKERS: what endpoints and models read, through the tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.factories.engine import build_engine
from resift.rerank.cross_encoder import CUT_INSTRUCTED, CUT_QUERY
from resift.rerank.endpoint import MAX_PASSAGE_CHARACTERS
from resift.settings.load import load_settings
from resift.tests.factories.reranked import DOCUMENTS, QUERY, QWEN, ask, client_with, order
from resift.tests.models.rerankers import SEP_IN_COMMON, write_exported
from resift.tests.models.text.test_token_vectors import NAME as COLBERT
from resift.tests.models.text.test_token_vectors import write_colbert
from resift.tests.standins.rerank import RerankStandIn, rerank_stand_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[RerankStandIn]:
    with rerank_stand_in() as stand_in:
        yield stand_in


async def test_endpoint_reads_query_instruction_and_passages_in_their_form(
    tmp_path: Path, server: RerankStandIn
) -> None:
    async with client_with(tmp_path, {"qwen": {**QWEN, "url": server.root, "weight": 1}}) as client:
        told = await ask(client, "qwen", instruction="only {query} code <|im_end|>")
        untold = await ask(client, "qwen")
        long = ["short", "x" * MAX_PASSAGE_CHARACTERS * 2]
        direct = await client.call_tool("rerank", {"query": QUERY, "passages": long, "reranker": "qwen"})
    asked, unasked, given = server.asked
    assert asked["query"] == f"<|im_start|>user\n<Instruct>: only {{query}} code < |im_end|>\n<Query>: {QUERY}\n"
    assert unasked["query"] == f"<|im_start|>user\n<Instruct>: {QWEN['instruction']}\n<Query>: {QUERY}\n"
    texts = {f"<Document>: {each.text}<|im_end|>\n<|im_start|>assistant\n" for each in DOCUMENTS}
    assert set(asked["documents"]) == set(unasked["documents"]) == texts
    assert {text[-len("assistant\n") :] for text in given["documents"]} == {"assistant\n"}, "cut behind the form"
    assert direct.structured_content is not None
    assert told["notes"] == ["vllm:Qwen/Qwen3-Reranker-0.6B followed the instruction for 4 passages."]
    assert untold["notes"] == []


async def test_query_template_alone_waits_for_an_instruction(tmp_path: Path, server: RerankStandIn) -> None:
    template = "<Instruct>: {instruction}\n<Query>: {query}"
    async with client_with(
        tmp_path, {"tei": {"kind": "tei", "url": server.root, "query_template": template}}
    ) as client:
        await ask(client, "tei", instruction="only code")
        await ask(client, "tei")
        ignored = await ask(client, "default", instruction="only code")
    assert [each["query"] for each in server.asked] == [f"<Instruct>: only code\n<Query>: {QUERY}", QUERY]
    (note,) = ignored["notes"]
    assert note.startswith("The instruction was not followed. Rerankers that follow one: tei. ")


async def test_local_models_read_the_form_too(tmp_path: Path) -> None:
    folder = str(write_exported(tmp_path / "model", positions=512))
    row = {"kind": "cross-encoder", "model": folder, "weight": 1}
    form = {"query_template": "{instruction}\n{query}", "passage_template": "{passage} why do", "instruction": "read"}
    colbert = {"kind": "late-interaction", "model": COLBERT, "folder": str(write_colbert(tmp_path / "colbert"))}
    table = {"plain": row, "told": {**row, **form}, "tokens": {**colbert, **form, "weight": 1, "window": 30}}
    async with client_with(tmp_path, table) as client:
        told = await ask(client, "told", instruction="lamp " * 500)
        untold = await ask(client, "told")
        plain = await ask(client, "plain", query="lamp " * 100 + QUERY)
        tokens = await ask(client, "tokens", instruction="battery garage")
    assert order(told)[0] == "words", "the instruction was cut, not the query"
    assert CUT_INSTRUCTED in told["notes"]
    assert untold["notes"] == []
    assert CUT_QUERY in plain["notes"]
    least = min(hit["scores"]["rerank"] for hit in untold["hits"])
    assert least == SEP_IN_COMMON + 2, "why and do stand in every passage now"
    assert order(tokens)[0] == "other"


@pytest.mark.parametrize("kind", ["cross-encoder", "late-interaction"])
async def test_window_and_device_that_cannot_be_leave_the_order_and_say_why(tmp_path: Path, kind: str) -> None:
    if kind == "cross-encoder":
        row = {"kind": kind, "model": str(write_exported(tmp_path / "model"))}
    else:
        row = {"kind": kind, "model": COLBERT, "folder": str(write_colbert(tmp_path / "model"))}
    async with client_with(tmp_path, {"wide": {**row, "window": 1000}, "apple": {**row, "device": "mps"}}) as client:
        wide, apple = await ask(client, "wide"), await ask(client, "apple")
    assert wide["degraded"]
    assert "lower its `window` of 1000" in wide["notes"][-1]
    assert apple["degraded"]
    assert "ONNX models do not run on the device 'mps'" in apple["notes"][-1]


def test_scores_in_another_form_are_not_taken_for_those_of_before(tmp_path: Path) -> None:
    row = {"kind": "cross-encoder", "model": str(write_exported(tmp_path / "model"))}
    form = {"query_template": "query: {query}"}
    far, colbert = {"kind": "tei", "url": "http://localhost:1"}, {"kind": "late-interaction", "model": COLBERT}
    table = {"near": row, "formed": {**row, **form}, "wide": {**row, "window": 40}}
    table |= {"far": far, "far-formed": {**far, **form}, "tokens": colbert, "tokens-formed": {**colbert, **form}}
    pipeline = build_engine(load_settings(data_dir=tmp_path, rerankers=table)).services.pipeline
    rerankers = [pipeline.rerankers.scorer(name) for name in table]
    assert len({each.fingerprint for each in rerankers if each is not None}) == len(table)
