"""What a search asks the store: each phrasing, field and example as a weighted leg."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, TypeAlias

from ..core.errors import InvalidInput
from ..core.values import EMPTY
from ..core.vectors import BM25, DENSE, LEARNED, TEXT_FIELD, TOKENS, AnyVector, Multi, Sparse, Vector
from ..encoders.bm25 import Bm25Encoder
from ..encoders.protocols import NO_EXTRA_ENCODERS, Encoder, ExtraEncoders, SparseEncoder, TokenEncoder
from ..store.collection import Collection
from ..store.filters import Condition
from ..store.manifest import Manifest
from .examples import towards, vectors_of

Mode: TypeAlias = Literal["hybrid", "dense", "keyword"]

WORDS = {BM25, LEARNED}

ADD_WORDS = "`resift adopt` with --add-keywords adds them."

LIKE = "like"
"""Name of the scores of a search by examples: another cosine than that to the query, which alone is calibrated."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to retrieve. `head` hits are chosen for reranking by RRF; 0 means no reranking follows."""

    query: str
    mode: Mode = "hybrid"
    where: Condition | None = None
    wanted: int = 10
    head: int = 0
    per_document: int = 0
    fields: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    """Weights of the fields whose dense vectors are searched; empty is the passage's text alone."""
    phrasings: Sequence[str] = ()
    """Further ways to say the query, searched in the same batch; each counts as much as the query."""
    like: Sequence[str] = ()
    """Ids of passages to search by, beside the query or without one."""
    unlike: Sequence[str] = ()

    @property
    def texts(self) -> list[str]:
        """Return the query in all its phrasings; none where the search is by examples alone."""
        return [text for text in (self.query, *self.phrasings) if text]


@dataclass(frozen=True, slots=True)
class WeightedLeg:
    """One leg: its scores go by `name`; `share` is its part among the dense legs, or among the sparse ones."""

    name: str
    vector: str
    query: AnyVector
    share: float = 1.0

    @property
    def is_late(self) -> bool:
        """Return whether it rescores, token by token, what the other legs find."""
        return isinstance(self.query, Multi)

    @property
    def is_sparse(self) -> bool:
        """Return whether words are compared, so that zero is the natural floor of its scores."""
        return isinstance(self.query, Sparse)


async def legs_of(
    collection: Collection,
    search: Search,
    encoder: Encoder,
    notes: list[str],
    *,
    extra_encoders: ExtraEncoders = NO_EXTRA_ENCODERS,
) -> list[WeightedLeg]:
    """Return the legs of a search; what could not be asked is said in `notes`.

    Raises:
        InvalidInput: On weights that no search could use, or words asked for where there are no vectors of them.
    """
    if search.mode == "keyword" and not WORDS & collection.manifest.vectors.keys():
        raise InvalidInput(f"{collection.name!r} has no vectors of words. {ADD_WORDS} Or ask with mode 'hybrid'.")
    shares = _shares(collection.manifest, search.fields, notes)
    legs = [] if search.mode == "keyword" else await _dense_legs(collection, search, encoder, shares, notes)
    if legs and search.texts and DENSE in shares:
        legs += await _token_legs(collection.manifest, search.texts[0], extra_encoders.tokens)
    if search.mode == "dense" or not search.texts:
        return legs
    if search.mode == "hybrid" and DENSE not in shares:
        notes.append(f"Keyword search is of whole passages, and `fields` leaves {TEXT_FIELD!r} out: it was not made.")
        return legs
    return [*legs, *await _keyword_legs(collection.manifest, search.texts, extra_encoders.sparse, notes)]


async def _dense_legs(
    collection: Collection, search: Search, encoder: Encoder, shares: Mapping[str, float], notes: list[str]
) -> list[WeightedLeg]:
    phrasings: list[Vector] = []
    for text in search.texts:
        encoded = await encoder.encode_query(text)
        phrasings.append(encoded.vector)
        if encoded.truncated:
            notes.append(f"The query has {encoded.tokens} tokens; the encoder read only its beginning.")
    if not search.like and not search.unlike:
        return [
            WeightedLeg(name, name, query=vector, share=share / len(phrasings))
            for name, share in shares.items()
            for vector in phrasings
        ]
    legs: list[WeightedLeg] = []
    for name, share in shares.items():
        like, unlike = [await vectors_of(collection, ids, name) for ids in (search.like, search.unlike)]
        near = [group for group in (phrasings, like) if group]
        if near:
            legs.append(WeightedLeg(LIKE, name, query=towards(near, unlike), share=share))
        else:
            notes.append(f"No example has a vector of {name!r}: it was not searched.")
    return legs


async def _token_legs(manifest: Manifest, text: str, encoder: TokenEncoder | None) -> list[WeightedLeg]:
    """Return the leg that rescores what the others find by late interaction, where the collection has such vectors."""
    spec = manifest.vectors.get(TOKENS)
    if spec is None or encoder is None or encoder.fingerprint != spec.model:
        return []
    [tokens] = await encoder.encode_tokens([text])
    return [WeightedLeg(TOKENS, TOKENS, tokens)] if len(tokens.rows) else []


async def _keyword_legs(
    manifest: Manifest, texts: Sequence[str], learned: SparseEncoder | None, notes: list[str]
) -> list[WeightedLeg]:
    name = LEARNED if LEARNED in manifest.vectors else BM25
    if name not in manifest.vectors:
        notes.append(f"Searched by meaning alone: the collection has no vectors of words. {ADD_WORDS}")
        return []
    if name == BM25:
        bm25 = Bm25Encoder(manifest.lexical)
        vectors = [bm25.query(text) for text in texts]
    elif learned is None or learned.fingerprint != manifest.vectors[name].model:
        notes.append(f"Words were not searched: set RESIFT_VECTORS__WORDS to {manifest.vectors[name].model}.")
        return []
    else:
        vectors = [await learned.encode_query(text) for text in texts]
    found = [vector for vector in vectors if vector.indices]
    if not found:
        notes.append("The query has no words to match, only stop words or signs: no keyword search was made.")
    return [WeightedLeg(name, name, query=vector, share=1 / len(found)) for vector in found]


def _shares(manifest: Manifest, fields: Mapping[str, float], notes: list[str]) -> dict[str, float]:
    """Return the shares of the dense vectors that stand for fields, by vector; of the text alone for no fields."""
    if any(not isfinite(weight) or weight < 0 for weight in fields.values()) or (fields and not any(fields.values())):
        raise InvalidInput(f"`fields` takes weights from 0 on, one of them above 0; got {dict(fields)}.")
    vectors = {spec.field: name for name, spec in manifest.vectors.items() if spec.kind == "dense"}
    asked = {name: weight for name, weight in fields.items() if weight} or {TEXT_FIELD: 1.0}
    if missing := asked.keys() - vectors.keys():
        known = ", ".join(vectors)
        notes.append(f"No vectors of {', '.join(map(repr, sorted(missing)))} in this collection; it has: {known}.")
    present = {vectors[name]: weight for name, weight in asked.items() if name in vectors} or {DENSE: 1.0}
    total = sum(present.values())
    return {name: weight / total for name, weight in present.items()}
