"""A small collection asked through MCP with rerankers of one's own, and what an answer says of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.client import Client

from resift.core.values import Document
from resift.factories.engine import build_engine, running
from resift.ingest.job import Job
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings

KEY = "sk-secret-5b1f"
QUERY = "why do brakes squeal"
DOCUMENTS = (
    Document("close", "", text="Squealing noises come from worn brake pads and need attention soon."),
    Document("words", "", text="why do why do why do: a list of words."),
    Document("all", "", text="brakes and why do read on"),
    Document("other", "", text="The battery is charged overnight in the garage."),
)
QWEN = {
    "kind": "vllm",
    "model": "Qwen/Qwen3-Reranker-0.6B",
    "url": "http://localhost:8000",
    "query_template": "<|im_start|>user\n<Instruct>: {instruction}\n<Query>: {query}\n",
    "passage_template": "<Document>: {passage}<|im_end|>\n<|im_start|>assistant\n",
    "instruction": "Given a web search query, retrieve relevant passages that answer the query",
}


@asynccontextmanager
async def client_with(folder: Path, rerankers: dict[str, Any], **settings: Any) -> AsyncGenerator[Client]:
    loaded = load_settings(data_dir=folder / "data", rerankers=rerankers, **settings)
    engine = build_engine(loaded)
    await engine.services.ingestor.ingest(Job("default", DOCUMENTS, total=len(DOCUMENTS)))
    async with running(engine), Client(create_server(engine)) as client:
        yield client


async def ask(client: Client, reranker: str, **more: Any) -> dict[str, Any]:
    arguments = {"query": QUERY, "reranker": reranker, "mode": "dense", "detail": "full", **more}
    answer = (await client.call_tool("search_and_rerank", arguments)).structured_content
    assert answer is not None
    return answer


def order(answer: dict[str, Any]) -> list[str]:
    return [hit["document_id"] for hit in answer["hits"]]


def stages(answer: dict[str, Any]) -> list[tuple[str, str, int, int]]:
    reranked = [stage for stage in answer["stages"] if stage["kind"] != "search"]
    return [(each["name"], each["model"], each["received"], each["returned"]) for each in reranked]
