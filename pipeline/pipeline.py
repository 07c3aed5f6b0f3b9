"""The whole way of a question; tools, command line and benchmarks all ask here."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime

from ..core.errors import InvalidInput, NotFound, nearest
from ..core.values import Hit, Logistic, Passage, Ranking, Stage
from ..core.vectors import DENSE
from ..rerank.blend import Weights, with_shares
from ..rerank.protocols import Orderer, Reranker
from ..rerank.signals import MetadataSignals, Mix
from ..rerank.stages.budget import Pace
from ..rerank.stages.cascade import Cascade, Scored, Turn, run_cascade
from ..rerank.stages.diversity import diversify
from ..rerank.stages.metadata import weigh_metadata
from ..rerank.stages.order import order_head
from ..search.legs import Search
from ..search.retriever import Retriever
from ..store.collection import Collection, Store
from ..store.filters import parse_filter
from ..store.manifest import Manifest
from .plan import Reranking, plan_turns
from .preferences import preferences
from .question import MAX_RESULTS, REARRANGED, Page, Question, check_query, checked, judge
from .wishes import fulfil_by_data

NONE = "none"

DEFAULT = "default"

UNCALIBRATED = "Relevance is unknown: it is calibrated for the bundled encoder and for rerankers."

_NARROWER = "Ask a narrower question, or add a filter."


class Pipeline:
    """Retrieves, reranks, blends and judges."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        reranking: Reranking,
        *,
        manifest: Manifest,
        dense_calibration: Logistic | None,
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
        self._paces = defaultdict[str, Pace](Pace)  # by the name of the stage

    @property
    def manifest(self) -> Manifest:
        """Return what collections are made with now."""
        return self._manifest

    @property
    def rerankers(self) -> list[str]:
        """Return the names that a question may give as its reranker."""
        return [DEFAULT, NONE, *sorted(self._reranking.cascades)]

    async def ask(self, question: Question) -> Page:
        """Return one page of the answer.

        Raises:
            InvalidInput: On an unusable query, filter, page or reranker.
            NotFound: When there is no such collection.
        """
        question = checked(question)
        if question.offset >= MAX_RESULTS:
            raise InvalidInput(f"Hits beyond the first {MAX_RESULTS} are not shown. {_NARROWER}")
        question = replace(question, limit=min(question.limit, MAX_RESULTS - question.offset))
        cascade = self.cascade(question.reranker) if question.query else None
        collection = await self.open(question.collection)
        asked = preferences(question, self._reranking.metadata, collection.manifest.fields)
        metadata, done = fulfil_by_data(question, asked, collection.manifest.fields)
        reranking, tunings = replace(self._reranking, metadata=metadata), collection.manifest.tuning
        turns = [] if cascade is None else plan_turns(question, cascade, reranking, tunings, now=self._now())
        head = turns[0].depth if turns else 0
        ranking = await self._retriever.retrieve(collection, _search_of(question, collection, head=head))
        ranking = self._with_relevance(ranking, is_read=bool(turns))
        # Configured shares are of the blend, and "none" blends only where the question itself asks for it.
        is_weighed = bool(metadata.shares if turns else question.recency or question.boost)
        if is_weighed and not any(isinstance(turn.step, Scored) for turn in turns):
            mix = Mix(with_shares({"fused": 1.0}, metadata.shares), metadata, self._now())
            ranking = weigh_metadata(ranking, mix, depth=head or REARRANGED, clock=self._clock)
        ranking = await self._rerank(ranking, question, turns)
        if question.diversity:
            ranking = await self._diversify(collection, ranking, question.diversity, depth=head or REARRANGED)
        if not question.query and question.reranker != NONE:
            ranking = replace(ranking, notes=[*ranking.notes, "Nothing was reranked: there is no query to read with."])
        return _page(self._with_instruction_notes(ranking, question, cascade, done), question)

    async def rerank(self, query: str, passages: Sequence[Passage], *, limit: int, reranker: str = DEFAULT) -> Page:
        """Return the passages reordered by the reranker alone; `was` is their place in the input.

        The first stage of a cascade reads them all.

        Raises:
            InvalidInput: On an unusable query or reranker.
        """
        query = check_query(query)
        cascade = self.cascade(reranker)
        if cascade is None:
            raise InvalidInput(f"Reranker 'none' reorders nothing. Known: {', '.join(self.rerankers)}.")
        hits = [Hit(passage, score=0.0, rank=rank, was=rank) for rank, passage in enumerate(passages, start=1)]
        question = Question(query, limit=limit, depth=len(hits))
        first, *later = plan_turns(question, cascade, self._reranking, {}, now=self._now())
        turns = [replace(first, mix=Mix({"rerank": 1.0})), *later]
        return replace(_page(await self._rerank(Ranking(hits), question, turns), question), pages=False)

    async def order(self, query: str, passages: Sequence[Passage], orderer: Orderer, *, limit: int) -> Page:
        """Return the passages in the order that a model gives which does not score; `was` is their place in the input.

        Raises:
            InvalidInput: On an unusable query.
        """
        query = check_query(query)
        hits = [Hit(passage, score=0.0, rank=rank, was=rank) for rank, passage in enumerate(passages, start=1)]
        ranking = await order_head(Ranking(hits), query, "", orderer, stage="llm", depth=len(hits), clock=self._clock)
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
        return with_shares(reranker.weights, self._reranking.metadata.shares)

    def cascade(self, name: str) -> Cascade | None:
        """Return the stages that a question may choose by this name; None for "none".

        Raises:
            NotFound: When there is none; lists the known ones.
        """
        name = self._reranking.default if name in ("", DEFAULT) else name
        if name == NONE:
            return None
        if name not in self._reranking.cascades:
            known = self.rerankers
            how = self._reranking.absent.get(name) or nearest(name, known)
            raise NotFound(f"No reranker {name!r}.{how} Known: {', '.join(known)}.")
        return self._reranking.cascades[name]

    def reranker(self, name: str) -> Reranker | None:
        """Return the model that the first stage of a choice scores with; None where none does.

        Raises:
            NotFound: When there is no such choice; lists the known ones.
        """
        cascade = self.cascade(name)
        return None if cascade is None else cascade.reranker

    def with_rerankers(self, wrap: Callable[[Reranker], Reranker]) -> "Pipeline":
        """Return a pipeline over the same store whose rerankers are wrapped."""
        wrapped = {name: cascade.wrapped(wrap) for name, cascade in self._reranking.cascades.items()}
        other = copy(self)
        other._reranking = replace(self._reranking, cascades=wrapped)
        other._paces = defaultdict[str, Pace](Pace)
        return other

    async def _rerank(self, ranking: Ranking, question: Question, turns: Sequence[Turn]) -> Ranking:
        return await run_cascade(
            ranking,
            question.query,
            question.instruction.strip(),
            turns,
            milliseconds=question.time_budget_ms,
            paces=self._paces,
            clock=self._clock,
        )

    async def _diversify(self, collection: Collection, ranking: Ranking, diversity: float, *, depth: int) -> Ranking:
        ids = [hit.passage.point_id(collection.name) for hit in ranking.hits[:depth]]
        vectors = await collection.fetch_vectors(ids, DENSE)
        return diversify(ranking, [vectors.get(key) for key in ids], diversity, clock=self._clock)

    def _with_instruction_notes(
        self, ranking: Ranking, question: Question, cascade: Cascade | None, done: Sequence[str]
    ) -> Ranking:
        """Say what followed the instruction: data, a model, or nothing."""
        notes = [*(done if cascade else ()), *ranking.notes]
        if not question.instruction.strip() or (cascade and cascade.takes_instructions):
            return replace(ranking, notes=notes)
        able = [name for name, each in sorted(self._reranking.cascades.items()) if each.takes_instructions]
        why = f"rerankers that do: {', '.join(able)}" if able else "no reranker that takes instructions is configured"
        what = "No model followed the instruction" if done and cascade else "The instruction was not followed"
        return replace(ranking, notes=[*notes, f"{what}: {why}."])

    def _with_relevance(self, ranking: Ranking, *, is_read: bool) -> Ranking:
        """Judge each hit by its dense score, for want of a reranker's; keyword hits stay without."""
        if (calibration := self._dense_calibration) is None:
            scored = not is_read and any(DENSE in hit.scores for hit in ranking.hits)
            return replace(ranking, notes=[*ranking.notes, UNCALIBRATED]) if scored else ranking
        hits = [
            replace(hit, relevance=calibration.probability(hit.scores["dense"])) if "dense" in hit.scores else hit
            for hit in ranking.hits
        ]
        return replace(ranking, hits=hits)


