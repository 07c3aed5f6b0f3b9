"""What fitting verdicts needs from a judged question: the evidence, and whether the first hit answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ...core.values import Hit, Ranking
from ...core.vectors import BM25, DENSE
from ...core.verdict import Evidence
from ...ingest.report import Progress
from ...pipeline.evidence import evidence_of, last_scoring_stage
from ...pipeline.request import DEFAULT_LIMIT, SearchRequest
from ...pipeline.search import Pipeline
from ..judged import JudgedSet
from ..run import rankings

Outcome: TypeAlias = Literal["right", "wrong", "unanswered"]
"""The first hit answers; it does not, but another document does; or no document does."""

Origin: TypeAlias = Literal["asked", "answers removed", "another pool"]
"""The question as it was asked; without its relevant hits, as if the collection did not have them; or asked of a
collection about something else."""

HITS_ASKED = 2 * DEFAULT_LIMIT  # so that a page is left when relevant hits are taken out


@dataclass(frozen=True, slots=True)
class VerdictSample:
    """The evidence of one ranking, and what a verdict should say of it."""

    group: str
    """The judged set that the question is from."""
    outcome: Outcome
    evidence: Evidence
    origin: Origin = "asked"
    question: str = ""
    """The id of the question, where it was asked of a collection."""


async def collect_verdict_samples(
    pipeline: Pipeline,
    judged: JudgedSet,
    question: SearchRequest,
    *,
    only_judged: bool = False,
    progress: Progress | None = None,
) -> list[VerdictSample]:
    """Ask every judged query as `question` and return its samples: as it is, and without its relevant documents.

    With `only_judged`, a first hit that was not judged gives no sample; otherwise it counts as irrelevant.

    Raises:
        ModelError: The reranker failed.
    """
    asked = replace(question, limit=HITS_ASKED)
    samples: list[VerdictSample] = []
    done = 0
    async for key, ranking in rankings(pipeline, judged, asked):
        query, grades = judged.queries[key], judged.grades[key]
        found = samples_of(
            ranking,
            query,
            grades,
            group=judged.name,
            only_judged=only_judged,
            knows_cosines=pipeline.knows_cosines,
        )
        samples += [replace(each, question=key) for each in found]
        done += 1
        if progress is not None:
            await progress(done, len(judged.queries), "")
    return samples


def samples_of(
    ranking: Ranking,
    query: str,
    grades: Mapping[str, int],
    *,
    group: str,
    only_judged: bool,
    knows_cosines: bool = True,
) -> list[VerdictSample]:
    """Return the samples of one ranking: at most two, none of a hit that stands alone, which has no lead."""
    stage = last_scoring_stage(ranking)
    read = [hit for hit in ranking.hits if stage in hit.scores] if stage else []
    relevant = {document for document, grade in grades.items() if grade > 0}
    samples: list[VerdictSample] = []
    for hits in (read, _without(read, relevant)) if relevant else (read,):
        if len(hits) < 2 or (only_judged and hits[0].passage.document_id not in grades):
            continue
        is_right = hits[0].passage.document_id in relevant
        is_whole = hits is read
        samples.append(
            VerdictSample(
                group,
                "right" if is_right else "wrong" if relevant and is_whole else "unanswered",
                evidence=evidence_of(hits, query, stage=stage, knows_cosines=knows_cosines),
                origin="asked" if is_whole else "answers removed",
            )
        )
    return samples


def _without(hits: Sequence[Hit], documents: set[str]) -> list[Hit]:
    """Return the hits of other documents, with the ranks that they have then in dense and keyword search."""
    kept = [hit for hit in hits if hit.passage.document_id not in documents]
    taken = [hit for hit in hits if hit.passage.document_id in documents]
    return [replace(hit, ranks=_raised(hit, taken)) for hit in kept]


def _raised(hit: Hit, taken: Sequence[Hit]) -> dict[str, int]:
    raised = dict(hit.ranks)
    for leg in (DENSE, BM25):
        if leg in raised:
            raised[leg] -= sum(other.ranks.get(leg, raised[leg]) < hit.ranks[leg] for other in taken)
    return raised
