"""Templates are checked when they are loaded, and a value cannot become a placeholder."""

from pathlib import Path
from typing import get_args

import pytest
from mcp.client import Client

from resift.core.errors import InvalidInput
from resift.factories.engine import Engine
from resift.pipeline.page import Verdict
from resift.prompts.templates import SHIPPED, load_templates, read_template
from resift.server.mcp.assembly import INSTRUCTIONS, create_server
from resift.tests.server.in_process import Run, runner

HEAD = "---\nname: it\nversion: 1\ndescription: What it does\nreply: text\n---\n"
ORDERING = HEAD.replace("text", "ranking")
REPHRASING = HEAD.replace("text", "queries")
ANSWERING = "answer_from_documents"
ORDERINGS = ["answers_question", "code_examples", "prefer_official", "prefer_recent", "relevance"]
NAMES = [ANSWERING, *ORDERINGS, "rephrase"]


def test_shipped_templates_load() -> None:
    templates = load_templates()
    assert sorted(templates) == NAMES
    assert [name for name, each in sorted(templates.items()) if each.orders_passages] == ORDERINGS
    assert "why {query}?" in templates["answer_from_documents"].render({"query": "why {query}?", "collection": "any"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "has no front matter"),
        ("---\nname: it\n---\nText", "lacks version, description, reply"),
        (HEAD.replace("reply", "author: me\nreply"), "unknown entries in its front matter: author. Known: name, ver"),
        (HEAD.replace("name: it", "name: My prompt"), "has name 'My prompt'"),
        (HEAD.replace("reply: text", "reply: poem"), "reply 'poem'.* one of: text, ranking, ranking with reasons"),
        (
            f"{HEAD}Find {{qeury}}",
            "unknown placeholders: qeury. Known: {query}, {instruction}, {today}, {passages}, {coll",
        ),
        (f"{HEAD}Find {{ query }}", "unknown placeholders: query"),
        (
            f'{ORDERING}{{query}} {{passages}} {{{{"ranking": []}}}}',
            r'doubled braces: {{"ranking": \[\]}}\. Write single',
        ),
        (f"{ORDERING}{{{{query}}}} {{passages}}", "doubled braces: {{query}}"),
        (f"{ORDERING}Order these: {{passages}}", "lacks {query} or {passages}"),
        (f"{ORDERING}{{query}} {{passages}} {{collection}}", "{collection} is for prompts of agents. Remove it."),
        (f"{REPHRASING}Rephrase it", "needs {query} and cannot have {passages}"),
        (f"{REPHRASING}{{query}} {{passages}}", "needs {query} and cannot have {passages}"),
    ],
)
def test_faulty_template_is_refused_with_what_to_mend(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "it.md"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_template(path)


def test_single_braces_around_json_are_kept(tmp_path: Path) -> None:
    (tmp_path / "it.md").write_text(f'{ORDERING}{{query}} {{passages}} {{"a": {{"b": 1}}}}')
    filled = load_templates([tmp_path])["it"].render({"query": "q", "passages": "p"})
    assert filled == 'q p {"a": {"b": 1}}'


def test_template_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "it.md").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"it.md is not UTF-8"):
        load_templates([tmp_path])


def test_templates_of_ones_own_go_before_those_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(f"{HEAD}Mine")
    (tmp_path / "relevance.md").write_text(f"{ORDERING.replace('it', 'relevance')}{{query}} {{passages}}")
    templates = load_templates([SHIPPED, tmp_path])
    assert sorted(templates) == sorted([*NAMES, "it"])
    assert templates["relevance"].text == "{query} {passages}"
    (tmp_path / "again.md").write_text(f"{HEAD}Again")
    with pytest.raises(InvalidInput, match=r"Several templates in .* are named it"):
        load_templates([tmp_path])


def test_weak_verdict_sends_no_agent_round_again() -> None:
    told = " ".join(load_templates()["answer_from_documents"].text.split())
    assert '"weak", the hits are probably relevant: read them, and search again only if none of them answers' in told
    assert "read them before you search again" in " ".join(INSTRUCTIONS.split())


def test_instructions_of_the_server_explain_every_verdict() -> None:
    assert [each for each in get_args(Verdict) if f'"{each}"' not in INSTRUCTIONS] == []


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Correct RESIFT_PROMPTS_DIR"):
        load_templates([tmp_path / "none"])


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_templates_are_prompts_with_their_arguments(engine: Engine, mode: str) -> None:
    async with Client(create_server(engine), mode=mode) as client:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert sorted(prompts) == [ANSWERING, *ORDERINGS], "what rephrases a query is for the engine alone"
        arguments = [(each.name, each.required) for each in prompts["prefer_recent"].arguments or ()]
        assert arguments == [("query", True), ("instruction", False), ("passages", False)]
        answer = await client.get_prompt("answer_from_documents", {"query": "Who wrote it?"})
        recent = await client.get_prompt("prefer_recent", {"query": "Who wrote it?"})
        of_notes = await client.get_prompt("answer_from_documents", {"query": "Who wrote it?", "collection": "notes"})
    assert "Who wrote it?" in answer.messages[0].content.model_dump()["text"]
    assert "Collection: the one that is meant; if its name" in answer.messages[0].content.model_dump()["text"]
    assert "Collection: notes." in of_notes.messages[0].content.model_dump()["text"]
    text = recent.messages[0].content.model_dump()["text"]
    assert "Query: Who wrote it?" in text
    assert "Instruction, if any: none" in text
    assert "Call `hybrid_search` with the query" in text


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)


def test_prompts_are_listed_and_filled_in(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.md").write_text(f"{HEAD}Ask {{query}} of {{instruction}} on {{today}}")
    monkeypatch.setenv("RESIFT_PROMPTS_DIR", str(tmp_path))
    listed = run("prompts")
    assert [line.split()[0] for line in listed.out.splitlines()] == [*NAMES, "it"]
    assert run("prompts", "it").out == "Ask {query} of {instruction} on {today}\n"
    assert run("prompts", "it", "--query", "why?", "--instruction", "me").out.startswith("Ask why? of me on 2")
    assert run("prompts", "--json").json[0]["name"] == NAMES[0]
    assert "Ask why?" in run("prompts", "it", "--query", "why?", "--json").json["text"]
    code, _, err = run("prompts", "relevant")
    assert code == 1
    assert "No prompt 'relevant'. Did you mean 'relevance'?" in err
