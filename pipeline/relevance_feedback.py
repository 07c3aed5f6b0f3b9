"""Feedback without asking: search once more with the best passage as an example, and read what is new.

The first reranking says which passage is best. The second search looks for what is like both query and passage
(pseudo-relevance feedback with the vector of Rocchio, `search/examples.py`). New passages among its first hits are
read; then all that was read is ordered anew, with the second search in place of the first. The best passage stays.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from math import isfinite

import anyio

from ..core.errors import ModelError, ResiftError
from ..core.query import Query
from ..core.text import counted
from ..core.values import Hit, Passage, Ranking, Stage
from ..rerank.stages.cascade import PlannedStage
from ..rerank.stages.fallback import failed
from ..rerank.stages.score import PlannedScore
from ..search.legs import Retrieval
from .merging import FEEDBACK, Candidates, best_first, merged, place_of
from .request import DEFAULT_LIMIT, SearchRequest

FIRST_STAGE = ("encode", "search")  # reports of a search; phrasings of a language model are not written again

WINDOW = 16  # first hits of the second search, of which the new ones are read (docs/decisions.md)


def feedback_passages(request: SearchRequest, stages: Sequence[PlannedStage], configured: int) -> int:
    """Return how many passages a request searches with once more; 0: it does not. `configured` is the setting.

    The setting applies to rerankers that run here and read in slices, for which it was measured. A `depth` says how
    many hits are to be read, and `like` and `unlike` are examples of the caller's own.
    """
    first = stages[0] if stages else None
    if not isinstance(first, PlannedScore) or request.mode == "keyword" or request.rerank_weight == 0:
        return 0
    if request.like or request.unlike:
        return 0
    if request.feedback is not None:
        return request.feedback
    return configured if first.stage.slice_size and not request.depth else 0


@dataclass(frozen=True, slots=True)
class SecondSearch:
    """The second search of one request, and the reading of what it finds."""

    stage: PlannedScore
    """The stage that read the first hits."""
    passages: int
    """How many of the best passages are examples."""
    _: KW_ONLY
    first: Retrieval
    """The first search."""
    search: Callable[[Retrieval], Awaitable[Ranking]]
    example: Callable[[Passage], str]
    """Returns the id that a search knows a passage by."""
    shown: int = DEFAULT_LIMIT
    """How many hits the caller sees."""

    @property
    def name(self) -> str:
        """Return the name in reports and scores."""
        return FEEDBACK

    async def run(self, ranking: Ranking, query: Query) -> Ranking:
        """Return the ranking with what the second search found; as it was, if the first search had found everything.

        If the second search fails, the order stays, and the ranking is marked degraded.
        """
        start, read = query.clock(), [hit for hit in ranking.hits if self.stage.name in hit.scores]
        if not read or len(ranking.hits) < self.stage.depth:
            return ranking
        query = query.share(self.stage.stages_left)
        try:
            why = self._lacks_time(ranking, query)
            found = None if why else await self._found(read, query)
            if found is None:
                note = f"skipped: {why or 'the second search took longer than the time left'}"
                return self._with_report(ranking, read=len(read), new=0, note=note, start_s=start, query=query)
            head = ranking.hits[: self.stage.depth]  # all pages of a request have the same
            candidates = Candidates.of(head, found.hits, stage=self.stage.name, examples=self.passages, window=WINDOW)
            return await self._reordered(ranking, candidates, query, start)
        except ResiftError as error:
            return failed(
                ranking,
                error,
                name=FEEDBACK,
                model=self.stage.stage.model,
                kind="rank",
                received=len(read),
                milliseconds=1000 * (query.clock() - start),
            )

    async def _found(self, read: Sequence[Hit], query: Query) -> Ranking | None:
        """Return what is like the query and the best passages, which are left out; None if time ran out meanwhile.

        Raises:
            ResiftError: The search failed.
        """
        examples = [self.example(hit.passage) for hit in read[: self.passages]]
        depth, left_s = self.stage.depth, query.seconds_left
        wanted = replace(self.first, like=examples, wanted=depth, head=depth)
        with anyio.move_on_after(left_s if isfinite(left_s) else None):
            found = await self.search(wanted)
            return None if query.seconds_left <= 0 else found
        return None

    async def _reordered(self, ranking: Ranking, candidates: Candidates, query: Query, start_s: float) -> Ranking:
        """Return all that was read in its new order, and what was not read after it.

        Raises:
            ModelError: The reranker failed.
        """
        known, new = candidates.known, candidates.new
        stage = replace(self.stage, depth=len(known) + len(new), cutoff=0)
        scores = [hit.scores[stage.name] for hit in known]
        again = await stage.run(Ranking([*known, *new]), query, known=scores)
        report = again.stages[-1]
        if again.degraded:
            raise ModelError(report.note)
        head = best_first(again.hits[: report.returned], known[0].passage)
        hits = merged(head, ranking.hits, per_document=self.first.per_document)
        added = {place_of(hit.passage) for hit in new} & {place_of(hit.passage) for hit in head}
        moved = sum(place_of(hit.passage) in added for hit in hits[: self.shown])
        notes = [f"{counted(len(added), 'new passage')} read, {moved} of them among the first {self.shown}"]
        if report.out_of_time:
            notes.append(f"time budget reached after {len(added)} of {len(new)}")
        if report.cached:
            notes.append(f"{report.cached} of {len(added)} from the cache")
        remarks = again.notes[:-1] if report.out_of_time else again.notes  # the last one is about the first hits
        ranking = replace(ranking, hits=hits, notes=list(dict.fromkeys([*ranking.notes, *remarks])))
        note = "; ".join(notes)
        return self._with_report(
            ranking, read=len(known), new=len(added), note=note, start_s=start_s, query=query, cached=report.cached
        )

    def _lacks_time(self, ranking: Ranking, query: Query) -> str:
        """Return why there is no time for a second search and a slice of passages; empty if there is."""
        if not query.has_deadline:
            return ""
        searched_ms = sum(stage.milliseconds for stage in ranking.stages if stage.name in FIRST_STAGE)
        pace_s = self.stage.stage.pace.seconds_per_passage or 0.0
        needed_ms, left_ms = searched_ms + 1000 * pace_s * self.stage.stage.slice_size, 1000 * query.seconds_left
        if left_ms >= needed_ms:
            return ""
        return f"it takes about {needed_ms:.0f} ms, and {max(0.0, left_ms):.0f} ms of the time budget are left"

    def _with_report(
        self, ranking: Ranking, *, read: int, new: int, note: str, start_s: float, query: Query, cached: int = 0
    ) -> Ranking:
        report = Stage(
            name=FEEDBACK,
            model=self.stage.stage.model,
            received=read,
            returned=read + new,
            milliseconds=1000 * (query.clock() - start_s),
            note=note,
            kind="rank",
            cached=cached,
        )
        return replace(ranking, stages=[*ranking.stages, report])
