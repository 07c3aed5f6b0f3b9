import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from resift.core.vectors import standard_vectors
from resift.encoders.bm25 import Bm25Options
from resift.encoders.minilm import BundledEncoder
from resift.ingest.passages.chunker import Cutter
from resift.models.deferred import Deferred
from resift.models.text.transformer import Transformer
from resift.models.workers import Workers
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.tests.ingest.bench import MODEL, Bench, Counting, an_ingestor

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """One token for each run of word characters, each mark and each Chinese character, as WordPiece cuts at least."""
    built = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(handle_chinese_chars=True, lowercase=True)
    built.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w{1,8}|[^\w\s]"), "removed", invert=True)
    return built


@pytest.fixture(scope="session")
def cutter(tokenizer: Tokenizer) -> Cutter:
    return Cutter(tokenizer)


@pytest.fixture(scope="module")
async def module_bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    store = EdgeStore(tmp_path_factory.mktemp("jobs"), reserve_bytes=0)
    encoder = Counting(BundledEncoder(MODEL, Deferred(lambda: Transformer.open(MODEL)), Workers(2)))
    manifest = Manifest(standard_vectors(encoder.fingerprint, encoder.dimension), Bm25Options(100), "200/40/40")
    yield Bench(store, encoder, manifest=manifest, ingestor=an_ingestor(store, encoder, manifest))
    await store.close()


@pytest.fixture
def bench(module_bench: Bench) -> Bench:
    module_bench.encoder.texts.clear()
    return replace(module_bench, name=f"c{next(NUMBERS)}")
