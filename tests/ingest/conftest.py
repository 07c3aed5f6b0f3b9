import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from resift.core.vectors import standard_vectors
from resift.encoders.bm25 import Bm25Options
from resift.encoders.minilm import BundledEncoder
from resift.models.lazy import Lazy
from resift.models.text.transformer import Transformer
from resift.models.worker_pool import WorkerPool
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.tests.ingest.harness import MODEL, CountingEncoder, Harness, ParsingChunker, make_ingestor

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """One token for each run of word characters, each mark and each Chinese character, as WordPiece cuts at least."""
    built = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(handle_chinese_chars=True, lowercase=True)
    built.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w{1,8}|[^\w\s]"), "removed", invert=True)
    return built


@pytest.fixture(scope="session")
def chunker(tokenizer: Tokenizer) -> ParsingChunker:
    return ParsingChunker(tokenizer)


@pytest.fixture(scope="module")
async def module_harness(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    store = EdgeStore(tmp_path_factory.mktemp("jobs"), reserve_bytes=0)
    encoder = CountingEncoder(BundledEncoder(MODEL, Lazy(lambda: Transformer.open(MODEL)), WorkerPool(2)))
    manifest = Manifest(
        vectors=standard_vectors(encoder.fingerprint, encoder.dimension),
        lexical=Bm25Options(average_length=100),
        chunking="200/40/40",
    )
    yield Harness(store=store, encoder=encoder, manifest=manifest, ingestor=make_ingestor(store, encoder, manifest))
    await store.close()


@pytest.fixture
def harness(module_harness: Harness) -> Harness:
    module_harness.encoder.texts.clear()
    return replace(module_harness, name=f"c{next(NUMBERS)}")
