"""The seam to cross-encoders: a query and a passage read together, and how both are made to fit a model's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ...core.errors import ModelError
from ...core.text import encodable
from ..input_format import PLAIN, InputFormat
from ..windows import cut

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


QUERY_TOKENS = 64  # of a query, for models that do not say; MS MARCO's and BEIR's questions have fewer

INSTRUCTION_TOKENS = 192  # of an instruction, for models that follow one: a long sentence or three

LEAST_ROOM = 32  # tokens that templates leave for query and passage: with fewer nothing can be judged

MOST_WINDOWS = 4  # of one passage: what was cut by Resift fits in one, and a handed-over book must not take minutes

OVERLAP = 32  # tokens two windows of a passage share, so that no sentence is only ever seen cut

SLACK = 8  # tokens left free beside templates: what joins differently must not cost their end


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
    """Joins a query and a passage as a model's tokenizer.json says, each in the form that the model wants.

    May be used from several threads at once.
    """

    def __init__(
        self, tokenizer: Tokenizer, *, window: int, query_tokens: int = QUERY_TOKENS, form: InputFormat = PLAIN
    ) -> None:
        """Count what the templates take.

        Raises:
            ModelError: They leave no room.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.window = window
        self._tokenizer = tokenizer
        self._form = form
        self._special = tokenizer.num_special_tokens_to_add(True)
        self._frame = 0 if form == PLAIN else self._length(form.passage_frame) + SLACK
        share = self._room() // (4 if form.follows_instructions else 2)
        self.query_tokens = min(query_tokens, share)
        self.instruction_tokens = min(INSTRUCTION_TOKENS, share)

    @classmethod
    def open(cls, path: Path, *, window: int, query_tokens: int = QUERY_TOKENS, form: InputFormat = PLAIN) -> Self:
        """Read a tokenizer.json.

        Raises:
            ModelError: it is missing or damaged, or the form does not fit into the window.
        """
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"The tokenizer {path} cannot be read: {error}. Copy the model's files again.") from error
        return cls(tokenizer, window=window, query_tokens=query_tokens, form=form)

    def fit_query(self, query: str, instruction: str = "") -> Cut:
        """Return the query in its form, with as much of it and of the instruction as is read."""
        asked, all_asked = self._beginning(query, self.query_tokens)
        told, all_told = self._beginning(instruction or self._form.instruction, self.instruction_tokens)
        return Cut((self._form.asked(asked, told),), whole=all_asked and all_told)

    def fit_passage(self, query: str, passage: str) -> Cut:
        """Return the windows of a passage that fit beside the query, the first `MOST_WINDOWS` of them, in their form.

        The query is one that was made to fit.
        """
        text = encodable(self._form.plain(passage))
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        size = self.window - self._special - self._frame - self._length(query)
        windows = cut(text, offsets, size=size, overlap=min(OVERLAP, (size - 1) // 2))
        return Cut(tuple(map(self._form.shown, windows[:MOST_WINDOWS])), whole=len(windows) <= MOST_WINDOWS)

    def pairs(self, query: str, passage: str) -> tuple[list[Pair], bool]:
        """Return the passage's windows, each joined with the query, and whether they are all of it."""
        # Joined at once, since nearly all fit: one encoding instead of three.
        pair = self.join(query, self._form.shown(passage))
        if pair.ids.size <= self.window:
            return [pair], True
        fitted = self.fit_passage(query, passage)
        return [self._clipped(self.join(query, window)) for window in fitted.pieces], fitted.whole

    def join(self, query: str, passage: str) -> Pair:
        """Return both texts with the model's special tokens, whatever their length."""
        encoding = self._tokenizer.encode(encodable(query), encodable(passage))
        return Pair(np.array([encoding.ids], np.int64), np.array([encoding.type_ids], np.int64))

    def _room(self) -> int:
        """Return how many tokens the templates leave; special ones are not counted."""
        room = self.window - self._frame - self._length(self._form.query_frame)
        if self._form != PLAIN and room < LEAST_ROOM:
            raise ModelError(
                f"The templates take {self.window - room} of the {self.window} tokens that the model reads. Shorten "
                "them, or raise `window`."
            )
        return room

    def _beginning(self, text: str, tokens: int) -> tuple[str, bool]:
        """Return the first so many tokens of a text, and whether they are all."""
        text = encodable(self._form.plain(text))
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return (text, True) if len(offsets) <= tokens else (text[: offsets[tokens - 1][1]], False)

    def _length(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _clipped(self, pair: Pair) -> Pair:
        """Drop what is too much before the last token: a text cut inside a word may have a few tokens more."""
        if pair.ids.size <= self.window:
            return pair
        kept = [*range(self.window - 1), pair.ids.size - 1]
        return Pair(pair.ids[:, kept], pair.types[:, kept])
