"""Templates are checked when they are loaded, and a value cannot become a placeholder."""

from pathlib import Path

import pytest
from mcp.client import Client

from resift.core.errors import InvalidInput
from resift.prompts.templates import load_templates, read_template
from resift.server.assembly import create_server
from resift.server.engine import Engine

HEAD = "---\nname: it\nversion: 1\ndescription: What it does\n---\n"


def test_shipped_templates_load() -> None:
    template = load_templates()["answer_from_documents"]
    assert "why {query}?" in template.render({"query": "why {query}?"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "has no front matter"),
        ("---\nname: it\n---\nText", "lacks version, description"),
        (f"{HEAD}Find {{qeury}}", "unknown placeholders: qeury. Known: {query}"),
    ],
)
def test_faulty_template_is_refused_with_what_to_mend(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "it.md"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_template(path)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_prompt_is_offered_to_clients_with_its_argument(engine: Engine, mode: str) -> None:
    async with Client(create_server(engine), mode=mode) as client:
        (prompt,) = (await client.list_prompts()).prompts
        assert [(each.name, each.required) for each in prompt.arguments or ()] == [("query", True)]
        rendered = await client.get_prompt(prompt.name, {"query": "Who wrote it?"})
    assert "Who wrote it?" in rendered.messages[0].content.model_dump()["text"]
