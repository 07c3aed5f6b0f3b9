"""The whole path of a query: retrieve, rerank, blend, and judge the result."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from ..core.errors import InvalidInput
from ..core.query import Query
from ..core.text import listed
from ..core.tracing import traced
from ..core.values import Hit, Logistic, Passage, Ranking
from ..core.vectors import DENSE
from ..rerank.protocols import Orderer, Scorer
from ..rerank.signals import NO_METADATA, Mix
from ..rerank.stages.cascade import Cascade, PlannedStage
from ..rerank.stages.order import OrderStage, PlannedOrder
from ..rerank.stages.score import PlannedScore
from ..search.legs import Retrieval
from ..search.relative_paths import NO_FOLDERS, RelativePaths
from ..search.retriever import Retriever
from ..store.collection import Collection, Store
from ..store.manifest import Manifest, TunedVerdicts
from .evidence import Judge, last_scoring_stage
from .page import Page, page_of
from .plan import Rerankers, plan_stages, verdict_models
from .preferences import REORDERED_HITS, Preferences, signals_of
from .relevance_feedback import SecondSearch, feedback_passages
from .rephrasing import Rephrased, Rephraser
from .request import (
    DEFAULT,
    DEFAULT_LIMIT,
    EVERY_COLLECTION,
    MAX_RESULTS,
    NO_RERANKER,
    SearchRequest,
    clean_instruction,
    clean_query,
    prepare,
    query_of,
)
from .scope import Scope
from .selection import open_scope, selection_of

NO_WORDS = "No passage contains any word of the query. Mode 'hybrid' searches by meaning too."
UNCALIBRATED = "Relevance is unknown: only the bundled encoder and rerankers are calibrated."


class Pipeline:
    """Answers questions from the collections of a store."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        rerankers: Rerankers,
        *,
        manifest: Manifest,
        dense_calibration: Logistic | None,
        paths: RelativePaths = NO_FOLDERS,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.rerankers = rerankers
        self.manifest = manifest
        """The manifest of new collections."""
        self.rephraser: Rephraser | None = None
        """What writes phrasings of queries that come without, if the settings ask for it."""
        self.paths = paths
        """The folders to which paths in requests and answers may be relative."""
        self.observers: list[Callable[[Page], None]] = []
        """What sees every answer, such as metrics."""
        self._store = store
        self._retriever = retriever
        self._dense_calibration = dense_calibration
        self._clock = clock
        self._now = now

    @property
    def knows_cosines(self) -> bool:
        """Return whether dense scores are cosines of the bundled encoder, to which calibrations are fitted."""
        return self._dense_calibration is not None

    async def search(self, request: SearchRequest, *, visible: Callable[[Iterable[str]], list[str]] = list) -> Page:
        """Return one page of the answer. `visible` returns which of all collections "*" stands for.

        Raises:
            InvalidInput: The query, filter, weights or examples cannot be used.
            NotFound: There is no such collection, reranker or example.
        """
        request = prepare(request)
        query = query_of(request, clock=self._clock, now=self._now())
        cascade = self.rerankers.cascade(request.reranker) if request.query else None
        scope = await self._scope(request, visible)
        request = _with_stored_examples(request, scope.examples)
        metadata = signals_of(request, self.rerankers.metadata, scope.fields)
        tunings = scope.tunings
        stages = plan_stages(request, cascade, metadata=metadata, tunings=tunings, now=query.now) if cascade else []
        head = stages[0].depth if stages else 0
        rephrased = await self._rephrase(request, query, scope, stages=len(stages))
        preferences = Preferences(request, metadata, stages)
        is_late = request.collapse and preferences.decides_among_equals
        retrieval = _retrieval(request, scope, head=head, collapses_later=is_late)
        with traced("retrieve") as report:
            ranking = report(await self._retriever.retrieve(scope.searched, rephrased.query, retrieval))
        ranking = self._with_relevance(rephrased.before(ranking), is_reranked=bool(stages))
        before = ranking = preferences.weighed(ranking, query)
        query = rephrased.for_reranking(request.time_budget_ms)
        for stage in self._with_feedback(request, query, stages=stages, scope=scope, first=retrieval):
            with traced(f"rerank {stage.name}") as report:
                before, ranking = ranking, report(await stage.run(ranking, query))
        ranking = await preferences.applied(ranking, query, before=before, scope=scope)
        nothing = [] if ranking.hits else await _why_nothing(request, scope)
        notes = [*ranking.notes, *self._notes(request, cascade), *scope.notes(is_reranked=bool(stages)), *nothing]
        page = page_of(
            replace(ranking, notes=notes),
            offset=request.offset,
            limit=request.limit,
            min_relevance=request.min_relevance,
            judge=self._judge(ranking, query, stages, scope.verdicts),
        )
        asked = " ".join([request.query, *request.queries])
        return self._observed(replace(page, names=await scope.short_names(_shown(page, request.limit)), query=asked))

    async def rerank(
        self, query: str, passages: Sequence[Passage], *, limit: int, reranker: str = DEFAULT, instruction: str = ""
    ) -> Page:
        """Return the passages in the order of the reranker alone; `was` is the rank in the input.

        Raises:
            InvalidInput: The query is empty or too long, or the reranker is "none".
            NotFound: There is no such reranker.
        """
        cleaned = self._query(query, instruction)
        cascade = self.rerankers.cascade(reranker)
        if cascade is None:
            known = listed(name for name in self.rerankers.names if name != NO_RERANKER)
            raise InvalidInput(f"The reranker 'none' reorders nothing. Known: {known}.")
        request = SearchRequest(cleaned.text, limit=limit, depth=min(len(passages), MAX_RESULTS))
        stages = plan_stages(request, cascade, metadata=NO_METADATA, tunings={}, now=cleaned.now)
        if isinstance(stages[0], PlannedScore):
            stages[0] = replace(stages[0], mix=Mix({"rerank": 1.0}))
        ranking = _as_ranking(passages)
        for stage in stages:
            with traced(f"rerank {stage.name}") as report:
                ranking = report(await stage.run(ranking, cleaned))
        judge = self._judge(ranking, cleaned, stages, {})
        return self._observed(replace(page_of(ranking, limit=limit, judge=judge), pages=False))

    async def order(
        self, query: str, passages: Sequence[Passage], orderer: Orderer, *, instruction: str, limit: int
    ) -> Page:
        """Return the passages in the order of a model that does not score; `was` is the rank in the input.

        Raises:
            InvalidInput: The query is empty or too long.
        """
        cleaned = self._query(query, instruction)
        stage = PlannedOrder(OrderStage("llm", orderer), len(passages))
        with traced(f"rerank {stage.name}") as report:
            ranking = report(await stage.run(_as_ranking(passages), cleaned))
        return self._observed(replace(page_of(ranking, limit=limit), pages=False))

    async def open(self, name: str) -> Collection:
        """Return an existing collection that was written with the models in use.

        Raises:
            NotFound: There is no such collection.
            IncompatibleCollection: It was written with other models.
        """
        collection = await self._store.open(name)
        collection.manifest.check(name, self.manifest)
        return collection

    def _observed(self, page: Page) -> Page:
        """Return the answer to a question after the observers have seen it."""
        for observe in self.observers:
            observe(page)
        return page

    def with_scorers(self, wrap: Callable[[Scorer], Scorer]) -> "Pipeline":
        """Return a pipeline over the same store whose scorers are wrapped."""
        other = copy(self)
        other.rerankers = self.rerankers.wrapped(wrap)
        return other

    def with_paths(self, paths: RelativePaths) -> "Pipeline":
        """Return a pipeline over the same store in which paths are relative to other folders."""
        other = copy(self)
        other.paths = paths
        return other

    async def _rephrase(self, request: SearchRequest, query: Query, scope: Scope, *, stages: int) -> Rephrased:
        """Return the query with the phrasings that a language model writes, if the settings ask for some."""
        if self.rephraser is None:
            return Rephrased(query)
        rephrased = await self.rephraser.rephrase(request, query, stages=stages)
        scope.search_also(rephrased.query.phrasings)
        return rephrased

    async def _scope(self, request: SearchRequest, visible: Callable[[Iterable[str]], list[str]]) -> Scope:
        is_every = EVERY_COLLECTION in request.collection
        known = await self._store.names() if is_every else []
        names = visible(known) if is_every else request.named
        selection = selection_of(names, is_every=is_every, has_others=len(known) > len(names))
        return await open_scope(request, selection, open_one=self.open, paths=self.paths)

    def _with_feedback(
        self, request: SearchRequest, query: Query, *, stages: Sequence[PlannedStage], scope: Scope, first: Retrieval
    ) -> Sequence[PlannedStage | SecondSearch]:
        """Return the stages with one after the first that searches once more, if there is to be one."""
        passages = feedback_passages(request, stages, self.rerankers.feedback)
        if not passages or not isinstance(stages[0], PlannedScore):
            return stages
        search, shown = partial(self._retriever.retrieve, scope.searched, query), max(request.limit, DEFAULT_LIMIT)
        second = SecondSearch(stages[0], passages, first=first, search=search, example=scope.example, shown=shown)
        return [stages[0], second, *stages[1:]]

    def _query(self, text: str, instruction: str) -> Query:
        return Query(clean_query(text), instruction=clean_instruction(instruction), clock=self._clock, now=self._now())

    def _judge(
        self, ranking: Ranking, query: Query, stages: Sequence[PlannedStage], tuned: Mapping[str, TunedVerdicts]
    ) -> Judge:
        """Return what gives the verdict on a ranking: what was tuned for the collection, else the reranker's own."""
        models = verdict_models(last_scoring_stage(ranking), stages, tuned)
        return Judge(models, query.text, knows_cosines=self.knows_cosines)

    def _notes(self, request: SearchRequest, cascade: Cascade | None) -> list[str]:
        """Return notes on what the caller requested and no stage did."""
        if not request.query and request.reranker != NO_RERANKER:
            return ["Nothing was reranked: there is no query to compare passages with."]
        if not request.instruction or (cascade and cascade.takes_instructions):
            return []
        able = [name for name, each in sorted(self.rerankers.cascades.items()) if each.takes_instructions]
        why = f"Rerankers that follow one: {listed(able)}" if able else "No reranker that follows one is configured"
        data = "With any reranker, `recency` prefers newer passages, and `boost` values of a field"
        return [f"The instruction was not followed. {why}. {data}."]

    def _with_relevance(self, ranking: Ranking, *, is_reranked: bool) -> Ranking:
        """Return the ranking with calibrated dense scores. Hits that only keyword search found have no relevance."""
        if self._dense_calibration is None:
            has_scores = not is_reranked and any(DENSE in hit.scores for hit in ranking.hits)
            return replace(ranking, notes=[*ranking.notes, UNCALIBRATED]) if has_scores else ranking
        probability = self._dense_calibration.probability
        hits = [
            replace(hit, relevance=probability(hit.scores[DENSE])) if DENSE in hit.scores else hit
            for hit in ranking.hits
        ]
        return replace(ranking, hits=hits)


