import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from resift.ingest.cut import Cutter
from resift.models.deferred import Deferred
from resift.models.transformer import Transformer
from resift.models.workers import Workers
from resift.search.edge import EdgeStore
from resift.search.encode import BundledEncoder
from resift.search.manifest import Lexical, Manifest
from resift.search.vectors import standard_vectors
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
    manifest = Manifest(standard_vectors(encoder.fingerprint, encoder.dimension), Lexical(100), "200/40/40")
    yield Bench(store, encoder, manifest, an_ingestor(store, encoder, manifest))
    await store.close()


@pytest.fixture
def bench(module_bench: Bench) -> Bench:
    module_bench.encoder.texts.clear()
    return replace(module_bench, name=f"c{next(NUMBERS)}")
