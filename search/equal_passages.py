"""Passages of the same text: the best of them stands for all, and names the others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ..core.text import counted
from ..core.values import Hit, Passage, Ranking
from .ties import ScoredIds

SHORT_CHARACTERS = 100
"""Of a text such as "Yes, since version 2.", which says different things below different titles and headings."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The hits that are kept, in order, and by the hit that stands for them, the ids of those with the same text."""

    order: ScoredIds
    copies: Mapping[UUID, Sequence[UUID]]

    @property
    def note(self) -> str:
        """Return a remark for the report of the search; empty if no texts were equal."""
        return _note(sum(map(len, self.copies.values())))


NOTHING = Selected([], {})


def select(
    order: ScoredIds, passages: Mapping[UUID, Passage], *, per_document: int = 0, collapses: bool = True
) -> Selected:
    """Return the first of the passages with the same text, and at most `per_document` of each document; 0: no limit.

    Passages that no longer exist are left out.
    """
    stands: dict[str, UUID] = {}
    copies: dict[UUID, list[UUID]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    kept: ScoredIds = []
    for key, score in order:
        if (passage := passages.get(key)) is None:
            continue
        meaning = meaning_of(passage) if collapses else ""
        if collapses and meaning in stands:
            copies.setdefault(stands[meaning], []).append(key)
            continue
        document = (passage.collection, passage.document_id)
        if per_document and seen[document] >= per_document:
            continue
        seen[document] += 1
        stands[meaning] = key
        kept.append((key, score))
    return Selected(kept, copies)


def collapsed(ranking: Ranking) -> Ranking:
    """Return a final ranking with the first hit of each text standing for the others; the search's report says so."""
    best: dict[str, Hit] = {}
    for hit in ranking.hits:
        meaning = meaning_of(hit.passage)
        first = best.setdefault(meaning, hit)
        if first is not hit:
            best[meaning] = replace(first, also_in=(*first.also_in, hit.passage, *hit.also_in))
    more = len(ranking.hits) - len(best)
    if not more:
        return ranking
    hits = [replace(hit, rank=rank) for rank, hit in enumerate(best.values(), start=1)]
    stages = [replace(stage, note=_note(more)) if stage.name == "search" else stage for stage in ranking.stages]
    return replace(ranking, hits=hits, stages=stages)


def has_copies(passages: Sequence[Passage]) -> bool:
    """Return whether any two passages have the same text."""
    return different_texts(passages) < len(passages)


def different_texts(passages: Sequence[Passage]) -> int:
    """Return how many passages are left when one of each text stands for the others."""
    return len({meaning_of(passage) for passage in passages})


def first_texts(passages: Sequence[Passage], count: int) -> int:
    """Return how many of the first passages it takes to hold `count` different texts; all if there are fewer."""
    seen = set[str]()
    for place, passage in enumerate(passages, start=1):
        seen.add(meaning_of(passage))
        if len(seen) == count:
            return place
    return len(passages)


def meaning_of(passage: Passage) -> str:
    """Return what is the same for equal passages: the text but for its blanks; of a short one, title and heading too.

    The title of a document without one, its file name, does not count.
    """
    text = " ".join(passage.text.split())
    if len(text) >= SHORT_CHARACTERS:
        return text
    is_file_name = passage.title == passage.source.rpartition("/")[2]
    return "\n".join(["" if is_file_name else passage.title, passage.heading, text])


def _note(copies: int) -> str:
    repeat = "repeats" if copies == 1 else "repeat"
    return f"{counted(copies, 'passage')} that {repeat} the text of a hit: see also_in" if copies else ""
