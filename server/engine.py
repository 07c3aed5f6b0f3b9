"""One engine per process: store, models and services, put together from the settings."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.calibration import Logistic
from ..core.errors import InvalidInput
from ..ingest.cut import Cutter
from ..ingest.job import Ingestor
from ..ingest.locks import WriteLocks
from ..ingest.pack import Chunking
from ..ingest.removal import Remover
from ..ingest.roots import Roots
from ..models.bundled import BUNDLED, RERANKER, TOKENIZER_FILE, BundledModel, verify
from ..models.cross_encoders import find_cross_encoder
from ..models.deferred import Deferred
from ..models.language_model import LanguageModel
from ..models.transformer import Transformer
from ..models.workers import Workers
from ..pipeline.pipeline import DEFAULT, NONE, Pipeline
from ..pipeline.plan import Reranking
from ..prompts.templates import Template
from ..rerank.cascade import Cascade, Scored, Step
from ..rerank.cross_encoder import CrossEncoder
from ..rerank.endpoint import RerankEndpoint
from ..rerank.late_interaction import WEIGHTS as MAXSIM_WEIGHTS
from ..rerank.late_interaction import LateInteraction
from ..rerank.listwise import Listwise
from ..rerank.signals import MetadataSignals
from ..search.encode import BundledEncoder, Encoder
from ..search.feedback import FOLDER, FeedbackLog
from ..search.further import Further
from ..search.other_encoders import LocalEncoder, RemoteEncoder
from ..search.retrieve import FusionOptions, Retriever
from ..tools.services import Services
from .encoders import Parts, build_encoder
from .language_model import open_language_model, open_listwise, open_templates, ordering_step
from .new_collections import new_manifest, sparse_encoder
from .reranker_settings import CROSS_ENCODER, LLM, MAXSIM
from .rerankers import READ_AT_ONCE, Workshop, build_cascades, build_steps
from .settings import Settings
from .stores import open_store

NEEDS_A_MODEL = " Set RESIFT_LLM__MODEL, and OPENAI_API_KEY or OPENAI_BASE_URL."
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
    transformer: Deferred[Transformer]
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
        if isinstance(self.encoder, RemoteEncoder):
            await self.encoder.close()
        for endpoint in self.endpoints:
            await endpoint.close()


def build_engine(settings: Settings, *, roots: Sequence[Path] = ()) -> Engine:
    """Return the engine; nothing is loaded or opened before it is needed.

    `roots` are folders that may be read beside those of the settings; without any, the working directory may be.

    Raises:
        InvalidInput: When the settings name a reranker that does not exist.
    """
    workers = Workers(settings.threads or min(os.cpu_count() or 1, MOST_THREADS))
    model = BUNDLED[ENCODER]
    transformer = Deferred(lambda: Transformer.open(model))
    bundled = BundledEncoder(model, transformer, workers)
    encoder = build_encoder(Parts(settings, workers, bundled))
    further = Further(tokens=bundled, sparse=sparse_encoder(settings, workers))
    store = open_store(settings)
    shop = Workshop(settings, workers)
    found = find_cross_encoder(settings.reranker or str(RERANKER))
    cross_encoder = CrossEncoder(replace(found, weights=shop.weights(found.weights)), workers)
    maxsim = LateInteraction(
        model, transformer, workers, calibration=MAXSIM_CALIBRATION, weights=shop.weights(MAXSIM_WEIGHTS)
    )
    configured, endpoints = build_steps(shop)
    steps: dict[str, Step] = {
        CROSS_ENCODER: Scored(CROSS_ENCODER, shop.cached(cross_encoder), slice=READ_AT_ONCE),
        MAXSIM: Scored(MAXSIM, shop.cached(maxsim)),
        **configured,
    }
    templates, language_model = open_templates(settings), open_language_model(settings)
    listwise = open_listwise(settings, language_model, templates)
    if listwise is not None:
        steps[LLM] = ordering_step(listwise, settings)
    cascades = build_cascades(settings.rerankers, steps)
    if listwise is not None:
        cascades[LLM] = Cascade((steps[CROSS_ENCODER], steps[LLM]))
    manifest = new_manifest(settings, encoder, further)
    locks = WriteLocks()
    search = settings.search
    fusion = FusionOptions(search.fusion, search.dense_weight, search.leg_limit, search.late_weight)
    services = Services(
        pipeline=Pipeline(
            store,
            Retriever(encoder, further=further, options=fusion),
            Reranking(
                cascades,
                default=_default(settings, cascades),
                metadata=MetadataSignals(**settings.blend.model_dump()),
                absent={LLM: NEEDS_A_MODEL},
            ),
            manifest=manifest,
            dense_calibration=DENSE_CALIBRATION if encoder is bundled else None,
        ),
        ingestor=Ingestor(
            store,
            encoder,
            Deferred(lambda: _open_cutter(settings, model)),
            workers,
            manifest=manifest,
            locks=locks,
            further=further,
        ),
        remover=Remover(store, locks, _feedback(settings)),
        store=store,
        roots=Roots.of([*roots, *settings.ingest_roots] or [Path.cwd()]),
        max_file_bytes=settings.ingest.max_bytes,
        feedback=_feedback(settings) if settings.feedback else None,
    )
    return Engine(
        settings,
        services,
        transformer,
        encoder,
        cross_encoder,
        templates,
        language_model,
        listwise,
        tuple(endpoints),
    )


def _feedback(settings: Settings) -> FeedbackLog:
    return FeedbackLog(settings.data_dir / FOLDER)


def _default(settings: Settings, cascades: Mapping[str, Cascade]) -> str:
    chosen = settings.rerank.default
    if chosen not in {NONE, *cascades}:
        known = ", ".join([NONE, *cascades])
        raise InvalidInput(f"RESIFT_RERANK__DEFAULT = {chosen!r} is no reranker. Known: {known}.")
    return chosen


def _open_cutter(settings: Settings, model: BundledModel) -> Cutter:
    from tokenizers import Tokenizer

    ingest = settings.ingest
    chunking = Chunking(ingest.max_tokens, ingest.overlap_tokens, ingest.min_tokens)
    return Cutter(Tokenizer.from_file(str(verify(model) / TOKENIZER_FILE)), chunking)
