"""`Resift`: search and rerank from Python."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..core.errors import InvalidInput, NotFound
from ..core.extras import require_extra
from ..core.text import listed
from ..core.values import Hit
from ..evaluation.judged import JudgedSet, checked, sample
from ..factories.engine import Engine, Services, build_engine
from ..ingest.removal import Removed
from ..ingest.report import IngestReport, awaited
from ..pipeline.page import Page
from ..pipeline.reading import Extract
from ..pipeline.request import EVERY_COLLECTION, SearchRequest
from ..pipeline.summary import CollectionSummary, FieldSummary, summarize_all, summarize_fields
from ..search.relative_paths import NO_NAMES, ShortNames
from ..settings.load import Settings, load_settings
from ..store.manifest import Tuning
from .arguments import build, takes
from .caller import CALLER
from .extracts import read
from .ingestion import ingest
from .passages import read_passages, searched
from .requests import DeleteRequest, EvaluateRequest, IngestRequest, LlmRerankRequest, ReadRequest, RerankRequest
from .unfinished import as_it_may_come, delete, notes_on_unfinished

if TYPE_CHECKING:
    from ..evaluation.report.content import EvaluationReport


class Resift:
    """Collections of documents that can be searched and reranked.

    Use it as an asynchronous context manager; leaving it closes the store. `settings` default to the environment and
    the settings file; keyword arguments override single ones, as in `Resift(data_dir="index")`. For code without an
    event loop there is `SyncResift`.

    `engine` is for servers: it supplies an engine that is already built. The roots of the engine, or those of the
    caller for whom the server works, then limit which files may be ingested. Otherwise every path that is passed to
    `ingest` may be read.

    Raises:
        InvalidInput: A setting is unknown or invalid.
    """

    def __init__(self, settings: Settings | None = None, *, engine: Engine | None = None, **overrides: Any) -> None:
        self._is_own = engine is None
        if overrides and (settings is not None or engine is not None):
            raise InvalidInput(f"{listed(sorted(overrides))}: pass single settings, or `settings`, not both.")
        if engine is None:
            engine = build_engine(load_settings(**overrides) if settings is None else settings)
        self.engine = engine

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Flush and close the store, and close connections to endpoints. Later calls are refused."""
        self.engine.gate.end()
        await self.engine.close()

    @property
    def services(self) -> Services:
        """Return what the calls work with; for a caller of a server, with the folders of that caller."""
        roots = CALLER.get().roots
        return self.engine.services if roots is None else self.engine.services.reading(roots)

    @asynccontextmanager
    async def _serving(self, *collections: str, writes: bool = False) -> AsyncGenerator[Services]:
        """Yield the services once the store may be used, if the caller may use the collections.

        Raises:
            Forbidden: The caller may not use one of them, or may only read.
            StoreBusy: Maintenance holds the store for too long.
        """
        caller = CALLER.get()
        for name in collections:
            (caller.require_to_write if writes else caller.require)(name)
        async with self.engine.gate.shared():
            try:
                yield self.services
            except NotFound as error:
                told = await as_it_may_come(caller.told(error), self.engine, collections)
                if told is error:
                    raise
                raise told from None

    @takes(SearchRequest)
    async def search(self, *args: Any, **kwargs: Any) -> Page:
        """Return one page of passages that answer a query, best first.

        Raises:
            InvalidInput: An argument cannot be used.
            NotFound: There is no such collection, reranker or example.
            StoreError: The store cannot be read.
        """
        request = build(SearchRequest, *args, **kwargs)
        async with self._serving(*request.named) as services:
            notes = await notes_on_unfinished(self.engine, request.named)
            return (await services.pipeline.search(request, visible=CALLER.get().visible)).reading_part(notes)

    @takes(RerankRequest)
    async def rerank(self, *args: Any, **kwargs: Any) -> Page:
        """Return passages that the caller already has, best first.

        Raises:
            InvalidInput: An argument cannot be used.
            NotFound: There is no such reranker.
        """
        request = build(RerankRequest, *args, **kwargs)
        async with self.engine.gate.call():
            return await self.services.pipeline.rerank(
                request.query,
                read_passages(request.passages),
                limit=request.limit,
                reranker=request.reranker,
                instruction=request.instruction,
            )

    @takes(LlmRerankRequest)
    async def rerank_with_llm(self, *args: Any, **kwargs: Any) -> Page:
        """Return passages that the caller already has in the order of the language model.

        Raises:
            InvalidInput: An argument cannot be used, or no language model is configured.
        """
        request = build(LlmRerankRequest, *args, **kwargs)
        if self.engine.listwise is None:
            raise InvalidInput(
                "No language model is configured. Set RESIFT_LLM__MODEL, and OPENAI_API_KEY or OPENAI_BASE_URL."
            )
        async with self.engine.gate.call():
            return await self.services.pipeline.order(
                request.query,
                read_passages(request.passages),
                self.engine.listwise.with_template(request.template),
                instruction=request.instruction,
                limit=request.limit,
            )

    @takes(IngestRequest)
    async def ingest(self, *args: Any, **kwargs: Any) -> IngestReport:
        """Take documents into a collection. Unchanged ones cost nothing; changed ones replace their old version.

        Raises:
            InvalidInput: An argument cannot be used. Files that cannot be read are failures in the report.
            StoreError: The store cannot be written.
        """
        request = build(IngestRequest, *args, **kwargs)
        async with self._serving(request.collection, writes=True) as services:
            return await ingest(request, services, reads_any_path=self._is_own or CALLER.get().reads_any_path)

    @takes(ReadRequest)
    async def read(self, *args: Any, **kwargs: Any) -> Extract:
        """Return a document from a passage on, some of its pages, or the passages around a hit.

        Raises:
            InvalidInput: Not exactly one of document_id and passage_id is given, or the arguments do not go together.
            NotFound: There is no such collection, document, passage or page.
        """
        request = build(ReadRequest, *args, **kwargs)
        async with self._serving(request.collection) as services:
            return await read(request, services)

    async def collections(self, name: str = "") -> list[CollectionSummary]:
        """Return the summary of every collection, as for "*", or of one.

        Raises:
            NotFound: There is no collection of that name.
        """
        named = [] if name in ("", EVERY_COLLECTION) else [name]
        async with self._serving(*named) as services:
            names = named or CALLER.get().visible(await services.store.names())
            return await summarize_all(services.pipeline, names)

    async def fields(self, collection: str) -> list[FieldSummary]:
        """Return the metadata fields of a collection with their most frequent values and ranges.

        Raises:
            NotFound: There is no collection of that name.
        """
        async with self._serving(collection) as services:
            return await summarize_fields(await services.pipeline.open(collection))

    async def tunings(self, collection: str) -> Mapping[str, Tuning]:
        """Return what `resift tune` found for a collection, by the name of the reranker's model.

        Raises:
            NotFound: There is no collection of that name.
        """
        async with self._serving(collection) as services:
            return (await services.pipeline.open(collection)).manifest.tuning

    @takes(DeleteRequest)
    async def delete(self, *args: Any, **kwargs: Any) -> Removed:
        """Delete documents by id and filter, or a whole collection. Files on disk are not touched.

        Raises:
            InvalidInput: There is no criterion, or nothing would be left without `everything`.
            NotFound: There is no such collection.
            CollectionBusy: An ingestion into it has not ended. One that is a job of a server is cancelled by
                `everything`.
        """
        request = build(DeleteRequest, *args, **kwargs)
        async with self._serving(request.collection, writes=True) as services:
            return await delete(request, services, self.engine.jobs)

    @takes(EvaluateRequest)
    async def evaluate(self, *args: Any, **kwargs: Any) -> "EvaluationReport":
        """Measure search and reranking on judged questions, and how deep to rerank.

        `data` is a folder in BEIR form, or a file with one `{"query": ..., "relevant": [...]}` per line about
        `collection`. The documents of a folder NAME are ingested into the collection eval-NAME, which holds no others.
        Lines without a query are left out. `depth` and `depths` count documents; depth 0 is the tuned one, or 50.
        `queries` above 0 draws a sample.

        Raises:
            MissingExtra: The extra `eval` is not installed.
            InvalidInput: An argument or the data cannot be used, there is no reranker to evaluate, or eval-NAME holds
                other documents.
            ModelError: The reranker failed.
        """
        asked = build(EvaluateRequest, *args, **kwargs)
        require_extra("eval", "`evaluate`")
        from ..evaluation.experiment import EvaluationRequest, evaluate
        from ..evaluation.judged_files import load_judged

        if isinstance(asked.data, JudgedSet):
            judged = sample(checked(asked.data), asked.queries, seed=asked.seed)
        else:
            judged = load_judged(Path(asked.data), split=asked.split, queries=asked.queries, seed=asked.seed)
        request = EvaluationRequest(
            judged=judged,
            collection=asked.collection,
            reranker=asked.reranker,
            depth=asked.depth,
            depths=asked.depths,
            seed=asked.seed,
        )
        async with self._serving(request.corpus, writes=True) as services:
            return await evaluate(
                request,
                pipeline=services.pipeline,
                ingestor=services.ingestor,
                remover=services.remover,
                now=datetime.now(UTC),
                progress=awaited(asked.progress),
            )

    @property
    def takes_feedback(self) -> bool:
        """Return whether the settings ask for feedback, so that searches can be logged."""
        return self.services.feedback is not None

    async def log_search(self, request: SearchRequest, hits: Sequence[Hit], names: ShortNames = NO_NAMES) -> str:
        """Log the hits that a search showed, and return the id to give feedback on; "" if feedback is off.

        `names` are those by which the caller saw them.

        Raises:
            StoreError: The log cannot be written.
        """
        log = self.services.feedback
        return "" if log is None else await log.log_search(*searched(request, hits, names))

    async def record_feedback(self, search_id: str, *, used: Sequence[str], not_used: Sequence[str] = ()) -> None:
        """Record which passages of a logged search were used, and which were not.

        Raises:
            InvalidInput: Feedback is off, or a passage was not among the hits.
            NotFound: There is no such search.
        """
        log = self.services.feedback
        if log is None:
            raise InvalidInput("Feedback is off. Set RESIFT_FEEDBACK=true.")
        await log.log_feedback(search_id, used, not_used, visible=CALLER.get().visible)

    @property
    def templates(self) -> list[str]:
        """Return the names that `template` takes; none without a language model."""
        return [] if self.engine.listwise is None else self.engine.listwise.templates

    @property
    def rerankers(self) -> list[str]:
        """Return the names that `reranker` takes."""
        return self.services.pipeline.rerankers.names
