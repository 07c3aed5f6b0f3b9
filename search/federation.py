"""Several collections, searched as if they were one.

Dense scores of collections with the same encoder are comparable as they are. Keyword scores are not, since each store
weighs words by their rarity in one collection; `word_statistics` makes them so. Each leg is then one list over all
collections, and everything after it is as for one collection.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeAlias, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from ..core.concurrency import run_concurrently
from ..core.errors import DamagedCollection, InvalidInput
from ..core.text import listed
from ..core.values import Passage
from ..core.vectors import BM25, LEARNED, AnyVector, Sparse, VectorSpec
from ..encoders.bm25 import Bm25Encoder, Bm25Options
from ..store.collection import Collection
from ..store.filters import All, Condition
from ..store.manifest import Manifest
from ..store.protocols import Leg
from .word_statistics import NO_WORDS, common_weights, read_statistics, reweighted

MAX_COLLECTIONS = 64  # each is held open and searched for every question

ScoredPoint: TypeAlias = tuple[UUID, float]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """One of several collections, and the filter that its passages have to meet."""

    collection: Collection
    where: Condition | None = None

    @property
    def name(self) -> str:
        """Return the name of the collection."""
        return self.collection.name

    @property
    def manifest(self) -> Manifest:
        """Return the manifest of the collection."""
        return self.collection.manifest

    def key_of(self, point: UUID) -> UUID:
        """Return the id of a point among those of all collections; only ids of adopted ones may occur twice."""
        return point if self.manifest.adopted is None else uuid5(NAMESPACE_URL, f"resift:{self.name}/{point}")


@dataclass(frozen=True, slots=True)
class Example:
    """Where a passage that a caller named is stored: in one collection, or as copies in several."""

    passage_id: str
    points: Sequence[tuple[Member, UUID]]


class Federation:
    """Several collections, searched as if they were one, for one query.

    `texts` are those of the query, which collections of another language cut into other words. A passage says in
    `collection` where it was found. With `leaves_out_damaged`, a collection that turns out to be damaged is left out
    with a note; otherwise it is an error.
    """

    def __init__(
        self,
        members: Sequence[Member],
        texts: Sequence[str],
        *,
        examples: Sequence[Example] = (),
        leaves_out_damaged: bool = False,
    ) -> None:
        self.name = ", ".join(member.name for member in members)
        self.manifest = _merged(members)
        self.failures: dict[str, str] = {}
        """Why collections were left out, by their names."""
        self._leaves_out_damaged = leaves_out_damaged
        self._lacking: dict[str, set[str]] = {}
        self._members = members
        self._points: dict[UUID, tuple[Member, UUID]] = {}
        self._examples = {each.passage_id: self._register(*each.points[0]) for each in examples}
        self._hidden = {self._register(*point) for each in examples for point in each.points[1:]}
        self._wording = _Wording(self.manifest, texts)
        self._factors: dict[str, Mapping[int, float]] | None = None

    @property
    def notes(self) -> list[str]:
        """Return what the last search left out, and which collections lack what is searched in others."""
        notes = list(self.failures.values())
        notes += [
            f"{listed(sorted(names))}: not searched by {vector!r}, for which there are no vectors as in the others."
            for vector, names in sorted(self._lacking.items())
        ]
        return notes

    def add_texts(self, texts: Sequence[str]) -> None:
        """Add phrasings to the texts of the query."""
        self._wording.texts += tuple(texts)

    async def search(self, legs: Sequence[Leg], *, where: Condition | None = None) -> list[list[ScoredPoint]]:
        """Run the legs in all collections; return (point id, score) for each leg, best first."""
        factors = await self._weights(legs)
        found = await run_concurrently(
            [partial(self._search_member, each, legs, where, factors.get(each.name, {})) for each in self._members]
        )
        return [
            sorted(chain.from_iterable(answers), key=lambda pair: -pair[1])[: leg.limit]
            for leg, answers in zip(legs, zip(*found, strict=True), strict=True)
        ]

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Return the passages that exist among `ids`, in that order."""
        by_member = self._by_member(ids)
        found = await run_concurrently(
            [
                partial(self._asked, member, partial(member.collection.fetch, list(points)), {})
                for member, points in by_member.values()
            ]
        )
        passages = {
            points[point]: replace(passage, collection=member.name)
            for (member, points), answer in zip(by_member.values(), found, strict=True)
            for point, passage in answer.items()
        }
        return {key: passages[key] for key in ids if key in passages}

    async def fetch_vectors(self, ids: Sequence[UUID], name: str) -> dict[UUID, AnyVector]:
        """Return the named vector of those points among `ids` that have it."""
        found: dict[UUID, AnyVector] = {}
        for member, points in self._by_member(ids).values():
            if self._has(member, name):
                vectors = await member.collection.fetch_vectors(list(points), name)
                found |= {points[point]: vector for point, vector in vectors.items()}
        return found

    def point_of(self, passage_id: str) -> UUID:
        """Return the point id of an example.

        Raises:
            InvalidInput: The passage is not among the examples.
        """
        if passage_id not in self._examples:
            raise InvalidInput(f"{passage_id!r} is not a passage of {self.name}. Take a passage_id from a hit.")
        return self._examples[passage_id]

    def add_example(self, passage: Passage) -> str:
        """Make a passage that was found here an example; return the id that it is then known by."""
        member = next(each for each in self._members if each.name == passage.collection)
        name = f"{member.name}/{passage.id}"
        self._examples[name] = self._register(member, member.collection.point_of(passage.id))
        return name

    async def _search_member(
        self, member: Member, legs: Sequence[Leg], where: Condition | None, factors: Mapping[int, float]
    ) -> list[list[ScoredPoint]]:
        own = [self._leg_of(member, leg, factors) for leg in legs]
        conditions = tuple(each for each in (member.where, where) if each is not None)
        asked = [leg for leg in own if leg is not None]
        call = partial(member.collection.search, asked, where=All(conditions) if conditions else None)
        found = iter(await self._asked(member, call, [[] for _ in asked]) if asked else [])
        return [[] if leg is None else self._registered(member, next(found)) for leg in own]

    async def _asked(self, member: Member, call: Callable[[], Awaitable[T]], nothing: T) -> T:
        """Return the answer of a collection, or `nothing` if it is damaged and may be left out."""
        if member.name in self.failures:
            return nothing
        try:
            return await call()
        except DamagedCollection as error:
            if not self._leaves_out_damaged:
                raise
            self.failures[member.name] = f"Not searched: {error.args[0]}"
            return nothing

    def _leg_of(self, member: Member, leg: Leg, factors: Mapping[int, float]) -> Leg | None:
        """Return a leg as a collection is asked for it; None if it has no such vector."""
        if not self._has(member, leg.vector):
            self._lacking.setdefault(leg.vector, set()).add(member.name)
            return None
        among = [each for one in leg.among if (each := self._leg_of(member, one, factors)) is not None]
        if leg.among and not among:
            return None
        query = leg.query
        if isinstance(query, Sparse):
            query = reweighted(self._wording.of(query, member.manifest.lexical, leg.vector), factors)
            if not query.indices:
                return None
        return replace(leg, query=query, among=among)

    async def _weights(self, legs: Sequence[Leg]) -> Mapping[str, Mapping[int, float]]:
        """Return by collection the factors of the query's words; they are the same however wide a search is."""
        if self._factors is None:
            sparse = {leg.query: leg.vector for leg in legs if isinstance(leg.query, Sparse)}
            vector = next(iter(sparse.values()), "")
            holders = [each for each in self._members if vector and self._has(each, vector)]
            words = {
                word
                for query in sparse
                for each in holders
                for word in self._wording.of(query, each.manifest.lexical, vector).indices
            }
            if len(holders) < 2 or not words or not self.manifest.vectors[vector].idf:
                holders = []
            calls = [
                partial(self._asked, each, partial(read_statistics, each.collection, vector, sorted(words)), NO_WORDS)
                for each in holders
            ]
            factors = common_weights(await run_concurrently(calls))
            self._factors = {each.name: own for each, own in zip(holders, factors, strict=True)}
        return self._factors

    def _has(self, member: Member, vector: str) -> bool:
        """Return whether a collection has a vector that the same model made."""
        spec, own = self.manifest.vectors.get(vector), member.manifest.vectors.get(vector)
        return spec is not None and own is not None and (own.kind, own.model) == (spec.kind, spec.model)

    def _register(self, member: Member, point: UUID) -> UUID:
        key = member.key_of(point)
        self._points[key] = (member, point)
        return key

    def _registered(self, member: Member, answer: Sequence[ScoredPoint]) -> list[ScoredPoint]:
        pairs = [(self._register(member, point), score) for point, score in answer]
        return [pair for pair in pairs if pair[0] not in self._hidden]

    def _by_member(self, ids: Sequence[UUID]) -> dict[str, tuple[Member, dict[UUID, UUID]]]:
        """Return by collection the points among `ids`, and the id of each among those of all collections."""
        found: dict[str, tuple[Member, dict[UUID, UUID]]] = {}
        for key in ids:
            member, point = self._points[key]
            found.setdefault(member.name, (member, {}))[1][point] = key
        return found


