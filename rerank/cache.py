"""Remember scores: a passage asked about again in the same words is not read again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ..core.values import Passage
from .blend import Weights
from .protocols import Reranker, Scores, score_all


@dataclass(frozen=True, slots=True)
class _Known:
    value: float
    notes: tuple[str, ...]
    whole: bool


class Cached:
    """A reranker whose last `limit` scores are kept, those used longest ago going first.

    Only for rerankers whose score of a passage does not depend on the others. A score takes about 300 bytes, for keys
    are digests.
    """

    def __init__(self, reranker: Reranker, *, limit: int) -> None:
        self._reranker = reranker
        self._limit = limit
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self._reranker.name

    @property
    def fingerprint(self) -> str:
        """Return the model's."""
        return self._reranker.fingerprint

    @property
    def weights(self) -> Weights:
        """Return the shares in the final score that suit it."""
        return self._reranker.weights

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        """Return the scores, of which `cached` were known."""
        keys = [_key(query, instruction, passage) for passage in passages]
        known = {key: found for key in keys if (found := self._known.get(key)) is not None}
        unknown = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in known}
        cached = sum(key in known for key in keys)
        if unknown:
            known |= await self._read(query, instruction, unknown)
        self._keep(known)
        notes = dict.fromkeys(note for key in keys for note in known[key].notes)
        cut = frozenset(place for place, key in enumerate(keys) if not known[key].whole)
        return Scores(tuple(known[key].value for key in keys), tuple(notes), cached=cached, cut=cut)

    def relevance(self, score: float) -> float:
        """Return the calibrated probability, in 0..1, that a passage with this raw score answers its query."""
        return self._reranker.relevance(score)

    async def _read(self, query: str, instruction: str, passages: dict[bytes, Passage]) -> dict[bytes, _Known]:
        scores = await score_all(self._reranker, query, list(passages.values()), instruction=instruction)
        return {
            key: _Known(value, scores.notes, place not in scores.cut)
            for place, (key, value) in enumerate(zip(passages, scores.values, strict=True))
        }

    def _keep(self, known: dict[bytes, _Known]) -> None:
        for key, each in known.items():
            self._known[key] = each
            self._known.move_to_end(key)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)


def _key(query: str, instruction: str, passage: Passage) -> bytes:
    digest = blake2b(digest_size=16)
    for text in (query, instruction, passage.content):
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8))
        digest.update(content)
    return digest.digest()
