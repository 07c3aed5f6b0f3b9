"""The interface of cross-encoders, and the tokenizer that makes a query and a passage fit into a model's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from ...core.errors import ModelError
from ...core.text import encodable
from ..onnx_export import open_tokenizer
from ..options import NO_TEMPLATES, InputFormat
from ..unread import is_unread
from ..windows import cut_windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


MAX_QUERY_TOKENS = 64  # for models that do not give a limit; the questions of MS MARCO and BEIR are shorter

MAX_INSTRUCTION_TOKENS = 192  # one to three long sentences

MIN_FREE_TOKENS = 32  # left for query and passage beside the templates; with fewer, a model cannot judge anything

MAX_WINDOWS = 4  # of one passage; Resift's own passages fit in one, and a whole book must not take minutes

WINDOW_OVERLAP = 32  # tokens shared by neighbouring windows, so that every sentence is whole in one of them

TEMPLATE_MARGIN = 8  # tokens kept free beside templates, since texts joined to them may tokenize differently


@dataclass(frozen=True, slots=True)
class PairScore:
    """The score of a passage: that of its best window. `complete` says that all of the passage was read."""

    value: float
    complete: bool = True


@dataclass(frozen=True, slots=True)
class FittedText:
    """A text cut to fit a model: the pieces that are read, and whether they cover the text completely."""

    pieces: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """The input of a model, int64 [1, tokens] each. As in BERT, `types` are 0 for the query and 1 for the passage."""

    ids: NDArray[np.int64]
    types: NDArray[np.int64]


class PairScorer(Protocol):
    """A cross-encoder. Its methods may be called from several threads at once."""

    @property
    def tokenizer(self) -> PairTokenizer:
        """Return the tokenizer that cuts texts to fit the model."""
        ...

    @property
    def batch(self) -> int:
        """Return the best number of passages for one call."""
        ...

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        """Return a raw score for each passage, higher is better; `query` comes from `PairTokenizer.fit_query`.

        Raises:
            ModelError: The model could not be run.
        """
        ...


class PairTokenizer:
    """Joins a query and a passage as a model's tokenizer.json says, each in the model's input format.

    It may be used from several threads at once.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        window: int,
        query_tokens: int = MAX_QUERY_TOKENS,
        input_format: InputFormat = NO_TEMPLATES,
    ) -> None:
        """Divide the window between templates, instruction, query and passage.

        Raises:
            ModelError: The templates leave fewer than `MIN_FREE_TOKENS`.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.window = window
        self._tokenizer = tokenizer
        self._input_format = input_format
        self._special = tokenizer.num_special_tokens_to_add(True)
        has_templates = input_format != NO_TEMPLATES
        self._passage_overhead = self._count(input_format.passage_boilerplate) + TEMPLATE_MARGIN if has_templates else 0
        share = self._free_tokens() // (4 if input_format.follows_instructions else 2)
        self.query_tokens = min(query_tokens, share)
        self.instruction_tokens = min(MAX_INSTRUCTION_TOKENS, share)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        window: int,
        query_tokens: int = MAX_QUERY_TOKENS,
        input_format: InputFormat = NO_TEMPLATES,
    ) -> Self:
        """Read a tokenizer.json.

        Raises:
            ModelError: The file is missing or damaged, or the templates do not fit into the window.
        """
        return cls(open_tokenizer(path), window=window, query_tokens=query_tokens, input_format=input_format)

    def fit_query(self, query: str, instruction: str = "") -> FittedText:
        """Return the query in the model's format, with as much of it and of the instruction as fits."""
        query, whole_query = self._truncate(query, self.query_tokens)
        instruction, whole_instruction = self._truncate(
            instruction or self._input_format.instruction, self.instruction_tokens
        )
        text = self._input_format.format_query(query, instruction)
        return FittedText((text,), complete=whole_query and whole_instruction)

    def is_unread(self, query: str) -> bool:
        """Return whether the model knows less than half of the letters of a query."""
        return is_unread(self._tokenizer, query)

    def fit_passage(self, query: str, passage: str) -> FittedText:
        """Return windows of a passage that fit beside a fitted query, in the model's format.

        There are at most `MAX_WINDOWS` of them, from the beginning of the passage.
        """
        text = encodable(self._input_format.escape(passage))
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        size = self.window - self._special - self._passage_overhead - self._count(query)
        windows = cut_windows(text, offsets, size=size, overlap=min(WINDOW_OVERLAP, (size - 1) // 2))
        pieces = tuple(map(self._input_format.format_passage, windows[:MAX_WINDOWS]))
        return FittedText(pieces, complete=len(windows) <= MAX_WINDOWS)

    def encode_windows(self, query: str, passage: str) -> tuple[list[Pair], bool]:
        """Return the passage's windows, each joined with the query, and whether they cover all of the passage."""
        # Try the whole passage first, since nearly all fit: that takes one encoding instead of three.
        pair = self.encode_pair(query, self._input_format.format_passage(passage))
        if pair.ids.size <= self.window:
            return [pair], True
        fitted = self.fit_passage(query, passage)
        return [self._clip(self.encode_pair(query, piece)) for piece in fitted.pieces], fitted.complete

    def encode_pair(self, query: str, passage: str) -> Pair:
        """Return both texts joined by the model's special tokens, whatever their length."""
        import numpy as np

        encoding = self._tokenizer.encode(encodable(query), encodable(passage))
        return Pair(np.array([encoding.ids], np.int64), np.array([encoding.type_ids], np.int64))

    def _free_tokens(self) -> int:
        """Return how many tokens the templates leave, special tokens not counted."""
        used = self._passage_overhead + self._count(self._input_format.query_boilerplate)
        free = self.window - used
        if self._input_format != NO_TEMPLATES and free < MIN_FREE_TOKENS:
            raise ModelError(
                f"The templates take {used} of the {self.window} tokens that the model reads. Shorten them, or raise "
                "`window`."
            )
        return free

    def _truncate(self, text: str, tokens: int) -> tuple[str, bool]:
        """Return at most the first `tokens` tokens of a text, and whether they are all of it."""
        text = encodable(self._input_format.escape(text))
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return (text, True) if len(offsets) <= tokens else (text[: offsets[tokens - 1][1]], False)

    def _count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _clip(self, pair: Pair) -> Pair:
        """Drop excess tokens before the last one: a text cut inside a word may have a few more than counted."""
        if pair.ids.size <= self.window:
            return pair
        kept = [*range(self.window - 1), pair.ids.size - 1]
        return Pair(pair.ids[:, kept], pair.types[:, kept])
