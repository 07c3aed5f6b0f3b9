"""The vendors' own clients speak to the plain API by base URL. `make test-all` installs them (extra `clients`)."""

import gc
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from resift import Resift
from resift.settings.load import load_settings
from resift.tests.server.http.application import READER, WRITER, rows
from resift.tests.server.http.plain.served import served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # Cohere's clients have no way to be closed
]

PAGE = (Path(__file__).parents[4] / "docs" / "api.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8848"
QUERY = "what do bees do"
TEXTS = ["The pump hums at night.", "Bees dance to tell where flowers are.", "Worn brake pads squeal."]
KEY, WRONG = READER.token, "resift_wrong"


@pytest.fixture(scope="module")
def root(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ingested, folder, dirs_exist_ok=True)
    with served(folder, http={"tokens": rows(READER, WRITER)}) as url:
        yield url
        gc.collect()  # while the warnings of clients that are not closed are ignored


def test_openai_client_embeds_and_lists_models(root: str) -> None:
    import openai

    client = openai.OpenAI(base_url=f"{root}/v1", api_key=KEY)
    packed = client.embeddings.create(model="default", input=TEXTS)  # asks for base64
    plain = client.embeddings.create(model="default", input=TEXTS, encoding_format="float", dimensions=384)
    assert [each.index for each in packed.data] == [0, 1, 2]
    assert np.array_equal([each.embedding for each in packed.data], [each.embedding for each in plain.data])
    assert packed.usage.total_tokens == plain.usage.total_tokens > 20
    assert packed.model in {each.id for each in client.models.list()}
    assert client.models.retrieve("cross-encoder").owned_by == "resift"


def test_openai_client_shows_why_a_request_was_refused(root: str) -> None:
    import openai

    client = openai.OpenAI(base_url=f"{root}/v1", api_key=KEY, max_retries=0)
    with pytest.raises(openai.NotFoundError, match="This server has 'all-MiniLM-L6-v2-int8'"):
        client.embeddings.create(model="text-embedding-3-small", input="x")
    with pytest.raises(openai.UnprocessableEntityError, match="Token ids cannot be read"):
        client.embeddings.create(model="default", input=[1, 2, 3])
    with pytest.raises(openai.AuthenticationError, match="not known to this server"):
        openai.OpenAI(base_url=f"{root}/v1", api_key=WRONG).models.list()


def test_cohere_clients_of_both_versions_rerank(root: str) -> None:
    cohere: Any = pytest.importorskip("cohere", reason="the extra `clients` is not installed; `make test-all` does")
    second = cohere.ClientV2(base_url=root, api_key=KEY).rerank(
        model="rerank-v3.5", query=QUERY, documents=TEXTS, top_n=2
    )
    assert second.results[0].index == 1
    assert len(second.results) == 2
    assert second.results[0].relevance_score > second.results[1].relevance_score
    assert second.meta.api_version.version == "2"
    first = cohere.Client(base_url=root, api_key=KEY).rerank(
        model="rerank-english-v3.0",
        query=QUERY,
        documents=[{"text": text, "place": place} for place, text in enumerate(TEXTS)],
        return_documents=True,
    )
    assert first.results[0].document.text == TEXTS[1]
    assert [each.relevance_score for each in first.results][:2] == [each.relevance_score for each in second.results]


def test_cohere_client_shows_why_a_request_was_refused(root: str) -> None:
    cohere: Any = pytest.importorskip("cohere", reason="the extra `clients` is not installed; `make test-all` does")
    client = cohere.ClientV2(base_url=root, api_key=KEY)
    with pytest.raises(cohere.NotFoundError) as unknown:
        client.rerank(model="maxsin", query=QUERY, documents=TEXTS)
    assert "Did you mean 'maxsim'?" in unknown.value.body["message"]
    with pytest.raises(cohere.UnprocessableEntityError) as empty:
        client.rerank(model="default", query=QUERY, documents=[])
    assert "documents" in str(empty.value.body)
    with pytest.raises(cohere.UnauthorizedError):
        cohere.ClientV2(base_url=root, api_key=WRONG).rerank(model="default", query=QUERY, documents=TEXTS)


def test_langchain_reorders_documents_with_its_cohere_reranker(root: str) -> None:
    langchain: Any = pytest.importorskip("langchain_cohere", reason="the extra `clients` is not installed")
    from langchain_core.documents import Document  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    documents: Any = [Document(text, metadata={"place": place}) for place, text in enumerate(TEXTS)]
    for model in ("default", "rerank-v3.5", "maxsim"):
        reranker = langchain.CohereRerank(base_url=root, cohere_api_key=KEY, model=model, top_n=3)
        ordered = reranker.compress_documents(documents, QUERY)
        assert ordered[0].page_content == TEXTS[1], model
        assert {each.metadata["place"] for each in ordered} == {0, 1, 2}
        scores = [each.metadata["relevance_score"] for each in ordered]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("kind", ["cohere", "jina", "tei", "vllm"])
@pytest.mark.anyio
async def test_another_resift_reranks_with_this_one(root: str, tmp_path: Path, kind: str) -> None:
    model = {} if kind == "tei" else {"model": "default"}
    row = {"kind": kind, "url": root, "api_key": KEY, "timeout_s": 60, **model}
    settings = load_settings(data_dir=tmp_path / "data", rerankers={"team": row})
    async with Resift(settings) as resift:
        remote = await resift.rerank(QUERY, TEXTS, reranker="team")
        local = await resift.rerank(QUERY, TEXTS, reranker="cross-encoder")
    assert not remote.degraded, remote.notes
    assert [hit.was for hit in remote] == [hit.was for hit in local]
    assert [hit.relevance for hit in remote] == pytest.approx([hit.relevance for hit in local], abs=1e-5)


@pytest.mark.anyio
async def test_another_resift_encodes_with_this_one(root: str, tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path / "data",
        encoder={"kind": "openai", "model": "default"},
        openai_base_url=f"{root}/v1",
        openai_api_key=KEY,
    )
    async with Resift(settings) as resift:
        report = await resift.ingest(documents=[{"text": text} for text in TEXTS])
        page = await resift.search(QUERY, reranker="none")
    assert report.added == 3
    assert page.hits[0].passage.text == TEXTS[1]


def test_jina_and_tei_clients_get_what_they_read(root: str) -> None:
    """As langchain-community's JinaRerank and LlamaIndex's TextEmbeddingInference rerankers read the answers."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept-Encoding": "identity"}
    jina: dict[str, Any] = {"query": QUERY, "documents": TEXTS, "model": "jina-reranker-v1-base-en", "top_n": 3}
    answer = httpx.post(f"{root}/v1/rerank", json=jina, headers=headers, timeout=60).json()
    assert answer["results"][0]["index"] == 1
    assert answer["usage"]["total_tokens"] > 0
    refused = httpx.post(f"{root}/v1/rerank", json={**jina, "model": "nothing"}, headers=headers, timeout=60).json()
    assert "Unknown reranker 'nothing'" in refused["detail"]
    tei: dict[str, Any] = {"query": QUERY, "texts": TEXTS, "raw_scores": False, "return_text": False, "truncate": True}
    ranks = httpx.post(f"{root}/rerank", json=tei, headers=headers, timeout=60).json()
    assert [sorted(each) for each in ranks] == [["index", "score"]] * 3
    assert ranks[0]["index"] == 1


def snippets() -> list[str]:
    return re.findall(r"<!-- client -->\n```python\n(.*?)```", PAGE, re.DOTALL)


EXPECTED = (["all-MiniLM-L6-v2-int8 384"], ["[1, 0]"], ["Bees dance to tell where flowers are.", "384"])


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_client_on_the_page_runs(root: str, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert PAGE.count("```python") == len(snippets()) == len(EXPECTED)
    code = snippets()[number].replace(URL, root).replace('"TOKEN"', f'"{KEY}"')
    for module in re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE):
        pytest.importorskip(module, reason="the extra `clients` is not installed; `make test-all` does")
    exec(compile(code, "docs/api.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.splitlines() == EXPECTED[number]
