"""What collections are made with from now on, and the models that takes."""

from datetime import UTC, datetime

from ..models.workers import Workers
from ..search.encode import Encoder
from ..search.further import Further, SparseEncoder
from ..search.learned_sparse import FastembedSparse
from ..search.manifest import Lexical, Manifest
from ..search.vectors import BM25, LEARNED, TEXT_FIELD, TOKENS, VectorSpec, dense_vectors
from .settings import Settings


def sparse_encoder(settings: Settings, workers: Workers) -> SparseEncoder | None:
    """Return the model that weighs words; None for BM25."""
    words = settings.vectors.words
    return None if words == BM25 else FastembedSparse(words, workers)


def new_manifest(settings: Settings, encoder: Encoder, further: Further) -> Manifest:
    """Return the manifest of a new collection."""
    ingest, search = settings.ingest, settings.search
    return Manifest(
        vectors=_vectors(settings, encoder, further),
        lexical=Lexical(search.average_length, search.language, tokenizer=search.tokenizer),
        chunking=f"{ingest.max_tokens}/{ingest.overlap_tokens}/{ingest.min_tokens}",
        storage=settings.index.storage(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _vectors(settings: Settings, encoder: Encoder, further: Further) -> dict[str, VectorSpec]:
    vectors = dense_vectors(encoder.fingerprint, encoder.dimension, settings.vectors.fields)
    if further.sparse is None:
        vectors[BM25] = VectorSpec("sparse", TEXT_FIELD, BM25, idf=True)
    else:
        vectors[LEARNED] = VectorSpec("sparse", TEXT_FIELD, further.sparse.fingerprint, idf=further.sparse.idf)
    if settings.vectors.tokens and further.tokens is not None:
        vectors[TOKENS] = VectorSpec("multi", TEXT_FIELD, further.tokens.fingerprint, further.tokens.dimension)
    return vectors
