"""Texts as models read them: their vectors, their tokens, and their beginnings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from ..core.concurrency import run_concurrently
from ..core.errors import InvalidInput
from ..core.text import estimate_tokens, listed
from ..core.vectors import Vector
from ..encoders.configured import LocalEncoder
from ..encoders.minilm import BundledEncoder
from ..factories.engine import ENCODER, Engine
from ..models.bundled import BUNDLED, TOKENIZER_FILE, verify
from ..models.lazy import Lazy
from ..models.onnx_export import open_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_TEXTS = 2_048  # in one call, as OpenAI has it

MAX_TEXT_CHARACTERS = 2_000_000  # of all texts together: tokenizing alone takes a second or two


@dataclass(frozen=True, slots=True)
class TextVectors:
    """The vectors of texts, in order, each of length 1."""

    vectors: Sequence[Vector]
    tokens: int
    """Of the whole texts. Where the model does not count them, one for 4 bytes."""
    truncated: int
    """How many texts are longer than the model reads, so that only their beginnings counted."""


class Texts:
    """Makes vectors of texts with the engine's encoder, and counts tokens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A tokenizer of its own: that of the encoder comes with the whole model, which may not be in use.
        self._tokenizer: Lazy[Tokenizer] = Lazy(_open_tokenizer)

    @property
    def model(self) -> str:
        """Return the name of the encoder, without the digest of its files."""
        return self._engine.encoder.fingerprint.partition("@")[0].partition(" ")[0]

    @property
    def dimension(self) -> int:
        """Return how many numbers a vector has; 0 if it is not known before a text is encoded."""
        return self._engine.encoder.dimension

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> TextVectors:
        """Return the vectors of passages, or of queries.

        Raises:
            InvalidInput: There are no texts, too many, too long ones, or blank ones.
            ModelError: The encoder failed.
        """
        _check(texts)
        async with self._engine.gate.call():
            return await self._embed(texts, query=query)

    async def count(self, texts: Sequence[str]) -> int:
        """Return how many tokens the bundled models make of the texts, special tokens not counted."""
        tokenizer = await self._tokenizer.get()

        def count() -> int:
            return sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)

        return await to_thread.run_sync(count)

    async def shorten(self, texts: Sequence[str], *, tokens: int) -> list[str]:
        """Return the beginnings of the texts, of at most so many tokens of the bundled models."""
        tokenizer = await self._tokenizer.get()

        def beginning(text: str) -> str:
            if len(text) <= tokens:  # a token has at least one character
                return text
            offsets = tokenizer.encode(text, add_special_tokens=False).offsets
            return text if len(offsets) <= tokens else text[: offsets[tokens - 1][1]]

        return await to_thread.run_sync(lambda: list(map(beginning, texts)))

    async def _embed(self, texts: Sequence[str], *, query: bool) -> TextVectors:
        encoder = self._engine.encoder
        if isinstance(encoder, BundledEncoder | LocalEncoder):
            found = await encoder.embed(texts, query=query)
            tokens, truncated = sum(each.tokens for each in found), sum(each.truncated for each in found)
            return TextVectors([each.vector for each in found], tokens, truncated)
        estimated = sum(map(estimate_tokens, texts))
        if not query:
            vectors, truncated = await encoder.encode(texts)
            return TextVectors(vectors, estimated, truncated)
        queries = await run_concurrently([lambda text=text: encoder.encode_query(text) for text in texts])
        return TextVectors([each.vector for each in queries], estimated, 0)


def _check(texts: Sequence[str]) -> None:
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise InvalidInput(f"Pass 1 to {MAX_TEXTS:,} texts, not {len(texts):,}. Split them over several requests.")
    if blank := [place for place, text in enumerate(texts) if not text.strip()]:
        raise InvalidInput(f"Texts that are empty, by position in the list, from 0: {listed(blank)}. Leave them out.")
    characters = sum(map(len, texts))
    if characters > MAX_TEXT_CHARACTERS:
        raise InvalidInput(
            f"The texts have {characters:,} characters, more than the limit of {MAX_TEXT_CHARACTERS:,}. "
            "Split them over several requests."
        )


def _open_tokenizer() -> "Tokenizer":
    return open_tokenizer(verify(BUNDLED[ENCODER]) / TOKENIZER_FILE)