def _shown(page: Page, limit: int) -> list[Hit]:
    """Return the hits of a page and the first ones before reranking, which `resift search --explain` shows as well."""
    return [*page.hits, *(hit for hit in page.following if hit.was <= limit)]


async def _why_nothing(request: SearchRequest, scope: Scope) -> list[str]:
    """Return notes on why a search found nothing."""
    return await scope.why_nothing() or ([NO_WORDS] if request.mode == "keyword" else [])


def _with_stored_examples(request: SearchRequest, stored: Mapping[str, str]) -> SearchRequest:
    """Return the request with its example passages by the ids under which they are stored."""
    like, unlike = [[stored[each] for each in ids] for ids in (request.like, request.unlike)]
    return replace(request, like=like, unlike=unlike)


def _retrieval(request: SearchRequest, scope: Scope, *, head: int, collapses_later: bool) -> Retrieval:
    # One more hit than shown tells whether a page follows. Hits below min_relevance are left out, so fetch them all.
    wanted = MAX_RESULTS + 1 if request.min_relevance else request.offset + request.limit + 1
    return Retrieval(
        mode=request.mode,
        where=scope.where,
        wanted=max(wanted, REORDERED_HITS) if request.reorders else wanted,
        head=head,
        per_document=request.per_document,
        collapses=request.collapse and not collapses_later,
        collapses_later=collapses_later,
        fields=request.fields,
        like=request.like,
        unlike=request.unlike,
    )


def _as_ranking(passages: Sequence[Passage]) -> Ranking:
    return Ranking([Hit(passage, 0.0, rank=rank, was=rank) for rank, passage in enumerate(passages, start=1)])
