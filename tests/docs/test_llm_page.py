"""docs/llm-rerank.md: its settings exist, its templates load, its question is valid, its figures are the code's."""

import json
import re
from pathlib import Path

import pytest

from resift import Document, SyncResift
from resift.pipeline.request import SearchRequest
from resift.prompts.templates import load_templates, read_template
from resift.rerank.llm.strategies import STRATEGIES, rounds_of, worst_case
from resift.server.mcp.prompts import render_for_reader
from resift.settings.load import all_settings
from resift.tests.standins.chat import by_words, chat_stand_in, refusal

PAGE = (Path(__file__).parents[2] / "docs" / "llm-rerank.md").read_text(encoding="utf-8")


def test_settings_of_the_page_exist() -> None:
    known = {name for name, _, _ in all_settings()}
    named = set(re.findall(r"\b(?:RESIFT|OPENAI)_[A-Z_]+[A-Z]", PAGE))
    assert len(named) > 10
    assert named <= known


def test_template_of_the_page_loads(tmp_path: Path) -> None:
    (block,) = re.findall(r"```text\n(---\nname: for_beginners.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "for_beginners.md"
    path.write_text(block)
    assert read_template(path).orders_passages
    assert "instruction" in read_template(path).placeholders


def test_question_of_the_page_is_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    arguments = json.loads(block)
    del arguments["detail"]
    assert SearchRequest(**arguments).reranker == "llm"


@pytest.mark.parametrize("name", sorted(load_templates()))
def test_templates_of_the_page_are_those_there_are_and_fill_in(name: str) -> None:
    template = load_templates()[name]
    assert not template.orders_passages or f"| `{name}` |" in PAGE
    assert "why?" in render_for_reader(template, {"query": "why?"})


def test_prompt_of_the_page_is_the_template_that_is_shipped() -> None:
    beginning = load_templates()["prefer_recent"].text.split(" Today is")[0]
    assert beginning in PAGE


def test_strategies_of_the_page_are_those_there_are() -> None:
    assert all(f"`{name}`" in PAGE for name in STRATEGIES)


def test_calls_of_the_page_are_those_of_the_strategies() -> None:
    words = " ".join(PAGE.split())
    assert len(worst_case("listwise", 20)) == 1
    assert f"in at most {len(worst_case('listwise', 50))} calls" in words
    rounds = rounds_of(STRATEGIES["listwise"](100), lambda group: sorted(group, reverse=True))
    assert f"at most {sum(map(len, rounds))} calls in {len(rounds)} rounds" in words


@pytest.mark.slow
def test_example_of_the_page_is_what_resift_answers(tmp_path: Path) -> None:
    shown = re.findall(r"^title: (.*)\nsource: notes/(.*)\.md\ndate: (.*)\n(.*)$", PAGE, re.MULTILINE)
    notes = [
        Document(name, title, source=f"notes/{name}.md", text=text, metadata={"updated": date})
        for title, name, date, text in shown
    ]
    assert len(notes) == 3
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    question = {name: value for name, value in json.loads(block).items() if name != "detail"}
    with chat_stand_in() as server:
        server.rule = by_words
        with SyncResift(data_dir=tmp_path, openai_base_url=server.url, llm={"model": "stand-in"}) as resift:
            resift.ingest(documents=notes)
            server.always = refusal(503, "overloaded")
            failed = resift.search(**question)
            server.always = None
            page = resift.search(**question)
    rows = re.findall(r"^rank (\d)  was (\d)  (\S+) +relevance (\S+) +scores: (.*)$", PAGE, re.MULTILINE)
    assert [(str(hit.rank), str(hit.was), hit.passage.document_id) for hit in page] == [row[:3] for row in rows]
    for hit, (*_, relevance, scores) in zip(page, rows, strict=True):
        assert hit.relevance == pytest.approx(float(relevance), abs=0.05)
        for name, score in (each.split() for each in scores.split(",")):
            assert hit.scores[name] == pytest.approx(float(score), abs=0.5 if name == "rerank" else 0.05), name
    assert f"notes: {page.notes[0]}" in PAGE
    assert f"note: {page.stages[-1].note}" in PAGE
    assert f"order:    {', '.join(hit.passage.document_id for hit in failed)}\n" in PAGE
    told = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:40873", failed.notes[0])
    assert f"notes:    {told}\n" in PAGE
