"""Write docs/tools.md: every MCP tool as clients see it, with its arguments and what it returns."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
from mcp.types import Tool

from resift.factories.engine import build_engine
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings

INTRODUCTION = """\
# Tools

These are the tools that an agent sees. `make docs` writes this page from the code.

All tools that rank passages return the same shape, described under [search_and_rerank](#search_and_rerank):

- `verdict` says whether the hits answer the question. `good`: the first likely does. `weak`: probably relevant, so
  read the hits before you search again. `none`: probably nothing here does. `unknown`: the ranking has no calibrated
  relevance, as in `hybrid_search` with `mode: "keyword"`, `time_budget_ms` ended before an
  answer was found, or an ingestion into the collection has not ended, as `notes` then says. The verdict is that of
  the whole ranking, and later pages repeat it. If another hit than the first likely answers, as an order by an
  instruction can have it, the verdict is `weak` and `notes` name that hit.
- On the verdict `none`, `search_and_rerank` shows the first three hits only, and of a long text the sentences with most
  words of the query, about 200 characters. `detail: "full"` shows everything.
- `rank` is the place of a hit, and `was` its place before reranking.
- `source` is the path to cite with its pages, slides or sheets, as in `report.pdf:p.12` and `report.pdf:p.12-13`, or
  else with its lines, as in `docs/setup.md:10-24`. Paths of files are relative to the folder
  that Resift may read, unless two documents could be meant; then they are absolute. Every argument that takes a
  document, a passage or a source accepts what a hit shows, and absolute paths too. `read_document` starts at the place
  that a citation names; in filters, a citation stands for its whole document. `delete_documents` refuses a citation,
  because it deletes whole documents.
- Passages of the same text are one hit: the best of them. `also_in` names up to three others that the search found, and
  `also_in_more` counts the rest. Below 100 characters, titles and headings have to be the same too. `rerank` returns
  every passage that it was given. If there is no room for every text, hits without one are at the position `was` of
  the passages given.
- `collection` takes one name, several (`"docs,notes"` or `["docs", "notes"]`), or `"*"` for all. With several, their
  passages are searched and reranked as if they were in one collection, and each hit names its `collection`, which
  `read_document` takes. `notes` says which collections were left out, and why.
- `delete_documents` asks the user before it deletes a whole collection or more than 10 documents, if the client can ask
  (elicitation). If the user does not agree, nothing is deleted, as `notes` says. Other clients delete without asking.
- If a filter matches nothing, `notes` says which condition it is, with the nearest and the most common values.
- `stages` lists what each stage did, with milliseconds. If a stage fails, `degraded` is true, the hits keep the order
  of the stage before, and `notes` gives the reason. `notes` also says if `time_budget_ms` cut a stage short.
- With `detail: "full"`, each hit also has its metadata and the score and rank that each stage gave it.
"""
WITH_EVERYTHING: dict[str, Any] = {
    "openai_base_url": "http://localhost:8000/v1",
    "llm": {"model": "any"},
    "feedback": True,
}
"""Settings that turn on every tool. Nothing is sent to the endpoint."""
ONLY_IF = {
    "rerank_with_llm": "*Only if a [language model](llm-rerank.md) is configured.*",
    "record_feedback": "*Only if `RESIFT_FEEDBACK` is on: see [rerankers](rerankers.md).*",
}
SEE, AS_IN = "See search_and_rerank", "as in [search_and_rerank](#search_and_rerank)"


def tools_page() -> str:
    """Return the page with all tools, those included that settings turn on."""
    return "\n".join([INTRODUCTION, *(_section(tool) for tool in _tools(**WITH_EVERYTHING))])


def tools_table() -> str:
    """Return a table of the tools that are always there, each with the first sentence of its description."""
    rows = ["| tool | what it does |", "|---|---|"]
    for tool in _tools():
        first = _paragraphs(tool)[0]
        rows.append(f"| [`{tool.name}`](docs/tools.md#{tool.name}) | {first} |")
    return "\n".join(rows) + "\n"


def _tools(**settings: Any) -> list[Tool]:
    with tempfile.TemporaryDirectory() as folder:
        server = create_server(build_engine(load_settings(data_dir=Path(folder), **settings)))
        return anyio.run(server.list_tools)


def _section(tool: Tool) -> str:
    parts = [f"## {tool.name}", *_paragraphs(tool), _arguments(tool.input_schema), "Returns:"]
    if tool.name in ONLY_IF:
        parts.insert(1, ONLY_IF[tool.name])
    returned = [f"- `{name}` ({_type(field)}){_meaning(field, ': ')}" for name, field, _ in _fields(tool.output_schema)]
    return "\n\n".join([*parts, "\n".join(returned)]) + "\n"


def _arguments(schema: dict[str, Any]) -> str:
    """Return a table of the arguments, and below it those that are described at another tool."""
    fields = list(_fields(schema))
    rows = ["| argument | type | default | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{name}` | {_type(field)} | {'required' if required else _default(field)} | {_meaning(field)} |"
        for name, field, required in fields
        if field.get("description") != SEE
    ]
    seen = [f"`{name}` ({_default(field)})" for name, field, _ in fields if field.get("description") == SEE]
    if seen:
        rows += ["", f"These are {AS_IN}, with these defaults: {', '.join(seen)}."]
    return "\n".join(rows)


def _paragraphs(tool: Tool) -> list[str]:
    return [" ".join(each.split()) for each in (tool.description or "").split("\n\n")]


def _fields(schema: dict[str, Any] | None, prefix: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield each field with its schema and whether it is required, and after a list of objects the fields of those."""
    schema = schema or {}
    for name, field in schema.get("properties", {}).items():
        yield f"{prefix}{name}", field, name in schema.get("required", ())
        items = field.get("items", {})
        for choice in (items, *items.get("anyOf", ())):
            yield from _fields(choice, f"{prefix}{name}[].")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        *others, last = (f"`{value}`" for value in schema["enum"])
        return f"{', '.join(others)} or {last}"
    if schema.get("type") == "array":
        items = schema.get("items", {})
        kinds = [each["type"] for each in items.get("anyOf", [items]) if "type" in each]
        return f"list of {' or '.join(f'{kind}s' for kind in kinds)}" if kinds else "list"
    limits = f", {schema.get('minimum', 0):,} to {schema['maximum']:,}" if "maximum" in schema else ""
    return f"{schema['type']}{limits}"


def _default(schema: dict[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _meaning(schema: dict[str, Any], before: str = "") -> str:
    """Return the description with JSON in it as code, after `before` if there is one."""
    text = schema.get("description", "")
    start, end = text.find('{"'), text.rfind("}") + 1
    text = f"{text[:start]}`{text[start:end]}`{text[end:]}" if start >= 0 else text
    return f"{before}{text}" if text else ""
