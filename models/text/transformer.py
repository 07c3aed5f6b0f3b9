"""Run a bundled encoder: text in, vectors out; one text at a time, so that no text's vector depends on another's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ...core.text import encodable
from ..bundled import MODEL_FILE, TOKENIZER_FILE, BundledModel, verify
from ..session import Session, open_session
from ..windows import cut

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


SPECIAL_TOKENS = 2  # [CLS] before a text and [SEP] after it


@dataclass(frozen=True, slots=True)
class Embedding:
    """One unit vector for a text, float32 [dimension]. `tokens` counts the whole text, even where it was cut."""

    vector: NDArray[np.float32]
    tokens: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class TokenEmbeddings:
    """One unit vector per token, float32 [tokens, dimension], without [CLS] and [SEP]; no rows for an empty text."""

    matrix: NDArray[np.float32]
    truncated: bool


class Transformer:
    """An encoder and its tokenizer. Every method may be called from several threads at once."""

    def __init__(self, model: BundledModel, session: Session, tokenizer: "Tokenizer") -> None:
        self.model = model
        self.tokenizer = tokenizer
        self._session = session

    @classmethod
    def open(cls, model: BundledModel) -> Self:
        """Check the files of `model` and load them: about 0.2 s.

        Raises:
            ModelError: a file is missing or damaged.
        """
        from tokenizers import Tokenizer

        folder = verify(model)
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(model, open_session(folder / MODEL_FILE), tokenizer)

    @property
    def window(self) -> int:
        """Return how many tokens the model reads, [CLS] and [SEP] included."""
        return self.model.window

    def embed(self, text: str) -> Embedding:
        """Return the vector of `text`, of its first `window` tokens where it is longer."""
        ids = self._encode(text).ids
        vector = self._run("sentence_embedding", ids)[0]
        return Embedding(vector, tokens=len(ids), truncated=len(ids) > self.window)

    def embed_tokens(self, text: str) -> TokenEmbeddings:
        """Return a vector for each token of `text`, of its first `window` tokens where it is longer."""
        ids = self._encode(text).ids
        matrix = self._run("token_embeddings", ids)[0, 1:-1]
        return TokenEmbeddings(matrix, truncated=len(ids) > self.window)

    def count(self, text: str) -> int:
        """Return the tokens of `text` with [CLS] and [SEP]: it is read whole when this is at most `window`."""
        return len(self._encode(text).ids)

    def windows(self, text: str, *, window: int, overlap: int) -> list[str]:
        """Cut `text` into pieces of at most `window` tokens, [CLS] and [SEP] included; see windows.cut.

        Raises:
            InvalidInput: `overlap` leaves no room in a window.
        """
        encoding = self._encode(text)
        return cut(text, encoding.offsets[1:-1], size=window - SPECIAL_TOKENS, overlap=overlap)

    def _encode(self, text: str) -> "Encoding":
        return self.tokenizer.encode(encodable(text))

    def _run(self, output: str, ids: list[int]) -> NDArray[np.float32]:
        kept = [*ids[: self.window - 1], ids[-1]] if len(ids) > self.window else ids
        return self._session.run([output], {"input_ids": np.array([kept], np.int64)})[0]
