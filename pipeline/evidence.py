"""The verdict on a ranking, and the evidence that it is reached from."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean

from ..core.values import Hit, Ranking
from ..core.vectors import BM25, DENSE
from ..core.verdict import Evidence, Verdict, VerdictModel, first_verdict

GOOD_RELEVANCE = 0.5  # more likely than not that the best hit answers
WEAK_RELEVANCE = 0.1  # at 0.2 three of the first demo's 14 right answers were called "none" (docs/decisions.md)
COMPARED_HITS = 9  # the rest of a page of ten: their mean is what a hit on the subject scores without answering


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the hit that likely answers where it is not the first."""

    verdict: Verdict
    likely: Hit | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Gives the verdict on rankings of one question."""

    models: Sequence[VerdictModel] = ()
    """For the reranker that scored last, in order of preference; none for one that was never fitted."""
    query: str = ""
    knows_cosines: bool = False
    """Whether dense scores are cosines that the models were fitted to."""

    def verdict(self, ranking: Ranking) -> Verdict:
        """Return whether the hits answer."""
        return self.judgement(ranking, ranking.hits).verdict

    def judgement(self, ranking: Ranking, shown: Sequence[Hit]) -> Judgement:
        """Return whether the hits answer, by the first model whose evidence is known, or else by relevance.

        It is "good" only if that is true of the first hit that is shown. If a language model, diversity or a mix with
        other scores put that before a hit that likely answers, it is "weak".
        """
        stage = last_scoring_stage(ranking)
        read = [hit for hit in ranking.hits if stage in hit.scores] if stage else ranking.hits
        if not read:
            return Judgement("none")
        best = _best(read)
        verdict = self._verdict_on(best, read, stage)
        if verdict is None:
            read = [hit for hit in read if hit.relevance is not None]
            best = max(read, key=lambda hit: hit.relevance or 0.0, default=None)
            verdict = verdict_by_relevance([best or ranking.hits[0]])
            shown = shown if stage else [hit for hit in shown if hit.relevance is not None]
        if verdict != "good" or best is None or not shown or shown[0] is best:
            return Judgement(verdict)
        first = self._verdict_on(shown[0], read, stage) or verdict_by_relevance(shown[:1])
        return Judgement(verdict) if first == "good" else Judgement("weak", best)

    def _verdict_on(self, hit: Hit, read: Sequence[Hit], stage: str) -> Verdict | None:
        """Return the verdict of the first model whose evidence on a hit is known; None if there is none."""
        if not stage or stage not in hit.scores:
            return None
        evidence = evidence_of(read, self.query, stage=stage, knows_cosines=self.knows_cosines, judged=hit)
        return first_verdict(self.models, evidence)


NO_JUDGE = Judge()
"""Judges by relevance alone."""


def last_scoring_stage(ranking: Ranking) -> str:
    """Return the name of the last stage that scored hits; empty if there is none."""
    scored = [stage.name for stage in ranking.stages if stage.kind == "score" and stage.returned]
    return scored[-1] if scored else ""


def evidence_of(
    read: Sequence[Hit], query: str, *, stage: str, knows_cosines: bool, judged: Hit | None = None
) -> Evidence:
    """Return what is known of the hits that a stage read, of which there is at least one.

    The hit that is judged is by default the one with the best final score, which is the first unless a language model
    or diversity reordered the hits afterwards.

    - `score`: the reranker's.
    - `lead`: by how much that exceeds the mean of the next nine; unknown of a hit that stands alone.
    - `words`: the natural logarithm of the number of words in the passage.
    - `query_words`: the same of the query.
    - `cosine`: of query and passage.
    - `cosine_lead`: by how much that exceeds the mean of the next nine, as `lead`.
    - `agreement`: the mean of 1/rank in dense and keyword search, 0 where a search did not find it.
    """
    best = judged or _best(read)
    evidence = {
        "score": best.scores[stage],
        "words": log(max(1, len(best.passage.content.split()))),
        "query_words": log(max(1, len(query.split()))),
        **_lead("lead", best, read, stage),
    }
    found = [hit for hit in read if DENSE in hit.scores]
    if not knows_cosines or not found:
        return evidence
    evidence["cosine"] = best.scores.get(DENSE, min(hit.scores[DENSE] for hit in found))
    evidence |= _lead("cosine_lead", best, found, DENSE) if best in found else {"cosine_lead": 0.0}
    if any(BM25 in hit.ranks for hit in read):
        evidence["agreement"] = fmean(1 / best.ranks[leg] if leg in best.ranks else 0.0 for leg in (DENSE, BM25))
    return evidence


def verdict_by_relevance(hits: Sequence[Hit]) -> Verdict:
    """Return how likely it is that the hits hold an answer, by the best calibrated relevance among them."""
    if not hits:
        return "none"
    relevances = [hit.relevance for hit in hits if hit.relevance is not None]
    if not relevances:
        return "unknown"
    best = max(relevances)
    return "good" if best >= GOOD_RELEVANCE else "weak" if best >= WEAK_RELEVANCE else "none"


def _best(read: Sequence[Hit]) -> Hit:
    return max(read, key=lambda hit: (hit.scores.get("blend", hit.score), -hit.rank))


def _lead(name: str, best: Hit, hits: Sequence[Hit], stage: str) -> dict[str, float]:
    """Return by how much a hit's score exceeds the mean of the highest others; nothing if there are none."""
    others = sorted((hit.scores[stage] for hit in hits if hit is not best), reverse=True)[:COMPARED_HITS]
    return {name: best.scores[stage] - fmean(others)} if others else {}
