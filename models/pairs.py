"""The seam to cross-encoders: a query and a passage read together, and how both are made to fit a model's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ..core.errors import ModelError
from .windows import cut

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

QUERY_TOKENS = 64  # of a query, for models that do not say; MS MARCO's and BEIR's questions have fewer
LARGEST_WINDOW = 512  # longer ones cost with the square of their length, and passages are a fraction of that
MOST_WINDOWS = 4  # of one passage: what was cut by Resift fits in one, and a handed-over book must not take minutes
OVERLAP = 32  # tokens two windows of a passage share, so that no sentence is only ever seen cut


@dataclass(frozen=True, slots=True)
class PairScore:
    """The score of a passage, that of its best window. `whole` says that all of the passage was read."""

    value: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Cut:
    """A text made to fit: the pieces that are read, and whether they are all of it."""

    pieces: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """What a model reads, int64 [1, tokens] each. `types` are 0 for the query and 1 for the passage, in BERT's way."""

    ids: NDArray[np.int64]
    types: NDArray[np.int64]


class PairScorer(Protocol):
    """A cross-encoder. Every method may be called from several threads at once."""

    @property
    def tokenizer(self) -> PairTokenizer:
        """Return what cuts its texts."""
        ...

    @property
    def batch(self) -> int:
        """Return how many passages are best handed over at once."""
        ...

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        """Return a raw score for each passage, higher is better; the query must fit.

        Raises:
            ModelError: the model could not be run.
        """
        ...


class PairTokenizer:
    """Joins a query and a passage as a model's tokenizer.json says. May be used from several threads at once."""

    def __init__(self, tokenizer: Tokenizer, *, window: int, query_tokens: int = QUERY_TOKENS) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.window = window
        self.query_tokens = min(query_tokens, window // 2)
        self._tokenizer = tokenizer
        self._special = tokenizer.num_special_tokens_to_add(True)

    @classmethod
    def open(cls, path: Path, *, window: int, query_tokens: int = QUERY_TOKENS) -> Self:
        """Read a tokenizer.json.

        Raises:
            ModelError: it is missing or damaged.
        """
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"The tokenizer {path} cannot be read: {error}. Copy the model's files again.") from error
        return cls(tokenizer, window=window, query_tokens=query_tokens)

    def fit_query(self, query: str) -> Cut:
        """Return the beginning of the query, of at most `query_tokens` tokens."""
        text = _encodable(query)
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) <= self.query_tokens:
            return Cut((text,), whole=True)
        return Cut((text[: offsets[self.query_tokens - 1][1]],), whole=False)

    def fit_passage(self, query: str, passage: str) -> Cut:
        """Return the windows of a passage that fit beside the query, the first `MOST_WINDOWS` of them."""
        text = _encodable(passage)
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        size = self.window - self._special - len(self._tokenizer.encode(query, add_special_tokens=False).ids)
        windows = cut(text, offsets, size=size, overlap=min(OVERLAP, (size - 1) // 2))
        return Cut(tuple(windows[:MOST_WINDOWS]), whole=len(windows) <= MOST_WINDOWS)

    def pairs(self, query: str, passage: str) -> tuple[list[Pair], bool]:
        """Return the passage's windows, each joined with the query, and whether they are all of it."""
        # Joined at once, since nearly all fit: one encoding instead of three.
        pair = self.join(query, passage)
        if pair.ids.size <= self.window:
            return [pair], True
        fitted = self.fit_passage(query, passage)
        return [self._clipped(self.join(query, window)) for window in fitted.pieces], fitted.whole

    def join(self, query: str, passage: str) -> Pair:
        """Return both texts with the model's special tokens, whatever their length."""
        encoding = self._tokenizer.encode(_encodable(query), _encodable(passage))
        return Pair(np.array([encoding.ids], np.int64), np.array([encoding.type_ids], np.int64))

    def _clipped(self, pair: Pair) -> Pair:
        """Drop what is too much before the last token: a text cut inside a word may have a few tokens more."""
        if pair.ids.size <= self.window:
            return pair
        kept = [*range(self.window - 1), pair.ids.size - 1]
        return Pair(pair.ids[:, kept], pair.types[:, kept])


def _encodable(text: str) -> str:
    # Half a surrogate pair is valid in JSON, but has no UTF-8; "?" keeps every offset where it was.
    return text.encode("utf-8", "replace").decode("utf-8")