def _search_of(question: Question, collection: Collection, *, head: int) -> Search:
    # One more, to know whether a page follows; all, where some of them will be left out.
    wanted = MAX_RESULTS + 1 if question.min_relevance else question.offset + question.limit + 1
    return Search(
        query=question.query,
        mode=question.mode,
        where=parse_filter(question.filter, collection.manifest.fields),
        wanted=max(wanted, REARRANGED) if question.is_rearranged else wanted,
        head=head,
        per_document=question.per_document,
        fields=question.fields,
        phrasings=question.queries,
        like=question.like,
        unlike=question.unlike,
    )


def _judged(stages: Sequence[Stage], hits: list[Hit]) -> list[Hit]:
    """Return the hits that decide: those the last model that scored has read.

    The relevance of hits behind them is of another, coarser kind.
    """
    scored = [stage.name for stage in stages if stage.kind == "score" and stage.returned]
    return [hit for hit in hits if scored[-1] in hit.scores] if scored else hits


def _page(ranking: Ranking, question: Question) -> Page:
    least = question.min_relevance
    hits = [hit for hit in ranking.hits if hit.relevance is None or hit.relevance >= least]
    verdict = judge(_judged(ranking.stages, hits))
    notes = list(ranking.notes)
    if dropped := len(ranking.hits) - len(hits):
        notes.append(f"{dropped} hits below min_relevance {question.min_relevance} were left out.")
    end = question.offset + question.limit
    more = len(hits) > end
    if more and end >= MAX_RESULTS:
        notes.append(f"These are the last of the first {MAX_RESULTS} hits. {_NARROWER}")
    shown = replace(ranking, hits=hits[question.offset : end], notes=notes)
    return Page(shown, verdict, offset=question.offset, more=more and end < MAX_RESULTS)
