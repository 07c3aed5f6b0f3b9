"""`evaluate` from Python: bad arguments are errors that say what to do, found before anything is asked or ingested."""

from pathlib import Path
from typing import Any

import pytest

from resift import InvalidInput, Resift
from resift.evaluation.judged import JudgedSet
from resift.evaluation.report.web_page import describe_costs
from resift.evaluation.systems import SYSTEMS
from resift.tests.standins.chat import chat_stand_in

pytestmark = pytest.mark.anyio

TEXTS = {"bees": "Bees dance to tell where flowers are.", "pump": "The pump hums at night."}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"query": "what hums?", "relevant": ["pump"]}\n{"query": "what dances?", "relevant": ["bees"]}')
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depths": [0]}, "depths.0: 0 is below the minimum of 1"),
        ({"depths": [10, 500]}, "depths.1: 500 is above the maximum of 200"),
        ({"depths": "10,20"}, "depths: Input should be a list, not a string"),
        ({"depths": []}, "depths: "),
        ({"depths": 10}, "depths: Input should be a list"),
        ({"depths": [2.5]}, "depths.0: Input should be an integer"),
        ({"depth": -1}, "depth: -1 is below the minimum of 0"),
        ({"depth": 500}, "depth: 500 is above the maximum of 200"),
        ({"seed": -1}, "seed: -1 is below the minimum of 0"),
        ({"queries": -1}, "queries: -1 is below the minimum of 0"),
        ({"reranker": 5}, "reranker: Input should be a string"),
        ({"data": 5}, "data: Input should be the path of a folder or file, or a JudgedSet"),
        ({"depht": 5}, "unknown argument 'depht'"),
        ({"data": JudgedSet("empty", {}, grades={})}, "The judged set 'empty' has no queries"),
        (
            {"data": JudgedSet("odd", {"q": "why?"}, grades={})},
            "The judged set 'odd' has no document of a grade above 0 for the query 'q'",
        ),
    ],
)
async def test_argument_that_cannot_be_used_is_named(
    tmp_path: Path, questions: Path, arguments: dict[str, Any], message: str
) -> None:
    arguments = {**arguments}
    async with Resift(data_dir=tmp_path / "data") as resift:
        with pytest.raises(InvalidInput) as refused:
            await resift.evaluate(arguments.pop("data", questions), **arguments)
    assert message in str(refused.value)
    assert "http" not in str(refused.value), "a link of pydantic's"


async def test_numbers_may_be_given_in_any_usual_form_and_a_set_may_be_sampled(tmp_path: Path, questions: Path) -> None:
    async with Resift(data_dir=tmp_path / "data", rerank={"default": "maxsim"}) as resift:
        await resift.ingest(documents=[{"id": key, "text": text} for key, text in TEXTS.items()])
        report = await resift.evaluate(questions, depths=range(1, 3))
        assert [each.depth for each in report.sweep.depths] == [1, 2]
        judged = JudgedSet("set", {"1": "what hums?", "2": "what dances?"}, grades={"1": {"pump": 1}, "2": {"bees": 1}})
        sampled = await resift.evaluate(judged, depths=[2.0], queries=1)  # pyright: ignore[reportArgumentType]
        assert (sampled.queries, [each.depth for each in sampled.sweep.depths]) == (1, [2])


@pytest.mark.parametrize("chosen", ["llm", "default"])
async def test_all_calls_of_a_language_model_that_is_evaluated_are_told(
    tmp_path: Path, questions: Path, chosen: str
) -> None:
    with chat_stand_in() as server:
        server.rule = lambda body, seen: "hums" in seen.text
        settings: dict[str, Any] = {
            "openai_base_url": server.url,
            "llm": {"model": "small"},
            "rerank": {"default": "llm"},
        }
        async with Resift(data_dir=tmp_path / "data", **settings) as resift:
            texts = {**TEXTS, **{f"lamp {number}": f"The lamp {number} flickers." for number in range(4)}}
            await resift.ingest(documents=[{"id": key, "text": text} for key, text in texts.items()])
            report = await resift.evaluate(questions, reranker=chosen, depths=[2, 3, 6])
        warm_up = 1
        told = sum(each.usage.calls for each in report.systems) + report.sweep_usage.calls
        assert len(server.asked) - warm_up == told
    assert [each.name for each in report.systems] == [each.name for each in SYSTEMS], "+ LLM would be + blend again"
    assert report.sweep_usage.calls >= 4
    reranked, blended = report.systems[-2:]
    assert reranked.usage.calls == 2
    assert reranked.added is not None
    assert blended.usage.calls < 2
    assert blended.added is None, "an order was known, so that nothing was timed"
    (line,) = [line for line in describe_costs(report) if line.startswith("Comparison of the depths 2, 3, 6: ")]
    assert f"{report.sweep_usage.calls} language model calls for 2 queries" in line
