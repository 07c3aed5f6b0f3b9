"""Run a bundled encoder one text at a time, so that no vector depends on other texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ...core.text import encodable
from ..bundled import MODEL_FILE, TOKENIZER_FILE, BundledModel, verify
from ..onnx_export import open_tokenizer
from ..session import Session, open_session
from ..unread import is_unread
from ..windows import cut_windows
from .embedding import Embedding, TokenEmbeddings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer


SPECIAL_TOKENS = 2  # [CLS] before a text and [SEP] after it


class Transformer:
    """A bundled encoder and its tokenizer. Its methods may be called from several threads at once."""

    def __init__(self, model: BundledModel, session: Session, tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self._session = session

    @classmethod
    def open(cls, model: BundledModel) -> Self:
        """Check the files of `model` and load them, which takes about 0.2 s.

        Raises:
            ModelError: A file is missing or damaged.
        """
        folder = verify(model)
        return cls(model, open_session(folder / MODEL_FILE), open_tokenizer(folder / TOKENIZER_FILE))

    @property
    def window(self) -> int:
        """Return how many tokens the model reads, including [CLS] and [SEP]."""
        return self.model.window

    def embed(self, text: str) -> Embedding:
        """Return the vector of `text`, or of its first `window` tokens if it is longer."""
        ids = self._encode(text).ids
        vector = self._run("sentence_embedding", ids)[0]
        return Embedding(vector, tokens=len(ids), truncated=len(ids) > self.window)

    def embed_tokens(self, text: str) -> TokenEmbeddings:
        """Return a vector for each token of `text`, or of its first `window` tokens if it is longer."""
        ids = self._encode(text).ids
        matrix = self._run("token_embeddings", ids)[0, 1:-1]
        return TokenEmbeddings(matrix, truncated=len(ids) > self.window)

    def count(self, text: str) -> int:
        """Return the number of tokens of `text`, including [CLS] and [SEP]."""
        return len(self._encode(text).ids)

    def is_unread(self, text: str) -> bool:
        """Return whether the model knows less than half of the letters of `text`."""
        return is_unread(self.tokenizer, text)

    def windows(self, text: str, *, window: int, overlap: int) -> list[str]:
        """Cut `text` into pieces of at most `window` tokens, including [CLS] and [SEP]; see `cut_windows`.

        Raises:
            InvalidInput: `overlap` is half of the window or more.
        """
        encoding = self._encode(text)
        return cut_windows(text, encoding.offsets[1:-1], size=window - SPECIAL_TOKENS, overlap=overlap)

    def _encode(self, text: str) -> Encoding:
        return self.tokenizer.encode(encodable(text))

    def _run(self, output: str, ids: list[int]) -> NDArray[np.float32]:
        import numpy as np

        kept = [*ids[: self.window - 1], ids[-1]] if len(ids) > self.window else ids
        return self._session.run([output], {"input_ids": np.array([kept], np.int64)})[0]
