"""What the API calls; built once per engine."""

import logging
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from ..core.errors import ResiftError
from ..core.values import Logistic
from ..encoders.configured import LocalEncoder, RemoteEncoder
from ..encoders.minilm import BundledEncoder
from ..encoders.protocols import Encoder, ExtraEncoders
from ..ingest.embed import Embedder
from ..ingest.files.roots import Roots
from ..ingest.ingestor import STEP_PASSAGES, Ingestor
from ..ingest.job import WriteLocks
from ..ingest.jobs.folder import JOBS, JobFolder
from ..ingest.jobs.runner import JobRunner
from ..ingest.parsing import DocumentParser
from ..ingest.processes.pool import open_parser_pool
from ..ingest.removal import Remover
from ..ingest.urls.addresses import UrlRules
from ..ingest.urls.fetching import UrlOptions
from ..ingest.watching.watched import WatchedFolders
from ..models.bundled import BUNDLED, BundledModel
from ..models.endpoint.chat import LanguageModel
from ..models.lazy import Lazy
from ..models.text.transformer import Transformer
from ..models.worker_pool import WorkerPool
from ..pipeline.request import DEFAULT
from ..pipeline.search import Pipeline
from ..prompts.templates import Template
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import RerankEndpoint
from ..rerank.late_interaction import WEIGHTS as MAXSIM_WEIGHTS
from ..rerank.late_interaction import LateInteraction
from ..rerank.llm.listwise import Listwise
from ..search.relative_paths import RelativePaths
from ..search.retriever import FusionOptions, Retriever
from ..settings.load import Settings
from ..store.collection import Store
from ..store.feedback_log import FOLDER, FeedbackLog
from ..store.gate import Gate
from .chunking import build_chunker
from .encoders import EncoderBuilder, build_encoder, new_manifest, sparse_encoder
from .extensions import PluginEncoder, PluginReranker
from .rerankers import RerankerBuilder
from .reranking import RerankingParts, build_reranking
from .stores import open_store, own_files


@dataclass(frozen=True, slots=True)
class Services:
    """The packages below, and limits from the settings."""

    pipeline: Pipeline
    ingestor: Ingestor
    remover: Remover
    store: Store
    locks: WriteLocks
    """What writes to a collection holds its lock."""
    parser: DocumentParser
    roots: Roots
    max_file_bytes: int
    gitignore: bool
    """Whether .gitignore files decide what is skipped in folders."""
    watched: WatchedFolders
    """The folders that the engine keeps collections in step with."""
    watches_ingested: bool = False
    """Whether the folders that are ingested are to be watched."""
    urls: UrlOptions | None = None
    """How documents are fetched by their URLs; None fetches none."""
    feedback: FeedbackLog | None = None
    """Where searches and what was used of them are kept; None keeps none."""

    def reading(self, folders: Sequence[Path]) -> "Services":
        """Return the same services for a caller who may read these folders, and whose relative paths start there."""
        roots = Roots.of(folders, own=self.roots.own)
        paths = RelativePaths.to(roots.folders)
        return replace(
            self, roots=roots, pipeline=self.pipeline.with_paths(paths), remover=self.remover.with_paths(paths)
        )


logger = logging.getLogger(__name__)

ENCODER = "all-MiniLM-L6-v2-int8"

LOCAL_STEP = 32  # passages between two reports of progress; an endpoint gets more at once, which it answers in parallel

WARM_AFTER_S = 0.3  # until a client that has just started has its tools: loading slows down everything beside it

MAX_THREADS = 4  # more slow down other programs on a desktop more than they speed up a search

# Fitted to the best hits of five development sets, one question in four without an answer (benchmarks, "Relevance").
DENSE_CALIBRATION = Logistic(7.14, -4.60)

MAXSIM_CALIBRATION = Logistic(7.56, -5.12)


@dataclass(frozen=True, slots=True)
class Engine:
    """What the server and the command line work with: `services`, `warm` after a start, and `close` at the end.

    The other fields are for `resift doctor` and the MCP server, which show and check them.
    """

    settings: Settings
    services: Services
    transformer: Lazy[Transformer]
    encoder: Encoder
    cross_encoder: CrossEncoder
    templates: Mapping[str, Template]
    jobs: JobRunner
    """Ingestion in the background."""
    language_model: LanguageModel | None = None
    listwise: Listwise | None = None
    rerankers_to_close: tuple[RerankEndpoint | PluginReranker, ...] = ()
    gate: Gate = field(default_factory=Gate)
    """Through which every call of the API goes."""
    warmed: anyio.Event = field(default_factory=anyio.Event)
    """Set when the models are loaded that a search needs by default."""

    @property
    def feedback(self) -> FeedbackLog:
        """Return the log of feedback, which can be read even when nothing more is recorded."""
        return _feedback(self.settings)

    async def warm(self) -> None:
        """Load the models that a search needs by default, so that the first search does not wait for them."""
        if isinstance(self.encoder, BundledEncoder):
            await self.transformer.get()
        elif isinstance(self.encoder, LocalEncoder):
            await self.encoder.encode_query("warm")
        default = self.services.pipeline.rerankers.scorer(DEFAULT)
        if default is not None and default.name == self.cross_encoder.name:
            await self.cross_encoder.load()
        if self.services.pipeline.rephraser is not None:
            await self.services.pipeline.rephraser.load()
        self.warmed.set()

    async def close(self) -> None:
        """Flush the store, release the data directory, end worker processes and close connections."""
        self.services.parser.close()
        await self.services.store.close()
        if self.language_model is not None:
            await self.language_model.close()
        if isinstance(self.encoder, RemoteEncoder | PluginEncoder):
            await self.encoder.close()
        for reranker in self.rerankers_to_close:
            await reranker.close()


