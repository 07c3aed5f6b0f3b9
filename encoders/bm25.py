"""BM25 vectors, tokenized by qdrant-edge with the token ids of Qdrant's `qdrant/bm25`; nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..core.errors import InvalidInput
from ..core.vectors import Sparse

if TYPE_CHECKING:
    from qdrant_edge import SparseVector


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")  # HTTP, Server, name, 2


def split_identifiers(text: str) -> str:
    """Return the text followed by the parts of each camelCase, PascalCase or snake_case identifier in it."""
    found: list[str] = []
    for identifier in _IDENTIFIER.findall(text):
        parts = _PART.findall(identifier)
        if len(parts) > 1:
            found += parts
    return f"{text}\n{' '.join(found)}" if found else text


Tokenizer: TypeAlias = Literal["words", "code"]


@dataclass(frozen=True, slots=True)
class Bm25Options:
    """The settings of BM25 vectors; queries do not depend on `average_length`."""

    average_length: float
    language: str = "english"
    k: float = 1.2
    b: float = 0.75
    tokenizer: Tokenizer = "words"
    """"code" also indexes the parts of identifiers."""


AVERAGE_LENGTH = 100.0  # tokens, without stop words, of a 200-wordpiece passage; the default, 256, lost 0.007 nDCG@10


class Bm25Encoder:
    """Make the BM25 vectors of documents and queries.

    The weights of a document cover term frequency and length; the store multiplies by inverse document frequency.
    """

    def __init__(self, lexical: Bm25Options) -> None:
        from qdrant_edge import Bm25, Bm25Config

        self._prepare = split_identifiers if lexical.tokenizer == "code" else str
        try:
            config = Bm25Config(k=lexical.k, b=lexical.b, avg_len=lexical.average_length, language=lexical.language)
            self._bm25 = Bm25(config)
        except ValueError as error:
            raise InvalidInput(
                f"BM25 does not support {lexical.language!r}: {error}. Correct RESIFT_SEARCH__LANGUAGE."
            ) from error

    def document(self, text: str) -> Sparse:
        """Return the vector of a passage."""
        return _sparse(self._bm25.embed_document(self._prepare(text)))

    def query(self, text: str) -> Sparse:
        """Return the vector of a query; empty if it consists of stop words."""
        return _sparse(self._bm25.embed_query(self._prepare(text)))


def _sparse(vector: SparseVector) -> Sparse:
    return Sparse(tuple(vector.indices), tuple(vector.values))


def mean_length(texts: Sequence[str], lexical: Bm25Options) -> float:
    """Return the mean number of words per text, without stop words: the best value of `Bm25Options.average_length`.

    With b = 0 the weight of a term is tf (k + 1) / (tf + k), which this solves for tf.
    """
    plain, k = Bm25Encoder(replace(lexical, b=0.0)), lexical.k
    weights = [plain.document(text).values for text in texts]
    lengths = [sum(weight * k / (k + 1 - weight) for weight in each) for each in weights]
    return round(mean(lengths), 1) if lengths else lexical.average_length
