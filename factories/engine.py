"""One engine per process: store, models and services, put together from the settings."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.values import Logistic
from ..encoders.configured import LocalEncoder, RemoteEncoder
from ..encoders.minilm import BundledEncoder
from ..encoders.protocols import Encoder, ExtraEncoders
from ..ingest.ingestor import Ingestor
from ..ingest.job import WriteLocks
from ..ingest.passages.chunker import Chunker
from ..ingest.passages.packing import Chunking
from ..ingest.removal import Remover
from ..ingest.roots import Roots
from ..models.bundled import BUNDLED, TOKENIZER_FILE, BundledModel, verify
from ..models.endpoint.chat import LanguageModel
from ..models.lazy import Lazy
from ..models.text.transformer import Transformer
from ..models.worker_pool import WorkerPool
from ..pipeline.pipeline import DEFAULT, Pipeline
from ..pipeline.plan import Reranking
from ..prompts.templates import Template
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import RerankEndpoint
from ..rerank.late_interaction import WEIGHTS as MAXSIM_WEIGHTS
from ..rerank.late_interaction import LateInteraction
from ..rerank.llm.listwise import Listwise
from ..search.retriever import FusionOptions, Retriever
from ..settings.load import Settings
from ..store.feedback_log import FOLDER, FeedbackLog
from ..store.manifest import Manifest
from ..store.protocols import Store
from ..tools.services import Services
from .choices import build_choices
from .encoders import EncoderParts, build_encoder, new_manifest, sparse_encoder
from .extensions import PluginEncoder
from .rerankers import RerankerBuilder
from .stores import open_store

ENCODER = "all-MiniLM-L6-v2-int8"

MOST_THREADS = 4  # beyond, other programs on a desktop suffer more than a search gains

# Fitted to the best hits of five development sets, one question in four without an answer (benchmarks, "Relevance").
DENSE_CALIBRATION = Logistic(7.14, -4.60)

MAXSIM_CALIBRATION = Logistic(7.56, -5.12)


@dataclass(frozen=True, slots=True)
class Engine:
    """What the server and the command line work with."""

    settings: Settings
    services: Services
    transformer: Lazy[Transformer]
    encoder: Encoder
    cross_encoder: CrossEncoder
    templates: Mapping[str, Template]
    language_model: LanguageModel | None = None
    listwise: Listwise | None = None
    endpoints: tuple[RerankEndpoint, ...] = ()

    @property
    def feedback(self) -> FeedbackLog:
        """Return what agents said of their searches, whether more of it is kept now or not."""
        return _feedback(self.settings)

    async def warm(self) -> None:
        """Load the models that a question needs by default, so that the first one need not wait for them."""
        if isinstance(self.encoder, BundledEncoder):
            await self.transformer.get()
        elif isinstance(self.encoder, LocalEncoder):
            await self.encoder.encode_query("warm")
        default = self.services.pipeline.reranker(DEFAULT)
        if default is not None and default.name == self.cross_encoder.name:
            await self.cross_encoder.load()

    async def close(self) -> None:
        """Flush the store, release the data directory and close connections."""
        await self.services.store.close()
        if self.language_model is not None:
            await self.language_model.close()
        if isinstance(self.encoder, RemoteEncoder | PluginEncoder):
            await self.encoder.close()
        for endpoint in self.endpoints:
            await endpoint.close()


def build_engine(settings: Settings, *, roots: Sequence[Path] = ()) -> Engine:
    """Return the engine; nothing is loaded or opened before it is needed.

    `roots` are folders that may be read beside those of the settings; without any, the working directory may be.

    Raises:
        InvalidInput: When the settings name a reranker that does not exist.
    """
    ground = _lay_ground(settings)
    shop = RerankerBuilder(settings, ground.workers)
    maxsim = LateInteraction(
        ground.model,
        ground.transformer,
        ground.workers,
        calibration=MAXSIM_CALIBRATION,
        weights=shop.weights(MAXSIM_WEIGHTS),
    )
    choices = build_choices(shop, maxsim)
    return Engine(
        settings,
        _services(ground, choices.reranking, [*roots, *settings.ingest_roots]),
        transformer=ground.transformer,
        encoder=ground.encoder,
        cross_encoder=choices.cross_encoder,
        templates=choices.templates,
        language_model=choices.language_model,
        listwise=choices.listwise,
        endpoints=choices.endpoints,
    )


@dataclass(frozen=True, slots=True)
class _Ground:
    """What searching and ingesting stand on alike."""

    settings: Settings
    workers: WorkerPool
    model: BundledModel
    transformer: Lazy[Transformer]
    encoder: Encoder
    extra_encoders: ExtraEncoders
    store: Store
    manifest: Manifest


def _lay_ground(settings: Settings) -> _Ground:
    workers = WorkerPool(settings.threads or min(os.cpu_count() or 1, MOST_THREADS))
    model = BUNDLED[ENCODER]
    transformer = Lazy(lambda: Transformer.open(model))
    bundled = BundledEncoder(model, transformer, workers)
    encoder = build_encoder(EncoderParts(settings, workers, bundled))
    extra_encoders = ExtraEncoders(tokens=bundled, sparse=sparse_encoder(settings, workers))
    manifest = new_manifest(settings, encoder, extra_encoders)
    return _Ground(
        settings,
        workers,
        model=model,
        transformer=transformer,
        encoder=encoder,
        extra_encoders=extra_encoders,
        store=open_store(settings),
        manifest=manifest,
    )


def _services(ground: _Ground, reranking: Reranking, roots: Sequence[Path]) -> Services:
    settings, store, encoder, extra_encoders = ground.settings, ground.store, ground.encoder, ground.extra_encoders
    search, locks, feedback = settings.search, WriteLocks(), _feedback(settings)
    fusion = FusionOptions(
        search.fusion, search.dense_weight, leg_limit=search.leg_limit, late_weight=search.late_weight
    )
    return Services(
        pipeline=Pipeline(
            store,
            Retriever(encoder, extra_encoders=extra_encoders, options=fusion),
            reranking,
            manifest=ground.manifest,
            dense_calibration=DENSE_CALIBRATION if isinstance(encoder, BundledEncoder) else None,
        ),
        ingestor=Ingestor(
            store,
            encoder,
            Lazy(lambda: _open_chunker(settings, ground.model)),
            ground.workers,
            manifest=ground.manifest,
            locks=locks,
            extra_encoders=extra_encoders,
        ),
        remover=Remover(store, locks, feedback),
        store=store,
        roots=Roots.of(roots or [Path.cwd()]),
        max_file_bytes=settings.ingest.max_bytes,
        feedback=feedback if settings.feedback else None,
    )


def _feedback(settings: Settings) -> FeedbackLog:
    return FeedbackLog(settings.data_dir / FOLDER)


def _open_chunker(settings: Settings, model: BundledModel) -> Chunker:
    from tokenizers import Tokenizer

    ingest = settings.ingest
    chunking = Chunking(ingest.max_tokens, ingest.overlap_tokens, ingest.min_tokens)
    return Chunker(Tokenizer.from_file(str(verify(model) / TOKENIZER_FILE)), chunking)
