"""Write docs/api.md: every path of the plain HTTP API, from its OpenAPI description."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from resift.factories.engine import build_engine
from resift.server.http.application import create_app
from resift.server.http.plain.feedback_path import FEEDBACK
from resift.server.http.plain.router import ERRORS
from resift.server.http.plain.search import SEARCHES
from resift.settings.load import load_settings

Schema = dict[str, Any]

URL = "http://127.0.0.1:8848"

INTRODUCTION = f"""\
# Plain HTTP API

`resift serve --http` answers these paths beside MCP, for programs that do not speak it. `make docs` writes this page
from the OpenAPI description, which the server has at `{URL}/openapi.json`.

To try the examples, start a server in your clone of Resift, and send them from another terminal, from top to bottom:

```console
$ RESIFT_INGEST_ROOTS=. RESIFT_FEEDBACK=true resift serve --http
```

Rerankers and embeddings have the shapes of Cohere, Jina, TEI and OpenAI, so that their clients work by base URL. If the
server has tokens, send one in the header `Authorization: Bearer TOKEN`, or as the client's API key; if it has none, any
key will do.

OpenAI's client:

<!-- client -->
```python
from openai import OpenAI

client = OpenAI(base_url="{URL}/v1", api_key="TOKEN")
reply = client.embeddings.create(model="default", input=["Bees dance to tell where flowers are."])
print(reply.model, len(reply.data[0].embedding))
```

Cohere's:

<!-- client -->
```python
import cohere

client = cohere.ClientV2(base_url="{URL}", api_key="TOKEN")
documents = ["The pump hums at night.", "Bees dance to tell where flowers are."]
reply = client.rerank(model="default", query="what do bees do", documents=documents)
print([result.index for result in reply.results])
```

LangChain, with Cohere's reranker and OpenAI's embeddings. `check_embedding_ctx_length=False` makes it send text, since
every model has token ids of its own:

<!-- client -->
```python
from langchain_cohere import CohereRerank
from langchain_core.documents import Document
from langchain_openai import OpenAIEmbeddings

reranker = CohereRerank(base_url="{URL}", cohere_api_key="TOKEN", model="default", top_n=1)
documents = [Document("The pump hums at night."), Document("Bees dance to tell where flowers are.")]
print(reranker.compress_documents(documents, "what do bees do")[0].page_content)

encoder = OpenAIEmbeddings(
    base_url="{URL}/v1", api_key="TOKEN", model="default", check_embedding_ctx_length=False
)
print(len(encoder.embed_query("what do bees do")))
```

Another Resift, as a reranker of its settings:

```text
RESIFT_RERANKERS={{"team": {{"kind": "cohere", "model": "default", "url": "{URL}", "api_key": "TOKEN"}}}}
```

"""
SEARCH_ID = str(next(iter(FEEDBACK.values()))["search_id"])
"""Stands in the description; the page takes the id of a search instead, because only that works."""

ERRORS_TEXT = """\
## Errors

An error has one body, in which each vendor's client finds the message: `message`, `detail` and `error.message` say what
happened and what to do next, and `error.type` is a word for programs.

| status | meaning |
|---:|---|
"""


def api_page() -> str:
    """Return the page."""
    description = _description()
    operations: dict[str, list[tuple[str, Schema]]] = defaultdict(list)
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            operations[operation["description"]].append((f"{method.upper()} {path}", operation))
    parts = [_section(same, description["components"]["schemas"]) for same in operations.values()]
    errors = "".join(f"| {status} | {meaning} |\n" for status, meaning in ERRORS.items())
    return "\n".join([INTRODUCTION + parts[0], *parts[1:], ERRORS_TEXT + errors])


def _description() -> Schema:
    """Return the OpenAPI description."""
    with tempfile.TemporaryDirectory() as folder:
        return create_app(build_engine(load_settings(data_dir=Path(folder)))).openapi()


def _section(same: Sequence[tuple[str, Schema]], schemas: Mapping[str, Schema]) -> str:
    """Return what is to be said of an operation, which several paths may have."""
    titles = [title for title, _ in same]
    title, operation = same[0]
    parts = [f"## {' and '.join(titles)}", *_paragraphs(operation["description"])]
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]
        parts += [_example(title, each) for each in body["examples"].values()]
        parts.append(_table(_fields(body["schema"], schemas)))
    elif "parameters" in operation:
        parts.append(
            _table((each["name"], each["schema"] | each, each["required"]) for each in operation["parameters"])
        )
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    rows = [
        f"- `{name}` ({_type(field, schemas)}){_meaning(field, ': ')}" for name, field, _ in _fields(answer, schemas)
    ]
    return "\n\n".join([*parts, "Returns:", "\n".join(rows)]) + "\n"


def _example(title: str, example: Schema) -> str:
    """Return a command that sends an example."""
    path = title.partition(" ")[2]
    lines = [_curl(path, example["value"])]
    if SEARCH_ID in lines[0]:
        search = _curl("/v1/search", next(iter(SEARCHES.values()))).replace("curl", "curl -s", 1)
        lines = [rf"""SEARCH_ID=$({search} | sed 's/.*"search_id":"\([^"]*\)".*/\1/')""", *lines]
        lines[1] = lines[1].replace(SEARCH_ID, "'$SEARCH_ID'")
    commands = "".join(f"$ {line}\n" for line in lines)
    return f"{example['summary']}:\n\n```console\n{commands}```"


def _curl(path: str, body: Mapping[str, Any]) -> str:
    return f"curl {URL}{path} -H 'Content-Type: application/json' -d '{json.dumps(body, ensure_ascii=False)}'"


def _table(fields: Iterator[tuple[str, Schema, bool]]) -> str:
    rows = ["| field | type | default | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{name}` | {_type(field, {})} | {'required' if required else _default(field)} | {_meaning(field)} |"
        for name, field, required in fields
    ]
    return "\n".join(rows)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(each.split()) for each in text.split("\n\n")]


def _fields(schema: Schema, schemas: Mapping[str, Schema], prefix: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """Yield each field with its schema and whether it is required, and after a list of objects the fields of those."""
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        yield from _fields(schema["items"], schemas, prefix=f"{prefix}[].")
    for name, given in schema.get("properties", {}).items():
        field = {**_resolved(given, schemas), **given}
        yield f"{prefix}{name}", field, name in schema.get("required", ())
        if field.get("type") == "array":
            yield from _fields(field["items"], schemas, prefix=f"{prefix}{name}[].")
        elif "$ref" in given:
            yield from _fields(given, schemas, prefix=f"{prefix}{name}.")


def _resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _type(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    if choices := [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]:
        return " or ".join(dict.fromkeys(_type(each, schemas) for each in choices))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        items = cast("Schema", schema["items"])
        return f"list of {' or '.join(f'{kind}s' for kind in _kinds(items))}"
    if "maximum" in schema:
        return f"{schema['type']}, {schema.get('minimum', 0):,.15g} to {schema['maximum']:,.15g}"
    return str(schema.get("type", "object"))


def _kinds(schema: Schema) -> list[str]:
    return [str(each.get("type", "object")) for each in schema.get("anyOf", [schema])]


def _default(schema: Schema) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _meaning(schema: Schema, before: str = "") -> str:
    """Return the description with JSON in it as code, after `before` if there is one."""
    text = schema.get("description", "")
    start, end = text.find('{"'), text.rfind("}") + 1
    text = f"{text[:start]}`{text[start:end]}`{text[end:]}" if start >= 0 else text
    return f"{before}{text}" if text else ""
