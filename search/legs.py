"""The legs of a search: one weighted vector query for each phrasing, field or set of examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from ..core.errors import InvalidInput
from ..core.query import Mode, Query
from ..core.text import listed
from ..core.values import EMPTY
from ..core.vectors import BM25, DENSE, LEARNED, TEXT_FIELD, TOKENS, AnyVector, Multi, Sparse, Vector
from ..encoders.bm25 import Bm25Encoder, has_unspaced
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders, SparseEncoder, TokenEncoder
from ..store.filters import Condition
from ..store.manifest import Manifest
from .examples import rocchio, vectors_of
from .protocols import Searchable

KEYWORD_VECTORS = {BM25, LEARNED}
ADD_KEYWORDS = "Add them with `resift adopt NAME --add-keywords`."
LIKE = "like"
"""Name of the scores of a search by examples. They differ from cosines to the query, which alone are calibrated."""


UNREAD = "unread"
"""Name of the scores of a vector that says nothing of the query, which the encoder cannot read. No cosine to it is
calibrated either."""
CANNOT_READ = (
    "The encoder knows less than half of the letters of the query: it cannot search by the meaning of the query. "
    "Configure an encoder for the language, and ingest the documents again."
)
PARTLY_READ = "The encoder knows less than half of the letters of a phrasing: the others were searched for by meaning."
ARBITRARY = "The hits were chosen by vectors that say nothing of the query."
WORDS_ALONE = "The query was searched for by words alone."
IS_ONE_WORD = (
    "Keyword search takes a sentence without blanks for one word here, because an earlier version of Resift, or "
    "another program, made the collection. Ingest its documents into a new collection to find words in it."
)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How the first stage searches for a query."""

    mode: Mode = "hybrid"
    where: Condition | None = None
    wanted: int = 10
    """Minimum number of hits, if the collection has so many."""
    head: int = 0
    """Number of hits to rerank, selected by reciprocal rank fusion; 0 if nothing is reranked."""
    per_document: int = 0
    collapses: bool = True
    """Whether the best of several passages with the same text stands for all of them."""
    collapses_later: bool = False
    """Whether that is decided after reranking: all of them are returned, and `wanted` counts different texts."""
    fields: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    """Weights of the fields whose dense vectors are searched; empty searches the passage text alone."""
    like: Sequence[str] = ()
    """Ids of example passages, with or without a query."""
    unlike: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WeightedLeg:
    """One leg of a search; `share` is its weight among the dense legs, or among the sparse ones."""

    name: str
    """The name of its scores in hits."""
    vector: str
    query: AnyVector
    share: float = 1.0

    @property
    def is_late(self) -> bool:
        """Return whether it rescores, token by token, what the other legs find."""
        return isinstance(self.query, Multi)

    @property
    def is_sparse(self) -> bool:
        """Return whether it compares words, whose scores have a natural minimum of 0."""
        return isinstance(self.query, Sparse)


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs of a search, and notes on what could not be searched."""

    legs: tuple[WeightedLeg, ...] = ()
    notes: tuple[str, ...] = ()
    unread: bool = False
    """Whether the encoder could not read the query."""

    @property
    def is_arbitrary(self) -> bool:
        """Return whether there are only vectors that say nothing of the query."""
        return bool(self.legs) and all(leg.name == UNREAD for leg in self.legs)

    def with_arbitrary_noted(self) -> "Legs":
        """Return the legs with a note if they say nothing of the query, so that what they find does not either."""
        return self + Legs(notes=(ARBITRARY,)) if self.is_arbitrary else self

    def __add__(self, other: "Legs") -> "Legs":
        """Return both sets of legs and notes."""
        return Legs(self.legs + other.legs, self.notes + other.notes, unread=self.unread or other.unread)


async def legs_of(
    collection: Searchable,
    query: Query,
    retrieval: Retrieval,
    *,
    encoder: Encoder,
    extra_encoders: ExtraEncoders = NO_EXTRA_ENCODERS,
) -> Legs:
    """Return the legs of a search.

    Raises:
        InvalidInput: The field weights are unusable, or the mode is keyword and the collection has no vectors for it.
        IncompatibleCollection: The encoder's vectors have another dimension than those of the collection.
    """
    manifest, texts = collection.manifest, query.texts
    shares, notes = _shares(manifest, retrieval.fields)
    if retrieval.mode == "keyword":
        if not KEYWORD_VECTORS & manifest.vectors.keys():
            raise InvalidInput(
                f"{collection.name!r} has no vectors for keyword search. {ADD_KEYWORDS} Or search with mode 'hybrid'."
            )
        return await _keyword_legs(manifest, texts, extra_encoders.sparse)
    found = Legs(notes=notes) + await _dense_legs(collection, texts, retrieval, encoder=encoder, shares=shares)
    if found.legs and texts and DENSE in shares and not found.is_arbitrary:
        found += await _token_legs(manifest, texts[0], extra_encoders.tokens)
    if retrieval.mode == "dense" or not texts:
        return found.with_arbitrary_noted()
    if DENSE not in shares:
        note = f"Keyword search covers whole passages, and `fields` leaves out {TEXT_FIELD!r}: it was skipped."
        return (found + Legs(notes=(note,))).with_arbitrary_noted()
    words = await _keyword_legs(manifest, texts, extra_encoders.sparse)
    if found.is_arbitrary and words.legs and manifest.lexical.splits_unspaced:
        return replace(found, legs=(), notes=(*found.notes, WORDS_ALONE)) + words
    return (found + words).with_arbitrary_noted()


async def _dense_legs(
    collection: Searchable,
    texts: Sequence[str],
    retrieval: Retrieval,
    *,
    encoder: Encoder,
    shares: Mapping[str, float],
) -> Legs:
    encoded = [await encoder.encode_query(text) for text in texts]
    notes = tuple(
        f"The query has {each.tokens} tokens; the encoder read only its beginning."
        for each in encoded
        if each.truncated
    )
    for each in encoded:
        collection.manifest.check_dimension(collection.name, len(each.vector))
    phrasings = [each.vector for each in encoded if not each.unread]
    is_unread = len(encoded) > len(phrasings) == 0
    if len(phrasings) < len(encoded):
        notes += (CANNOT_READ if is_unread else PARTLY_READ,)
    if retrieval.like or retrieval.unlike:
        return Legs(notes=notes, unread=is_unread) + await _example_legs(collection, phrasings, retrieval, shares)
    phrasings = phrasings or [each.vector for each in encoded]
    legs = [
        WeightedLeg(UNREAD if is_unread else name, name, query=vector, share=share / len(phrasings))
        for name, share in shares.items()
        for vector in phrasings
    ]
    return Legs(tuple(legs), notes, unread=is_unread)


async def _example_legs(
    collection: Searchable, phrasings: Sequence[Vector], retrieval: Retrieval, shares: Mapping[str, float]
) -> Legs:
    found = Legs()
    for name, share in shares.items():
        like, unlike = [await vectors_of(collection, ids, name) for ids in (retrieval.like, retrieval.unlike)]
        positive = [group for group in (phrasings, like) if group]
        if positive:
            found += Legs((WeightedLeg(LIKE, name, query=rocchio(positive, unlike), share=share),))
        else:
            found += Legs(notes=(f"No example has a vector for {name!r}: it was not searched.",))
    return found


async def _token_legs(manifest: Manifest, text: str, encoder: TokenEncoder | None) -> Legs:
    """Return the leg that rescores the other legs' hits by late interaction, if the collection has token vectors."""
    spec = manifest.vectors.get(TOKENS)
    if spec is None or encoder is None or encoder.fingerprint != spec.model:
        return Legs()
    [tokens] = await encoder.encode_tokens([text])
    return Legs((WeightedLeg(TOKENS, TOKENS, query=tokens),)) if len(tokens.rows) else Legs()


