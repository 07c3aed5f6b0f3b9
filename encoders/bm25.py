"""BM25 vectors, tokenized by qdrant-edge with the token ids of Qdrant's `qdrant/bm25`; nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import mean
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..core.errors import InvalidInput
from ..core.text import UNSPACED_RUN
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


def split_unspaced(text: str, *, alone: bool) -> str:
    """Return the text with pairs of neighbouring characters instead of each run of a script without blanks.

    A single character stands for itself; `alone` adds each character of longer runs, by which it is found. As in
    Lucene's CJKBigramFilter, nothing has to know words. Characters are written as numbers, which no tokenizer splits.
    """
    if text.isascii():
        return text
    return UNSPACED_RUN.sub(lambda run: f" {' '.join(_grams(run[0], alone=alone))} ", text)


def has_unspaced(text: str) -> bool:
    """Return whether a text has words in scripts without blanks."""
    return not text.isascii() and UNSPACED_RUN.search(text) is not None


def _grams(run: str, *, alone: bool) -> Iterator[str]:
    if alone or len(run) == 1:
        yield from (f"z{ord(each)}z" for each in run)
    yield from (f"z{ord(first)}x{ord(second)}z" for first, second in pairwise(run))


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
    splits_unspaced: bool = False
    """Whether texts in scripts without blanks are indexed by pairs of characters. Collections of versions before 0.7
    are not, in which such a sentence is one word."""


AVERAGE_LENGTH = 100.0  # tokens, without stop words, of a 200-wordpiece passage; the default, 256, lost 0.007 nDCG@10


class Bm25Encoder:
    """Make the BM25 vectors of documents and queries.

    The weights of a document cover term frequency and length; the store multiplies by inverse document frequency.
    """

    def __init__(self, lexical: Bm25Options) -> None:
        from qdrant_edge import Bm25, Bm25Config

        self._lexical = lexical
        try:
            config = Bm25Config(k=lexical.k, b=lexical.b, avg_len=lexical.average_length, language=lexical.language)
            self._bm25 = Bm25(config)
        except ValueError as error:
            raise InvalidInput(
                f"BM25 does not support {lexical.language!r}: {error}. Correct RESIFT_SEARCH__LANGUAGE."
            ) from error

    def document(self, text: str) -> Sparse:
        """Return the vector of a passage."""
        return _sparse(self._bm25.embed_document(self._prepared(text, alone=True)))

    def query(self, text: str) -> Sparse:
        """Return the vector of a query; empty if it consists of stop words."""
        return _sparse(self._bm25.embed_query(self._prepared(text, alone=False)))

    def _prepared(self, text: str, *, alone: bool) -> str:
        if self._lexical.tokenizer == "code":
            text = split_identifiers(text)
        return split_unspaced(text, alone=alone) if self._lexical.splits_unspaced else text


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
