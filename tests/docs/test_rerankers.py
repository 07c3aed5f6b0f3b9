"""docs/rerankers.md: its rows can be used, and its figures are those of the code."""

import json
import re
from pathlib import Path

import pytest

from resift.factories.engine import build_engine
from resift.rerank.endpoint import RETRY_POLICY, EndpointOptions, RerankEndpoint
from resift.rerank.endpoint_shapes import SHAPES
from resift.settings.load import load_settings
from resift.settings.reranker_rows import KINDS, CrossEncoderRow

PAGE = (Path(__file__).parents[2] / "docs" / "rerankers.md").read_text(encoding="utf-8")


def test_table_of_the_page_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"<!-- table -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setenv("VOYAGE_API_KEY", "a key")
    monkeypatch.setenv("RESIFT_RERANKERS", block)
    rerankers = build_engine(load_settings(data_dir=tmp_path)).services.pipeline.rerankers
    assert json.loads(block).keys() <= set(rerankers.names)
    careful, voyage = rerankers.cascade("careful"), rerankers.cascade("voyage")
    assert careful is not None
    assert [(stage.name, stage.head) for stage in careful.stages] == [("cross-encoder", 50), ("gpu", 20)]
    assert voyage is not None
    assert voyage.takes_instructions


def test_row_of_the_page_for_a_model_that_follows_instructions_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(r"<!-- qwen -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setenv("RESIFT_RERANKERS", block)
    settings = load_settings(data_dir=tmp_path)
    cascade = build_engine(settings).services.pipeline.rerankers.cascade("qwen")
    assert cascade is not None
    assert cascade.takes_instructions
    row = settings.rerankers["qwen"]
    assert isinstance(row, CrossEncoderRow)
    assert row.form.format_query("why").endswith("passages that answer the query\n<Query>: why\n")
    assert row.form.format_passage("Because.").endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_every_kind_is_on_the_page() -> None:
    for kind in KINDS:
        assert f"`{kind}`" in PAGE


@pytest.mark.parametrize("name", SHAPES)
def test_endpoints_of_the_page_are_those_that_are_asked(name: str) -> None:
    shape = SHAPES[name]
    where = f"`{shape.url}{shape.path}`" if shape.url else f"your `url`, `{shape.path}`"
    assert f"| `{name}` | {where} |" in PAGE


def test_defaults_of_the_page_are_those_of_the_code() -> None:
    options = EndpointOptions("tei", {})
    assert {shape.batch for name, shape in SHAPES.items() if name != "tei"} == {100}
    assert (SHAPES["tei"].batch, options.concurrency, options.timeout_s) == (32, 4, 10)
    assert (RETRY_POLICY.attempts, RETRY_POLICY.failures_to_open, RETRY_POLICY.open_s) == (3, 3, 60)
    assert RerankEndpoint(EndpointOptions("tei", {}, url="http://x/rerank")).name == "tei:x"
