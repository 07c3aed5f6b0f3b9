"""Keep scores: a passage that was read for the same query before is not read again."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from cachetools import LRUCache

from ..core.query import Query
from ..core.values import Passage
from .protocols import Scorer, Scores, WrappedScorer


@dataclass(frozen=True, slots=True)
class _CachedScore:
    value: float
    notes: tuple[str, ...]
    was_cut: bool


class CachedScorer(WrappedScorer):
    """A scorer that keeps its last `limit` scores; the least recently used go first.

    Only for scorers whose score of a passage does not depend on the other passages. A score takes about 340 bytes,
    since keys are digests.
    """

    def __init__(self, scorer: Scorer, *, limit: int) -> None:
        super().__init__(scorer)
        self._cache: LRUCache[bytes, _CachedScore] = LRUCache(limit)

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return one score per passage; `cached` counts those that were known."""
        keys = [_key(query, passage) for passage in passages]
        known = {key: found for key in keys if (found := self._cache.get(key)) is not None}
        cached = sum(key in known for key in keys)
        missing = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in known}
        if missing:
            scores = await self.scorer.score(query, list(missing.values()))
            known |= _entries(list(missing), scores.check(self.scorer, len(missing)))
        if self._cache.maxsize:
            self._cache.update(known)
        return Scores(
            tuple(known[key].value for key in keys),
            notes=tuple(dict.fromkeys(note for key in keys for note in known[key].notes)),
            cached=cached,
            cut=frozenset(place for place, key in enumerate(keys) if known[key].was_cut),
        )


def _entries(keys: Sequence[bytes], scores: Scores) -> dict[bytes, _CachedScore]:
    return {
        key: _CachedScore(value, scores.notes, was_cut=place in scores.cut)
        for place, (key, value) in enumerate(zip(keys, scores.values, strict=True))
    }


def _key(query: Query, passage: Passage) -> bytes:
    digest = blake2b(digest_size=16)
    for text in (query.text, query.instruction, passage.content):
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8))
        digest.update(content)
    return digest.digest()
