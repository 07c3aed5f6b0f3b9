"""RESIFT_RERANKERS: rerankers of one's own and cascades of them, chosen by name through the tools."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import InvalidInput
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings
from resift.store.manifest import Tuning
from resift.tests.factories.reranked import DOCUMENTS, KEY, QUERY, QWEN, ask, client_with, order, stages
from resift.tests.models.rerankers import write_exported, write_own
from resift.tests.models.text.test_token_vectors import NAME as COLBERT
from resift.tests.models.text.test_token_vectors import write_colbert
from resift.tests.server.in_process import Run
from resift.tests.standins.http import Answer
from resift.tests.standins.rerank import RerankStandIn, rerank_stand_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[RerankStandIn]:
    with rerank_stand_in() as stand_in:
        yield stand_in


async def test_table_gives_rerankers_and_cascades_that_are_chosen_per_call(
    tmp_path: Path, server: RerankStandIn
) -> None:
    table = {
        "own": {"kind": "cross-encoder", "model": str(write_own(tmp_path / "own")), "weight": 1},
        "remote": {"kind": "cohere", "model": "rerank-v3.5", "url": server.root, "api_key": KEY, "weight": 1},
        "careful": {"stages": ["own:4", "remote:2"]},
    }
    async with client_with(tmp_path, table) as client:
        listed = (await client.call_tool("list_collections", {})).structured_content
        assert listed is not None
        assert listed["rerankers"] == ["default", "none", "careful", "cross-encoder", "maxsim", "own", "remote"]
        own, remote, careful = [await ask(client, name) for name in ("own", "remote", "careful")]
        assert order(own)[0] == "words", "the tiny model counts words in common"
        assert order(remote)[0] == "all", "the endpoint counts each word once"
        assert order(careful) == ["all", "words", *order(own)[2:]]
        assert stages(careful) == [("rerank", "tiny-overlap", 4, 4), ("remote", "cohere:rerank-v3.5", 2, 2)]
        first = careful["hits"][0]
        assert (first["relevance"], first["scores"]["remote"]) == (0.75, 0.75)
        assert {"rerank", "remote", "blend"} <= first["ranks"].keys()
        direct = await client.call_tool(
            "rerank", {"query": QUERY, "passages": [each.text for each in DOCUMENTS], "reranker": "careful"}
        )
        assert direct.structured_content is not None
        assert direct.structured_content["hits"][0]["passage_id"] == "3"
        unknown = await client.call_tool("search_and_rerank", {"query": QUERY, "reranker": "carefull"})
        assert unknown.is_error
        assert "Did you mean 'careful'? Known: default, none, careful, cross-encoder" in str(unknown.content)
    assert set(server.keys) == {f"Bearer {KEY}"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer({"message": f"no such key {KEY}"}, 401), "answered 401"),
        (Answer("quota", 429, headers={"Retry-After": "900"}), "asks for a pause of 900 s"),
        (Answer("<html>"), "like 'cohere': no JSON"),
        (Answer({"results": []}), "0 results for 2 texts"),
        (Answer(fault="hang"), "did not answer within 0.05 s"),
        (Answer(fault="disconnect"), "cannot be reached"),
    ],
)
async def test_stage_whose_endpoint_fails_keeps_the_order_before_it_and_says_why(
    tmp_path: Path, server: RerankStandIn, answer: Answer, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = answer
    timeout_s = 0.05 if answer.fault == "hang" else 10
    table = {
        "own": {"kind": "cross-encoder", "model": str(write_own(tmp_path / "own"))},
        "remote": {"kind": "cohere", "model": "m", "url": server.root, "api_key": KEY, "timeout_s": timeout_s},
        "careful": {"stages": ["own:4", "remote:2"]},
    }
    async with client_with(tmp_path, table) as client:
        own, careful, remote = [await ask(client, name) for name in ("own", "careful", "remote")]
        plain = await ask(client, "none")
    assert order(careful) == order(own)
    assert order(remote) == order(plain)
    assert careful["degraded"]
    assert careful["verdict"] == own["verdict"]
    (note,) = [note for note in careful["notes"] if "failed" in note]
    assert note.startswith("The stage 'remote' failed; the order is that of 'rerank': http://127.0.0.1:")
    assert reason in note
    assert stages(careful)[1][2:] == (2, 0)
    assert KEY not in f"{json.dumps([careful, remote])}{caplog.text}"


async def test_replaced_model_of_the_same_name_does_not_inherit_a_tuning(tmp_path: Path) -> None:
    async def note_with(folder: Path, *, tune: bool) -> str:
        engine = build_engine(load_settings(data_dir=tmp_path / "data", reranker=str(folder)))
        try:
            await engine.services.ingestor.ingest(Job("default", DOCUMENTS, total=len(DOCUMENTS)))
            if tune:
                await remember(engine)
            page = await engine.services.pipeline.search(SearchRequest(QUERY, reranker="default"))
            return page.ranking.stages[-1].note
        finally:
            await engine.close()

    async def remember(engine: Engine) -> None:
        reranker = engine.services.pipeline.rerankers.scorer("default")
        collection = await engine.services.pipeline.open("default")
        assert reranker is not None
        tuning = Tuning(
            {"fused": 0.9, "rerank": 0.1},
            3,
            calibration=None,
            questions=50,
            gain=0.1,
            created="",
            model=reranker.fingerprint,
        )
        await collection.remember(replace(collection.manifest, tuning={reranker.name: tuning}))

    first, second = tmp_path / "a" / "model", tmp_path / "b" / "model"
    write_exported(first)
    assert await note_with(first, tune=True) == "weights, depth tuned for this collection"
    write_exported(second, positions=64, inputs=("input_ids", "token_type_ids"))
    assert "is for another model of this name" in await note_with(second, tune=False)
    assert await note_with(first, tune=False) == "weights, depth tuned for this collection"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": {"kind": "magic"}}, "RERANKERS: a: a row has `stages`, or a `kind`, which is one of cross-encoder,"),
        ({"a": {"kind": "cross-encoder"}}, "RESIFT_RERANKERS: a.model: Field required"),
        ({"a": {"kind": "tei", "url": "http://x", "modle": "y"}}, "RESIFT_RERANKERS: a.modle: Extra inputs"),
        ({"a": {"kind": "tei"}}, "RESIFT_RERANKERS: a: tei needs the url of your server"),
        ({"a": {"kind": "cohere"}}, "RESIFT_RERANKERS: a: cohere needs a model"),
        ({"a": {"kind": "tei", "url": "localhost:80"}}, "url must begin with http:// or https://"),
        ({"a": {"kind": "tei", "url": "http://"}}, "url must begin with http:// or https:// and a host"),
        ({"a": {"kind": "tei", "url": "http://[::1"}}, "RESIFT_RERANKERS: a: url is not a URL: Invalid IPv6 URL"),
        ({"a": {"kind": "tei", "url": "http://h:99999"}}, "RESIFT_RERANKERS: a: url is not a URL: Port out of range"),
        ({"a": {"kind": "cohere", "model": "m", "api_key_env": "NO_KEY"}}, "variable NO_KEY is not set"),
        ({"a": {"kind": "cohere", "model": 7, "api_key": KEY}}, "RESIFT_RERANKERS: a.model: Input should be a valid"),
        ({"a": {**QWEN, "query_template": "{qery}"}}, "a.query_template: contains the unknown placeholder {qery}"),
        ({"a": {"kind": "tei", "url": "http://x", "passage_template": "text"}}, "does not contain {passage}"),
        ({"a": {"kind": "tei", "url": "http://x", "instruction": "be strict"}}, "a: the instruction is not used"),
        ({"a": {**QWEN, "instruction": ""}}, "a: a row with a passage_template needs an instruction"),
        ({"a": {"kind": "cross-encoder", "model": "m", "device": "tpu"}}, "a.device: Input should be 'auto', 'cpu'"),
        ({"a": {"kind": "cross-encoder", "model": "m", "window": 5}}, "a.window: window must be at least 24 tokens"),
        ({"a": {"kind": "cross-encoder", "model": "m", "window": -1}}, "a.window: Input should be greater than or eq"),
        ({"a": {"kind": "tei", "url": "http://x", "device": "cpu"}}, "a.device: Extra inputs are not permitted"),
        ({"a": {"stages": []}}, "RESIFT_RERANKERS: a.stages: Tuple should have at least 1 item"),
        ({"a": {"stages": ["cross-encoder:all"]}}, "'cross-encoder:all' is not a name with a number of hits"),
        ({"a": {"stages": ["maxsim:50", "maxsim:20"]}}, "a reranker may be in one stage only"),
        ({"a": {"stages": ["maxsin:50"]}}, "a.stages: no reranker 'maxsin'. Did you mean 'maxsim'? Known: cross-enc"),
        ({"a": {"stages": ["maxsim"]}, "b": {"stages": ["a", "maxsim"]}}, "b.stages: no reranker 'a'"),
        ({"cross-encoder": {"kind": "tei", "url": "http://x"}}, "is reserved; RESIFT_RERANKER sets its model"),
        ({"A B": {"kind": "tei", "url": "http://x"}}, "'A B' is not a valid name"),
        ("no table", "RESIFT_RERANKERS: Input should be a valid dictionary"),
    ],
)  # fmt: skip
def test_row_that_cannot_be_is_refused_and_no_key_is_shown(tmp_path: Path, table: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        build_engine(load_settings(data_dir=tmp_path, rerankers=table))
    assert message in str(caught.value)
    assert KEY not in f"{caught.value}"


def test_command_line_takes_the_table_from_the_environment_and_shows_no_key(
    run: Run, tmp_path: Path, server: RerankStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "note.md").write_text("Worn brakes squeal.")
    monkeypatch.setenv("MY_KEY", KEY)
    row = {"kind": "vllm", "model": "bge", "url": server.root}
    table = {"remote": {**row, "api_key_env": "MY_KEY"}, "inline": {**row, "api_key": KEY}}
    monkeypatch.setenv("RESIFT_RERANKERS", json.dumps(table))
    monkeypatch.setenv("RESIFT_RERANK__DEFAULT", "remote")
    assert run("ingest", str(tmp_path / "note.md")).code == 0
    found = run("search", QUERY, "--explain")
    assert "vllm:bge" in found.out
    assert server.keys == [f"Bearer {KEY}"]
    doctor = run("doctor")
    assert "vllm:bge" in doctor.out
    assert KEY not in f"{found.out}{found.err}{doctor.out}{doctor.err}"


def test_table_that_is_no_json_is_refused_without_showing_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_RERANKERS", f'{{"a": {{"api_key": "{KEY}"')
    refused = run("collections")
    assert refused.code != 0
    assert "RESIFT_RERANKERS is not valid JSON: Expecting ',' delimiter, at its end" in refused.err
    assert KEY not in f"{refused.out}{refused.err}"


async def test_late_interaction_model_of_fastembed_is_chosen_by_name(tmp_path: Path) -> None:
    row = {
        "kind": "late-interaction",
        "model": COLBERT,
        "folder": str(write_colbert(tmp_path / "colbert")),
        "weight": 1,
    }
    async with client_with(tmp_path, {"colbert": row, "broken": {**row, "folder": str(tmp_path)}}) as client:
        found, plain, broken = [await ask(client, name) for name in ("colbert", "none", "broken")]
    assert order(found)[0] == "all", "it has most words of the query"
    assert stages(found) == [("rerank", COLBERT, 4, 4)]
    assert -1 <= found["hits"][0]["scores"]["rerank"] <= 1
    assert (order(broken), broken["degraded"]) == (order(plain), True)
    assert "cannot be loaded" in broken["notes"][-1]
