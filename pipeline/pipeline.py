"""The whole way of a question; tools, command line and benchmarks all ask here."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..core.calibration import Logistic
from ..core.errors import InvalidInput, NotFound, nearest
from ..core.values import Hit, Passage, Ranking
from ..rerank.blend import Weights, with_reranker, with_shares
from ..rerank.budget import Budget, Pace
from ..rerank.reranker import Reranker
from ..rerank.signals import NO_METADATA, MetadataSignals, Mix
from ..rerank.stage import rerank_head
from ..search.filters import parse_filter
from ..search.manifest import Manifest
from ..search.retrieve import Retriever, Search
from ..search.store import Collection, Store
from .plan import Plan, plan
from .question import MAX_RESULTS, Page, Question, check_query, judge

NONE = "none"
DEFAULT = "default"
_NARROWER = "Ask a narrower question, or add a filter."


@dataclass(frozen=True, slots=True)
class Reranking:
    """The rerankers there are, by name, and how their scores are mixed with those of retrieval."""

    rerankers: Mapping[str, Reranker]
    default: str
    weight: float | None = None
    """Share of the reranker's score in the final one, 0..1; None leaves it to the reranker's own weights."""
    metadata: MetadataSignals = NO_METADATA

    def weights_of(self, reranker: Reranker) -> Weights:
        """Return the weights with a reranker where neither the question nor a tuning says others."""
        return reranker.weights if self.weight is None else with_reranker(self.weight)


class Pipeline:
    """Retrieves, reranks, blends and judges."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        reranking: Reranking,
        *,
        manifest: Manifest,
        dense_calibration: Logistic,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._retriever = retriever
        self._reranking = reranking
        self._manifest = manifest
        self._dense_calibration = dense_calibration
        self._clock = clock
        self._now = now
        self._paces = defaultdict[str, Pace](Pace)  # by the name of the reranker's model

    @property
    def manifest(self) -> Manifest:
        """Return what collections are made with now."""
        return self._manifest

    @property
    def rerankers(self) -> list[str]:
        """Return the names that a question may give as its reranker."""
        return [DEFAULT, NONE, *sorted(self._reranking.rerankers)]

    async def ask(self, question: Question) -> Page:
        """Return one page of the answer.

        Raises:
            InvalidInput: On an unusable query, filter, page or reranker.
            NotFound: When there is no such collection.
        """
        query = check_query(question.query)
        if question.offset >= MAX_RESULTS:
            raise InvalidInput(f"Hits beyond the first {MAX_RESULTS} are not shown. {_NARROWER}")
        question = replace(question, limit=min(question.limit, MAX_RESULTS - question.offset))
        reranker = self.reranker(question.reranker)
        collection = await self.open(question.collection)
        planned = None if reranker is None else self._plan(question, collection, reranker)
        head = 0 if planned is None else planned.depth
        ranking = await self._retriever.retrieve(collection, _search_of(question, query, collection, head=head))
        ranking = self._with_relevance(ranking)
        if reranker is not None and planned is not None:
            budget = Budget(planned.depth, question.time_budget_ms)
            ranking = await self._rerank(ranking, query, reranker, budget, planned.mix)
        return _page(_with_instruction_note(ranking, question.instruction), question)

    async def rerank(self, query: str, passages: Sequence[Passage], *, limit: int, reranker: str = DEFAULT) -> Page:
        """Return the passages reordered by the reranker alone; `was` is their place in the input.

        Raises:
            InvalidInput: On an unusable query or reranker.
        """
        query = check_query(query)
        chosen = self.reranker(reranker)
        if chosen is None:
            raise InvalidInput(f"Reranker 'none' reorders nothing. Known: {', '.join(self.rerankers)}.")
        hits = [Hit(passage, score=0.0, rank=rank, was=rank) for rank, passage in enumerate(passages, start=1)]
        alone = Mix({"rerank": 1.0})
        ranking = await self._rerank(Ranking(hits), query, chosen, Budget(len(hits)), alone)
        return replace(_page(ranking, Question(query, limit=limit)), pages=False)

    async def open(self, name: str) -> Collection:
        """Return an existing collection that was written with the models in use.

        Raises:
            NotFound: When there is none of that name.
            IncompatibleCollection: When it was written with other models.
        """
        collection = await self._store.open(name)
        collection.manifest.check(name, self._manifest)
        return collection

    @property
    def metadata(self) -> MetadataSignals:
        """Return what metadata adds to final scores."""
        return self._reranking.metadata

    def configured_weights(self, reranker: Reranker) -> Weights:
        """Return the weights in the final score where neither the question nor a tuning says others."""
        return with_shares(self._reranking.weights_of(reranker), self._reranking.metadata.shares)

    def reranker(self, name: str) -> Reranker | None:
        """Return the reranker that a question may give by this name; None for "none".

        Raises:
            NotFound: When there is none; lists the known ones.
        """
        name = self._reranking.default if name in ("", DEFAULT) else name
        if name == NONE:
            return None
        if name not in self._reranking.rerankers:
            known = self.rerankers
            raise NotFound(f"No reranker {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
        return self._reranking.rerankers[name]

    def with_rerankers(self, wrap: Callable[[Reranker], Reranker]) -> "Pipeline":
        """Return a pipeline over the same store whose rerankers are wrapped."""
        wrapped = {name: wrap(reranker) for name, reranker in self._reranking.rerankers.items()}
        other = copy(self)
        other._reranking = replace(self._reranking, rerankers=wrapped)
        other._paces = defaultdict[str, Pace](Pace)
        return other

    def _plan(self, question: Question, collection: Collection, reranker: Reranker) -> Plan:
        return plan(
            question,
            collection.manifest.tuning.get(reranker.name),
            weights=self._reranking.weights_of(reranker),
            metadata=self._reranking.metadata,
            now=self._now(),
        )

    async def _rerank(self, ranking: Ranking, query: str, reranker: Reranker, budget: Budget, mix: Mix) -> Ranking:
        pace = self._paces[reranker.name]
        return await rerank_head(ranking, query, reranker, budget=budget, mix=mix, pace=pace, clock=self._clock)

    def _with_relevance(self, ranking: Ranking) -> Ranking:
        """Judge each hit by its dense score, for want of a reranker's; keyword hits stay without."""
        hits = [
            replace(hit, relevance=self._dense_calibration.probability(hit.scores["dense"]))
            if "dense" in hit.scores
            else hit
            for hit in ranking.hits
        ]
        return replace(ranking, hits=hits)


def _search_of(question: Question, query: str, collection: Collection, *, head: int) -> Search:
    return Search(
        query=query,
        mode=question.mode,
        where=parse_filter(question.filter, collection.manifest.fields),
        # One more, to know whether a page follows; all, where some of them will be left out.
        wanted=MAX_RESULTS + 1 if question.min_relevance else question.offset + question.limit + 1,
        head=head,
        per_document=question.per_document,
        field=question.field,
    )


def _with_instruction_note(ranking: Ranking, instruction: str) -> Ranking:
    if not instruction.strip():
        return ranking
    note = "The instruction was not followed: no reranker that takes instructions is configured."
    return replace(ranking, notes=[*ranking.notes, note])


def _page(ranking: Ranking, question: Question) -> Page:
    least = question.min_relevance
    hits = [hit for hit in ranking.hits if hit.relevance is None or hit.relevance >= least]
    # What the reranker read decides; the relevance of hits behind that is of another, coarser kind.
    was_reranked = any("rerank" in hit.scores for hit in ranking.hits)
    verdict = judge([hit for hit in hits if "rerank" in hit.scores] if was_reranked else hits)
    notes = list(ranking.notes)
    if dropped := len(ranking.hits) - len(hits):
        notes.append(f"{dropped} hits below min_relevance {question.min_relevance} were left out.")
    end = question.offset + question.limit
    more = len(hits) > end
    if more and end >= MAX_RESULTS:
        notes.append(f"These are the last of the first {MAX_RESULTS} hits. {_NARROWER}")
    shown = replace(ranking, hits=hits[question.offset : end], notes=notes)
    return Page(shown, verdict, offset=question.offset, more=more and end < MAX_RESULTS)
