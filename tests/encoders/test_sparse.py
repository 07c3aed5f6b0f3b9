"""Sparse models are loaded by fastembed from their files, and searched in place of BM25."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from tokenizers import Tokenizer

from resift.core.errors import InvalidInput, ModelError
from resift.core.values import Document
from resift.encoders.sparse import FastembedSparse
from resift.factories.engine import build_engine
from resift.models.bundled import BUNDLED
from resift.models.worker_pool import WorkerPool
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings
from resift.tests.pipeline.both_stores import STORES, engine_on
from resift.training.graph.builder import GraphWriter, Tensor

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning"),
]

SPLADE = "prithivida/Splade_PP_en_v1"
MINICOIL = "Qdrant/minicoil-v1"
VOCABULARY = 30522
TOKENIZER = BUNDLED["all-MiniLM-L6-v2-int8"].folder / "tokenizer.json"
INPUTS = [Tensor(name, TensorProto.INT64, ("b", "t")) for name in ("input_ids", "attention_mask")]


def write_tokenizer(folder: Path) -> None:
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 128, "pad_token": "[PAD]"}))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]"}))


@pytest.fixture(scope="module")
def splade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SPLADE in fastembed's form that weighs each token of a text log(1 + 1), and expands nothing."""
    made = tmp_path_factory.mktemp("splade")
    graph = GraphWriter()
    depth = graph.constant("depth", np.array(VOCABULARY, np.int64))
    values = graph.constant("values", np.array([0, 1], np.float32))
    graph.node("OneHot", ["input_ids", depth, values], "output", attributes={"axis": -1})
    outputs = [Tensor("output", TensorProto.FLOAT, ("b", "t", VOCABULARY))]
    (made / "onnx").mkdir()
    content = graph.model("splade", INPUTS, outputs).SerializeToString()
    for name in ("model.onnx", "onnx/model.onnx"):
        (made / name).write_bytes(content)
    write_tokenizer(made)
    return made


@pytest.fixture(scope="module")
def minicoil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniCOIL in fastembed's form that knows one word, "bank", in two senses: beside water, and beside money.

    Each token's vector is the mean of two components over the text: one of "river" and "stream", one of "money" and
    "loan". The matrix of the word hands them on.
    """
    made = tmp_path_factory.mktemp("minicoil")
    tokenizer: Tokenizer = Tokenizer.from_file(str(TOKENIZER))
    table = np.zeros((VOCABULARY, 2), np.float32)
    for word, direction in {"river": (1, 0), "stream": (1, 0), "money": (0, 1), "loan": (0, 1)}.items():
        table[tokenizer.token_to_id(word)] = direction
    graph = GraphWriter()
    own = graph.node("Gather", [graph.constant("table", table), "input_ids"], "own")
    nothing = graph.node("Mul", [own, graph.constant("zero", np.zeros(1, np.float32))], "nothing")
    mean = graph.node("ReduceMean", [own, graph.constant("axis of tokens", np.array([1]))], "mean")
    graph.node("Add", [nothing, mean], "output")
    outputs = [Tensor("output", TensorProto.FLOAT, ("b", "t", 2))]
    (made / "onnx").mkdir()
    (made / "onnx" / "model.onnx").write_bytes(graph.model("minicoil", INPUTS, outputs).SerializeToString())
    matrices = np.zeros((2, 2, 4), np.float32)  # of unknown words, and of "bank"
    matrices[1, 0, 0] = matrices[1, 1, 1] = 9
    np.save(made / "minicoil.triplet.model.npy", matrices)
    known = {"vocab": ["bank"], "stem_mapping": {"bank": "bank"}}
    (made / "minicoil.triplet.model.vocab").write_text(json.dumps(known))
    (made / "stopwords.txt").write_text("the\nof\n")
    write_tokenizer(made)
    return made


async def test_model_is_loaded_from_a_folder_and_weighs_words(splade: Path) -> None:
    encoder = FastembedSparse(f"{SPLADE.lower()}={splade}", WorkerPool(1))
    assert (encoder.fingerprint, encoder.idf) == (SPLADE, False)
    [text] = await encoder.encode(["pump pump seal"])
    query = await encoder.encode_query("seal")
    assert set(query.indices) < set(text.indices)
    assert text.values == pytest.approx([np.log(2)] * len(text.indices))


async def test_minicoil_tells_senses_of_a_word_apart_and_leaves_idf_to_the_store(minicoil: Path) -> None:
    encoder = FastembedSparse(f"{MINICOIL}={minicoil}", WorkerPool(1))
    assert encoder.idf
    [water, money] = [dict(zip(each.indices, each.values, strict=True)) for each in await encoder.encode(
        ["the bank of the river", "the bank lends money"]
    )]  # fmt: skip
    asked = await encoder.encode_query("bank stream")
    weights = dict(zip(asked.indices, asked.values, strict=True))
    scores = [sum(weights[each] * text.get(each, 0) for each in weights) for text in (water, money)]
    assert scores[0] > 1
    assert scores[1] == pytest.approx(0)


FOUND = {
    "splade": (SPLADE, "leaks", {"seal": "The pump leaks at its seal.", "lamp": "The lamp flickers."}, "seal"),
    "minicoil": (MINICOIL, "bank stream", {"a": "The bank lends money.", "b": "The bank of the river."}, "b"),
}


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("model", FOUND)
async def test_keyword_search_goes_by_the_model_the_collection_was_made_with(
    request: pytest.FixtureRequest, tmp_path: Path, model: str, store: str
) -> None:
    name, query, texts, right = FOUND[model]
    documents = [Document(key, "", text=text) for key, text in texts.items()]
    words = f"{name}={request.getfixturevalue(model)}"
    async with engine_on(store, tmp_path, documents, vectors={"words": words}) as engine:
        page = await engine.services.pipeline.search(SearchRequest(query, mode="keyword"))
        assert page.ranking.hits[0].passage.document_id == right
        scores = [hit.scores["sparse"] for hit in page.ranking.hits]
        assert scores[0] > sum(scores[1:]) >= 0
        assert (await engine.services.store.open("default")).manifest.vectors["sparse"].idf is (model == "minicoil")


async def test_collection_whose_model_is_not_configured_says_which_it_is(splade: Path, tmp_path: Path) -> None:
    documents = [Document("pump", "", text="The pump leaks at its seal.")]
    async with engine_on("edge", tmp_path, documents, vectors={"words": f"{SPLADE}={splade}"}) as made:
        page = await made.services.pipeline.search(SearchRequest("leaks", mode="keyword"))
        assert page.ranking.hits[0].scores["sparse"] == pytest.approx(3 * np.log(2) ** 2)  # [CLS], leaks, [SEP]
    other = build_engine(load_settings(data_dir=tmp_path))
    page = await other.services.pipeline.search(SearchRequest("leaks"))
    assert any("set RESIFT_VECTORS__WORDS to prithivida/Splade" in note for note in page.ranking.notes)
    await other.close()


async def test_what_cannot_be_loaded_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'splade' is not a known model\..* Known: bm25, .*Qdrant/minicoil-v1"):
        FastembedSparse("splade", WorkerPool(1))
    with pytest.raises(ModelError, match=r"No folder .*nowhere"):
        await FastembedSparse(f"{SPLADE}={tmp_path / 'nowhere'}", WorkerPool(1)).encode(["x"])
    with pytest.raises(ModelError, match=r"could not be loaded: .*RESIFT_VECTORS__WORDS=.*=FOLDER"):
        await FastembedSparse(f"{MINICOIL}={tmp_path}", WorkerPool(1)).encode(["x"])