@asynccontextmanager
async def running(engine: Engine) -> AsyncGenerator[None]:
    """Load the models in the background, and close the engine at the end."""
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_warm, engine)
            yield
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await engine.close()


async def _warm(engine: Engine) -> None:
    """Load the models. A failure is logged, and the first search reports it to its caller."""
    await anyio.sleep(WARM_AFTER_S)
    try:
        await engine.warm()
        logger.info("The models are loaded")
    except ResiftError as error:
        logger.error("The models could not be loaded: %s", error)  # noqa: TRY400 - the message says what to do
    except Exception:  # in a background task no failure may end the server
        logger.exception("The models could not be loaded")


def build_engine(settings: Settings, *, roots: Sequence[Path] = ()) -> Engine:
    """Return the engine. Models are loaded and the store is opened when first used.

    `roots` are folders that may be read in addition to those of the settings. Without any, the working directory is.

    Raises:
        InvalidInput: The settings name a reranker or encoder that does not exist or cannot be used.
    """
    models = _build_models(settings)
    builder = RerankerBuilder(settings, models.workers)
    reranking = build_reranking(builder, _maxsim(models, builder))
    gate = Gate()
    return Engine(
        settings,
        _build_services(settings, models, reranking, roots=[*roots, *settings.ingest_roots]),
        transformer=models.transformer,
        encoder=models.encoder,
        cross_encoder=reranking.cross_encoder,
        templates=reranking.templates,
        language_model=reranking.language_model,
        listwise=reranking.listwise,
        rerankers_to_close=reranking.to_close,
        jobs=JobRunner(JobFolder(settings.data_dir / JOBS), gate),
        gate=gate,
    )


@dataclass(frozen=True, slots=True)
class _Models:
    """The models that searching and ingesting share, and the threads that run them."""

    workers: WorkerPool
    bundled: BundledModel
    transformer: Lazy[Transformer]
    encoder: Encoder
    extra_encoders: ExtraEncoders


def _build_models(settings: Settings) -> _Models:
    workers = WorkerPool(settings.threads or min(os.cpu_count() or 1, MAX_THREADS))
    model = BUNDLED[ENCODER]
    transformer = Lazy(lambda: Transformer.open(model))
    bundled = BundledEncoder(model, transformer, workers)
    return _Models(
        workers,
        model,
        transformer=transformer,
        encoder=build_encoder(EncoderBuilder(settings, workers, bundled)),
        extra_encoders=ExtraEncoders(tokens=bundled, sparse=sparse_encoder(settings, workers)),
    )


def _maxsim(models: _Models, builder: RerankerBuilder) -> LateInteraction:
    return LateInteraction(
        models.bundled,
        models.transformer,
        models.workers,
        calibration=MAXSIM_CALIBRATION,
        weights=builder.weights(MAXSIM_WEIGHTS),
    )


def _build_services(settings: Settings, models: _Models, parts: RerankingParts, *, roots: Sequence[Path]) -> Services:
    store, locks, feedback = open_store(settings), WriteLocks(), _feedback(settings)
    parser = open_parser_pool(settings.ingest.record_fields)
    readable = Roots.of(roots or [Path.cwd()], own=own_files(settings))
    paths = RelativePaths.to(readable.folders)
    manifest = new_manifest(settings, models.encoder, models.extra_encoders)
    pipeline = Pipeline(
        store,
        Retriever(models.encoder, extra_encoders=models.extra_encoders, options=_fusion_options(settings)),
        parts.reranking,
        manifest=manifest,
        dense_calibration=DENSE_CALIBRATION if isinstance(models.encoder, BundledEncoder) else None,
        paths=paths,
    )
    pipeline.rephraser = parts.rephraser
    ingestor = Ingestor(
        store,
        Embedder(models.encoder, models.extra_encoders),
        build_chunker(settings, models.encoder, models.bundled),
        models.workers,
        manifest=manifest,
        locks=locks,
        parser=parser,
        step=LOCAL_STEP if isinstance(models.encoder, BundledEncoder | LocalEncoder) else STEP_PASSAGES,
    )
    return Services(
        pipeline=pipeline,
        ingestor=ingestor,
        remover=Remover(store, locks, feedback, paths=paths),
        store=store,
        locks=locks,
        parser=parser,
        roots=readable,
        max_file_bytes=settings.ingest.max_bytes,
        gitignore=settings.ingest.gitignore,
        watched=WatchedFolders(settings.data_dir),
        watches_ingested=settings.serve.watch,
        urls=_url_options(settings),
        feedback=feedback if settings.feedback else None,
    )


def _fusion_options(settings: Settings) -> FusionOptions:
    search = settings.search
    return FusionOptions(search.fusion, search.dense_weight, leg_limit=search.leg_limit, late_weight=search.late_weight)


def _url_options(settings: Settings) -> UrlOptions | None:
    ingest = settings.ingest
    if not ingest.urls:
        return None
    return UrlOptions(ingest.url_timeout_s, UrlRules(frozenset(ingest.url_ports)))


def _feedback(settings: Settings) -> FeedbackLog:
    return FeedbackLog(settings.data_dir / FOLDER)
