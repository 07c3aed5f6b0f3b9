"""What cuts documents into passages, with the tokenizer of the encoder in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import from_thread

from ..encoders.configured import LocalEncoder
from ..encoders.protocols import Encoder
from ..ingest.passages.chunker import Chunker
from ..ingest.passages.packing import Chunking
from ..models.bundled import TOKENIZER_FILE, BundledModel, verify
from ..models.lazy import Lazy
from ..settings.load import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def build_chunker(settings: Settings, encoder: Encoder, bundled: BundledModel) -> Lazy[Chunker]:
    """Return the chunker, which loads a local encoder's model for its tokenizer when it is first needed."""
    return Lazy(lambda: Chunker(_tokenizer(encoder, bundled), _limits(settings)))


def _limits(settings: Settings) -> Chunking:
    ingest = settings.ingest
    return Chunking(ingest.max_tokens, ingest.overlap_tokens, min_tokens=ingest.min_tokens)


def _tokenizer(encoder: Encoder, bundled: BundledModel) -> Tokenizer:
    """Return the tokenizer of a local encoder, or that of the bundled one where another's is not at hand.

    Called in a thread of the event loop, as `Lazy` does.
    """
    own = from_thread.run(encoder.tokenizer) if isinstance(encoder, LocalEncoder) else None
    if own is not None:
        return own
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(verify(bundled) / TOKENIZER_FILE))