async def _keyword_legs(manifest: Manifest, texts: Sequence[str], learned: SparseEncoder | None) -> Legs:
    name = LEARNED if LEARNED in manifest.vectors else BM25
    if name not in manifest.vectors:
        return Legs(notes=(f"Only dense vectors were searched: there are none for keywords. {ADD_KEYWORDS}",))
    if name == BM25:
        bm25 = Bm25Encoder(manifest.lexical)
        vectors = [bm25.query(text) for text in texts]
    elif learned is None or learned.fingerprint != manifest.vectors[name].model:
        model = manifest.vectors[name].model
        return Legs(notes=(f"Keyword search was skipped: set RESIFT_VECTORS__WORDS to {model}.",))
    else:
        vectors = [await learned.encode_query(text) for text in texts]
    found = [vector for vector in vectors if vector.indices]
    is_whole = name == BM25 and not manifest.lexical.splits_unspaced and any(map(has_unspaced, texts))
    if not found:
        return Legs(
            notes=("The query has no words to match, only stop words or punctuation: keyword search was skipped.",)
        )
    legs = tuple(WeightedLeg(name, name, query=vector, share=1 / len(found)) for vector in found)
    return Legs(legs, (IS_ONE_WORD,) if is_whole else ())


def _shares(manifest: Manifest, fields: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the share of each dense vector to search, by its name, and notes on fields that have no vector."""
    if any(not isfinite(weight) or weight < 0 for weight in fields.values()) or (fields and not any(fields.values())):
        raise InvalidInput(f"`fields` takes weights of 0 or more, at least one above 0; got {dict(fields)}.")
    vectors = {spec.field: name for name, spec in manifest.vectors.items() if spec.kind == "dense"}
    weights = {name: weight for name, weight in fields.items() if weight} or {TEXT_FIELD: 1.0}
    notes: tuple[str, ...] = ()
    if missing := weights.keys() - vectors.keys():
        names = listed(map(repr, sorted(missing)))
        notes = (f"This collection has no vectors for {names}; it has: {listed(vectors)}.",)
    present = {vectors[name]: weight for name, weight in weights.items() if name in vectors} or {DENSE: 1.0}
    total = sum(present.values())
    return {name: weight / total for name, weight in present.items()}, notes
