"""One page of a ranking, and the verdict on the whole ranking."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor

from ..core.text import agreeing, counted
from ..core.values import Hit, Ranking, Stage
from ..core.verdict import Verdict
from ..search.relative_paths import NO_NAMES, ShortNames
from .evidence import NO_JUDGE, Judge, last_scoring_stage
from .request import MAX_RESULTS

OFF_TOPIC_HITS = 3  # shown where no hit answers: enough to see what the collection is about
NARROWER = "Ask a narrower question, or add a filter."
LIKELY = "The hit at rank {rank} likely answers. The verdict is 'weak' because it is not the first."
OF_ALL_PAGES = "The verdict {verdict!r} is that of the whole ranking, whose best hits are on the first page."


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """A slice of a ranking, iterable over its hits."""

    ranking: Ranking
    verdict: Verdict
    """Whether the ranking answers; "unknown" where no score is calibrated, or where what was not read may hold one."""
    offset: int = 0
    more: bool = False
    """Whether hits follow after the slice."""
    pages: bool = True
    """Whether a next page can be requested: False for passages that the caller supplied."""
    names: ShortNames = NO_NAMES
    """How the hits' documents are shown to a reader; ids in the hits themselves are those that are stored."""
    query: str = ""
    """What a collection was asked, with all phrasings: of a long text, the part with most of its words is shown."""
    following: Sequence[Hit] = ()
    """The hits after the slice that were ranked as well, such as all those that a reranker read."""

    def __repr__(self) -> str:
        first = f", first={self.hits[0]!r}" if self.hits else ""
        offset = f", offset={self.offset}" if self.offset else ""
        return f"Page({counted(len(self), 'hit')}{offset}, verdict={self.verdict!r}{first})"

    @property
    def is_off_topic(self) -> bool:
        """Return whether a reranker read the best hits of a search and found no answer."""
        was_read = bool(last_scoring_stage(self.ranking))
        return self.verdict == "none" and was_read and self.pages and not self.offset

    @property
    def hits(self) -> Sequence[Hit]:
        """Return the hits, best first."""
        return self.ranking.hits

    @property
    def ranked(self) -> Ranking:
        """Return the ranking from the offset on: the page and what follows."""
        return replace(self.ranking, hits=[*self.ranking.hits, *self.following])

    @property
    def stages(self) -> Sequence[Stage]:
        """Return the reports of the stages, in order."""
        return self.ranking.stages

    @property
    def notes(self) -> Sequence[str]:
        """Return remarks for the caller: what was skipped, cut short or assumed."""
        return self.ranking.notes

    @property
    def degraded(self) -> bool:
        """Return whether a stage failed, so that the order is that of the stage before."""
        return self.ranking.degraded

    def reading_part(self, notes: Sequence[str]) -> "Page":
        """Return the page with notes on what could not be searched, where an answer may be instead of nowhere."""
        if not notes:
            return self
        verdict: Verdict = "unknown" if self.verdict == "none" else self.verdict
        return replace(self, verdict=verdict, ranking=replace(self.ranking, notes=[*self.ranking.notes, *notes]))

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.ranking.hits)

    def __len__(self) -> int:
        return len(self.ranking.hits)


def page_of(
    ranking: Ranking, *, offset: int = 0, limit: int, min_relevance: float = 0.0, judge: Judge = NO_JUDGE
) -> Page:
    """Return the hits from `offset` on, without those below `min_relevance`, and the verdict on all of them.

    Where a reranker read hits, those of unknown relevance, which it did not read, count as below it.
    """
    was_read = bool(last_scoring_stage(ranking))
    hits = [hit for hit in ranking.hits if _is_relevant(hit, min_relevance, was_read=was_read)]
    notes = list(ranking.notes)
    if len(hits) < len(ranking.hits):
        notes.append(_what_is_left_out(ranking.hits, len(ranking.hits) - len(hits), min_relevance))
    if hits and offset >= len(hits):
        notes.append(f"No hits from offset {offset} on: there are only {len(hits)}.")
    end = offset + limit
    more = len(hits) > end
    if more and end >= MAX_RESULTS:
        notes.append(f"These are the last of the first {MAX_RESULTS} hits. {NARROWER}")
    judgement = judge.judgement(ranking, hits or ranking.hits)  # by all hits, whichever are left out
    verdict = judgement.verdict
    if verdict == "none" and any(stage.unread or stage.out_of_time for stage in ranking.stages):
        verdict = "unknown"  # the answer may be among the passages that no model compared with the query
    if judgement.likely is not None:
        notes.append(LIKELY.format(rank=judgement.likely.rank))
    elif 0 < offset < len(hits) and verdict in ("good", "weak"):
        notes.append(OF_ALL_PAGES.format(verdict=verdict))
    shown = replace(ranking, hits=hits[offset:end], notes=notes)
    return Page(shown, verdict, offset=offset, more=more and end < MAX_RESULTS, following=hits[end:])


def _is_relevant(hit: Hit, least: float, *, was_read: bool) -> bool:
    return not least or (not was_read if hit.relevance is None else hit.relevance >= least)


def _what_is_left_out(hits: Sequence[Hit], count: int, least: float) -> str:
    """Return a note on the hits below `least`, whose best relevance is rounded down, so that it can be asked for."""
    known = [hit.relevance for hit in hits if hit.relevance is not None and hit.relevance < least]
    best = f", {agreeing(count, 'with', 'the best with')} {floor(max(known) * 1000) / 1000:g}" if known else ""
    return f"{counted(count, 'hit')} below min_relevance {least} {agreeing(count, 'was', 'were')} left out{best}."
