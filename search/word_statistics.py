"""Inverse document frequency over several collections, so that their keyword scores can be compared.

Every store weighs a word by its rarity in the one collection that is searched. Scores of two collections are therefore
on different scales, and the collection in which a word of the query is unusual wins: a cookbook for "car". The weights
of the query are corrected here, so that each word counts as if all passages were in one collection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from ..core.vectors import Sparse
from ..store.collection import Collection
from ..store.protocols import Leg

MAX_WORDS = 256  # of a question that are looked up, at about 0.1 ms each; others keep the weight of their collection


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """How rare words are in a collection: the weight by which the store multiplies each word that occurs in it."""

    passages: int
    idf: Mapping[int, float]

    def frequency(self, word: int) -> float:
        """Return the number of passages with a word, from the weight that the store gives it.

        Source: Qdrant's `ln((N - n + 0.5) / (n + 0.5) + 1)`, solved for n.
        """
        if word not in self.idf:
            return 0.0
        return min(float(self.passages), max(1.0, (self.passages + 1) / exp(self.idf[word]) - 0.5))


NO_WORDS = WordStatistics(0, {})


async def read_statistics(collection: Collection, vector: str, words: Sequence[int]) -> WordStatistics:
    """Return the statistics of words in a sparse vector, learned from one search per word.

    The score of a hit is the product of the word's weight in the passage, which is stored, and its rarity. No store
    tells the number of passages with a word in another way.
    """
    passages = await collection.count()
    asked = words[:MAX_WORDS]
    legs = [Leg(vector, Sparse((word,), (1.0,)), limit=1) for word in asked]
    answers = await collection.search(legs) if legs else []
    best = {word: answer[0] for word, answer in zip(asked, answers, strict=True) if answer}
    stored = await collection.fetch_vectors([key for key, _ in best.values()], vector) if best else {}
    idf: dict[int, float] = {}
    for word, (key, score) in best.items():
        weight = _weight(stored.get(key), word)
        if weight > 0 and score > 0:
            idf[word] = score / weight
    return WordStatistics(passages, idf)


def common_weights(statistics: Sequence[WordStatistics]) -> list[dict[int, float]]:
    """Return for each collection the factor of each word that makes its weight the one over all collections."""
    passages = sum(each.passages for each in statistics)
    words = {word for each in statistics for word in each.idf}
    common = {word: _idf(sum(each.frequency(word) for each in statistics), passages) for word in words}
    return [{word: common[word] / own for word, own in each.idf.items()} for each in statistics]


def reweighted(query: Sparse, factors: Mapping[int, float]) -> Sparse:
    """Return the query with each word's weight multiplied by its factor, if it has one."""
    pairs = zip(query.indices, query.values, strict=True)
    return Sparse(query.indices, tuple(value * factors.get(word, 1.0) for word, value in pairs))


def _idf(frequency: float, passages: int) -> float:
    return log((passages - frequency + 0.5) / (frequency + 0.5) + 1)


def _weight(vector: object, word: int) -> float:
    if not isinstance(vector, Sparse) or word not in vector.indices:
        return 0.0
    return vector.values[vector.indices.index(word)]
