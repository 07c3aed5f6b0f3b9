"""Encoders from the settings, and the manifest of a new collection that they fill."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..core.errors import InvalidInput
from ..core.extras import EXTRAS, require_extra
from ..core.vectors import BM25, LEARNED, TEXT_FIELD, TOKENS, VectorSpec, dense_vectors
from ..encoders.bm25 import Bm25Options
from ..encoders.configured import LocalEncoder, Prefixes, RemoteEncoder
from ..encoders.minilm import BundledEncoder
from ..encoders.protocols import Encoder, ExtraEncoders, SparseEncoder
from ..encoders.sparse import FastembedSparse
from ..models.bundled import TOKENIZER_FILE, sampled_digest
from ..models.endpoint.client import Endpoint
from ..models.endpoint.embeddings import Embeddings
from ..models.lazy import Lazy
from ..models.onnx_export import graph_path, weight_files
from ..models.text.embedding import TextModel
from ..models.text.fastembed import FastembedTextModel
from ..models.text.onnx import POOLING_FILE, OnnxTextModel
from ..models.text.torch import TorchTextModel
from ..models.worker_pool import WorkerPool
from ..settings.load import Settings
from ..store.manifest import Manifest
from .extensions import PluginEncoder, build_plugin


@dataclass(frozen=True, slots=True)
class EncoderBuilder:
    """Builds encoders from the settings; the models run on `workers`."""

    settings: Settings
    workers: WorkerPool
    bundled: BundledEncoder

    @property
    def prefixes(self) -> Prefixes:
        """Return the prefixes of queries and passages."""
        chosen = self.settings.encoder
        return Prefixes(chosen.query_prefix, chosen.passage_prefix)

    def local(self, fingerprint: str, load: Callable[[], TextModel]) -> Encoder:
        """Return the encoder of a local model."""
        return LocalEncoder(fingerprint, Lazy(load), self.workers, self.prefixes)


def _bundled(builder: EncoderBuilder) -> Encoder:
    return builder.bundled


def _onnx(builder: EncoderBuilder) -> Encoder:
    chosen = builder.settings.encoder
    folder = Path(chosen.model).expanduser().absolute()
    pooling = None if chosen.pooling == "auto" else chosen.pooling
    graph = graph_path(folder)
    digest = sampled_digest([graph, folder / TOKENIZER_FILE, folder / POOLING_FILE, *weight_files(graph)])
    pooled = f" pooling={pooling}" if pooling else ""
    return builder.local(f"{folder.name}@{digest}{pooled}", lambda: OnnxTextModel.open(folder, pooling))


def _fastembed(builder: EncoderBuilder) -> Encoder:
    name, _, folder = builder.settings.encoder.model.partition("=")
    return builder.local(f"fastembed:{name.lower()}", lambda: FastembedTextModel.open(name, folder))


def _torch(builder: EncoderBuilder) -> Encoder:
    model = builder.settings.encoder.model
    folder = Path(model).expanduser().absolute()
    if not folder.is_dir():
        return builder.local(f"torch:{model}", lambda: TorchTextModel.open(model))
    # Of every module and its options: pooling alone changes all vectors.
    files = [path for kind in ("safetensors", "bin", "json") for path in sorted(folder.rglob(f"*.{kind}"))]
    return builder.local(f"{folder.name}@{sampled_digest(files)}", lambda: TorchTextModel.open(folder))


def _openai(builder: EncoderBuilder) -> Encoder:
    settings, chosen = builder.settings, builder.settings.encoder
    key = settings.openai_api_key.get_secret_value()
    if not (key or settings.openai_base_url):
        raise InvalidInput("RESIFT_ENCODER__KIND = 'openai' needs an endpoint: set OPENAI_BASE_URL or OPENAI_API_KEY.")
    endpoint = Endpoint(chosen.model, settings.openai_base_url, api_key=key, timeout_s=chosen.timeout_s)
    size = f"/{chosen.dimension}" if chosen.dimension else ""
    model = Embeddings(endpoint, batch=chosen.batch, dimension=chosen.dimension)
    return RemoteEncoder(f"openai:{chosen.model}{size}", model, builder.prefixes)


BUILDERS: dict[str, Callable[[EncoderBuilder], Encoder]] = {
    "bundled": _bundled,
    "onnx": _onnx,
    "fastembed": _fastembed,
    "torch": _torch,
    "openai": _openai,
}
"""Builders by RESIFT_ENCODER__KIND; other kinds are plug-ins. Models and their libraries load when first used."""


def build_encoder(builder: EncoderBuilder) -> Encoder:
    """Return the encoder that the settings name; nothing but a sample of a model's files is read.

    Raises:
        InvalidInput: The settings name no endpoint for a model that needs one, or a plug-in that cannot be used.
        MissingExtra: The library that runs this kind of encoder is not installed.
    """
    kind = builder.settings.encoder.kind
    if kind not in BUILDERS:
        return PluginEncoder(*build_plugin("resift.encoders", kind, builder.settings.encoder))
    if kind in EXTRAS:
        require_extra(kind, f"RESIFT_ENCODER__KIND = {kind!r}")
    return BUILDERS[kind](builder)


def sparse_encoder(settings: Settings, workers: WorkerPool) -> SparseEncoder | None:
    """Return the learned sparse encoder, or None for BM25.

    Raises:
        InvalidInput: fastembed lists no such model.
        MissingExtra: The extra `fastembed` is not installed.
    """
    words = settings.vectors.words
    if words == BM25:
        return None
    require_extra("fastembed", f"RESIFT_VECTORS__WORDS = {words!r}")
    return FastembedSparse(words, workers)


def new_manifest(settings: Settings, encoder: Encoder, extra_encoders: ExtraEncoders) -> Manifest:
    """Return the manifest of a new collection."""
    ingest, search = settings.ingest, settings.search
    return Manifest(
        vectors=_vectors(settings, encoder, extra_encoders),
        lexical=Bm25Options(search.average_length, search.language, tokenizer=search.tokenizer, splits_unspaced=True),
        chunking=f"{ingest.max_tokens}/{ingest.overlap_tokens}/{ingest.min_tokens}",
        storage=settings.index.storage(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _vectors(settings: Settings, encoder: Encoder, extra_encoders: ExtraEncoders) -> dict[str, VectorSpec]:
    vectors = dense_vectors(encoder.fingerprint, encoder.dimension, settings.vectors.fields)
    if extra_encoders.sparse is None:
        vectors[BM25] = VectorSpec("sparse", TEXT_FIELD, model=BM25, idf=True)
    else:
        vectors[LEARNED] = VectorSpec(
            "sparse", TEXT_FIELD, model=extra_encoders.sparse.fingerprint, idf=extra_encoders.sparse.idf
        )
    if settings.vectors.tokens and extra_encoders.tokens is not None:
        vectors[TOKENS] = VectorSpec(
            "multi", TEXT_FIELD, model=extra_encoders.tokens.fingerprint, dimension=extra_encoders.tokens.dimension
        )
    return vectors
