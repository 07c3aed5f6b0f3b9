"""The hits of two searches for one question as one ranking."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from ..core.values import Hit, Passage
from ..search.legs import LIKE

FEEDBACK = "feedback"
"""The name of the second search in reports, scores and ranks."""

FUSED = "fused"

Number = TypeVar("Number", int, float)

Place: TypeAlias = tuple[str, str]
"""The collection and the id of a passage."""


def place_of(passage: Passage) -> Place:
    """Return what tells a passage from all others."""
    return passage.collection, passage.id


@dataclass(frozen=True, slots=True)
class Candidates:
    """The hits that are ordered anew, with the score of the second search: those read before, and those that are new.

    Equal texts that one hit stands for in each search are the same hit, whichever of them stands for the others.
    """

    known: Sequence[Hit]
    new: Sequence[Hit]

    @classmethod
    def of(cls, first: Sequence[Hit], found: Sequence[Hit], *, stage: str, examples: int, window: int) -> "Candidates":
        """Return the hits that a stage read, best first, and what is new among the first `window` that were `found`.

        The first `examples` hits, which the second search leaves out, score as high as the best that it found.
        """
        read = [hit for hit in first if stage in hit.scores]
        again = {place: hit for hit in reversed(found) for place in _places(hit)}
        top = max((hit.score for hit in found), default=1.0)
        known = [_known(hit, again, rank, least=top if rank <= examples else 0.0) for rank, hit in enumerate(read, 1)]
        before = {place: hit for hit in first for place in _places(hit)}
        seen = {place for hit in read for place in _places(hit)}
        fresh = [hit for hit in found[:window] if seen.isdisjoint(_places(hit))]
        return cls(known, [_new(hit, before, rank) for rank, hit in enumerate(fresh, len(known) + 1)])


def best_first(hits: Sequence[Hit], best: Passage) -> list[Hit]:
    """Return the hits with one of them moved to the front, where it has the score of the highest."""
    first = next(hit for hit in hits if hit.passage is best)
    top = max(hit.score for hit in hits)
    moved = replace(first, score=top, scores={**first.scores, "blend": top})
    return [moved, *(hit for hit in hits if hit is not first)]


def merged(head: Sequence[Hit], before: Sequence[Hit], *, per_document: int) -> list[Hit]:
    """Return a new head, then what is left of the former ranking, with at most `per_document` hits of a document.

    0 is no limit. A hit that the first search did not find has no rank before reranking: 0.
    """
    taken = {place for hit in head for place in _places(hit)}
    lowest = min(hit.score for hit in head)
    known = [hit if FUSED in hit.ranks else replace(hit, was=0) for hit in head]
    tail = [replace(hit, score=min(hit.score, lowest)) for hit in before if taken.isdisjoint(_places(hit))]
    return [
        replace(hit, rank=rank, ranks={**hit.ranks, "blend": rank})
        for rank, hit in enumerate(_limited([*known, *tail], per_document), start=1)
    ]


def _limited(hits: Sequence[Hit], per_document: int) -> Iterator[Hit]:
    seen = Counter[Place]()
    for hit in hits:
        document = (hit.passage.collection, hit.passage.document_id)
        if not per_document or seen[document] < per_document:
            seen[document] += 1
            yield hit


def _known(hit: Hit, again: Mapping[Place, Hit], rank: int, *, least: float) -> Hit:
    """Return a hit that was read with its score in the second search, or `least` if it has no higher one."""
    found = next((again[place] for place in _places(hit) if place in again), None)
    if found is None:
        return replace(hit, score=least, rank=rank)
    scores, ranks = {**hit.scores, **_own(found.scores, found.score)}, {**hit.ranks, **_own(found.ranks, found.rank)}
    return replace(hit, score=max(least, found.score), rank=rank, scores=scores, ranks=ranks)


def _new(hit: Hit, before: Mapping[Place, Hit], rank: int) -> Hit:
    """Return a hit of the second search with what the first search knew of it, if that had found it too."""
    first = next((before[place] for place in _places(hit) if place in before), None)
    scores, ranks = _own(hit.scores, hit.score), _own(hit.ranks, hit.rank)
    if first is not None:
        return replace(
            first, score=hit.score, rank=rank, scores={**first.scores, **scores}, ranks={**first.ranks, **ranks}
        )
    # Keyword search is the same in both, so its scores and ranks are those of the first search as well.
    scores = {name: value for name, value in {**hit.scores, **scores}.items() if name != FUSED}
    ranks = {name: value for name, value in {**hit.ranks, **ranks}.items() if name != FUSED}
    return replace(hit, rank=rank, scores=scores, ranks=ranks)


def _own(values: Mapping[str, Number], final: Number) -> dict[str, Number]:
    """Return the scores of the second search by names that differ from those of the first."""
    return {name: value for name, value in values.items() if name == LIKE} | {FEEDBACK: final}


def _places(hit: Hit) -> Sequence[Place]:
    return [place_of(each) for each in (hit.passage, *hit.also_in)]
