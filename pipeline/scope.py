"""What a request searches: one collection, or several as one, each with its filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..core.text import listed
from ..core.values import EMPTY, Hit, Passage
from ..core.vectors import DENSE, AnyVector
from ..search.federation import Federation
from ..search.path_filters import PathFilter
from ..search.protocols import Searchable
from ..search.relative_paths import RelativePaths, ShortNames, short_names
from ..search.unmatched import reasons_for_nothing
from ..store.collection import Collection
from ..store.fields import FieldType, widen
from ..store.filters import Condition
from ..store.manifest import TunedVerdicts, Tuning

MAX_COPIES = 3  # of a hit that are named; others are counted

MAX_EXPLAINED = 3  # collections in which a filter matches nothing


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request searches."""

    members: Sequence[tuple[Collection, PathFilter]]
    searched: Searchable
    """The collection, or a federation if the request asked for several, even if only one of them is left."""
    paths: RelativePaths
    examples: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """By the passage ids that the request names: the ids that `searched` knows them by."""
    left_out: Sequence[str] = ()
    """Sentences on collections that are not searched."""

    @property
    def is_several(self) -> bool:
        """Return whether the request asked for several collections."""
        return isinstance(self.searched, Federation)

    @property
    def where(self) -> Condition | None:
        """Return the filter on everything that is searched; each member of a federation has its own."""
        return None if self.is_several else self.members[0][1].where

    @property
    def fields(self) -> dict[str, FieldType]:
        """Return the metadata fields of all collections."""
        return all_fields([collection for collection, _ in self.members])

    @property
    def tunings(self) -> Mapping[str, Tuning]:
        """Return what the collection is tuned to. What is right for one need not be for several."""
        return self.members[0][0].manifest.tuning if len(self.members) == 1 else {}

    @property
    def verdicts(self) -> Mapping[str, TunedVerdicts]:
        """Return the verdicts that the collection is tuned to."""
        return self.members[0][0].manifest.verdicts if len(self.members) == 1 else {}

    def notes(self, *, is_reranked: bool) -> list[str]:
        """Return remarks on what was searched, after the search."""
        guesses = [guess for _, filter_ in self.members for guess in filter_.guesses]
        merged = self.searched.notes if isinstance(self.searched, Federation) else []
        tuned = [each.name for each, _ in self.members if each.manifest.tuning or each.manifest.verdicts]
        unused = tuned if is_reranked and len(self.members) > 1 else []
        tuning = [f"The tuning of {listed(unused)} was not used, since several collections were searched."]
        return list(dict.fromkeys([*self.left_out, *merged, *guesses, *(tuning if unused else [])]))

    def search_also(self, phrasings: Sequence[str]) -> None:
        """Tell several collections phrasings of the query that were written after they were opened."""
        if isinstance(self.searched, Federation):
            self.searched.add_texts(phrasings)

    async def why_nothing(self) -> list[str]:
        """Return notes on why the filters match nothing; none if a passage of some collection matches."""
        failed = self.searched.failures if isinstance(self.searched, Federation) else {}
        found: list[str] = []
        for collection, filter_ in self.members:
            reasons = [] if collection.name in failed else await reasons_for_nothing(collection, filter_, self.paths)
            if not reasons:
                return []
            found += [f"{collection.name}: {reason}" for reason in reasons] if self.is_several else reasons
        return found[:MAX_EXPLAINED]

    def example(self, passage: Passage) -> str:
        """Return the id that `searched` knows a passage by that it has found."""
        return self.searched.add_example(passage) if isinstance(self.searched, Federation) else passage.id

    async def dense_vectors(self, hits: Sequence[Hit]) -> list[AnyVector | None]:
        """Return the dense vector of each hit's passage; None for one that has none."""
        found: dict[tuple[str, str], AnyVector] = {}
        for collection, passages in self._by_collection(hits):
            points = {each.point_id(collection.name): each for each in passages}
            vectors = await collection.fetch_vectors(list(points), DENSE) if points else {}
            found |= {_place(points[point]): vector for point, vector in vectors.items()}
        return [found.get(_place(hit.passage)) for hit in hits]

    async def short_names(self, hits: Sequence[Hit]) -> ShortNames:
        """Return how the hits' documents are shown: by short names that are clear in each collection of theirs."""
        by_id: dict[str, str] = {}
        unclear = set[str]()
        for collection, passages in self._by_collection(hits):
            names = await short_names(collection, self.paths, passages)
            by_id |= names.by_id
            unclear |= {each.document_id for each in passages} - names.by_id.keys()
        return ShortNames({document_id: name for document_id, name in by_id.items() if document_id not in unclear})

    def _by_collection(self, hits: Sequence[Hit]) -> list[tuple[Collection, list[Passage]]]:
        passages = [each for hit in hits for each in (hit.passage, *hit.also_in[:MAX_COPIES])]
        if not self.is_several:
            return [(self.members[0][0], passages)]
        return [(each, [one for one in passages if one.collection == each.name]) for each, _ in self.members]


def all_fields(collections: Sequence[Collection]) -> dict[str, FieldType]:
    """Return the metadata fields of collections; one that differs between them has the type that fits all."""
    fields: dict[str, FieldType] = {}
    for collection in collections:
        for name, kind in collection.manifest.fields.items():
            fields[name] = widen(fields[name], kind) if name in fields else kind
    return fields


def _place(passage: Passage) -> tuple[str, str]:
    return passage.collection, passage.id