class _Wording:
    """The words of a query as collections of different languages store them."""

    def __init__(self, manifest: Manifest, texts: Sequence[str]) -> None:
        self._lexical = manifest.lexical
        self.texts = tuple(texts)
        self._known: dict[tuple[Sparse, str, str, bool], Sparse] = {}

    def of(self, query: Sparse, lexical: Bm25Options, vector: str) -> Sparse:
        """Return a query of the federation as a collection with these options stores its words."""
        if vector != BM25 or _cut(lexical) == _cut(self._lexical):
            return query
        key = (query, *_cut(lexical))
        if key not in self._known:
            ours, theirs = Bm25Encoder(self._lexical), Bm25Encoder(lexical)
            text = next((each for each in self.texts if ours.query(each) == query), "")
            self._known[key] = theirs.query(text)
        return self._known[key]


def _cut(lexical: Bm25Options) -> tuple[str, str, bool]:
    """Return what decides which words a text has."""
    return lexical.language, lexical.tokenizer, lexical.splits_unspaced


def _merged(members: Sequence[Member]) -> Manifest:
    """Return the manifest of the first collection with the vectors of all; of keyword vectors, the commonest kind."""
    vectors: dict[str, VectorSpec] = {}
    for member in members:
        vectors = {**member.manifest.vectors, **vectors}
    kinds = Counter(name for each in members for name in (BM25, LEARNED) if name in each.manifest.vectors)
    for name, _ in kinds.most_common()[1:]:
        del vectors[name]
    keyword = next(iter(kinds.most_common(1)), ("", 0))[0]
    first = next((each for each in members if keyword in each.manifest.vectors), members[0])
    return replace(members[0].manifest, vectors=vectors, lexical=first.manifest.lexical)
