"""Queries that a model cannot read, because its tokenizer knows too few of their letters."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.text import UNSPACED_RUN, encodable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_INSIDE = "##"  # marks the pieces of WordPiece that continue a word


@dataclass(slots=True)
class _Letters:
    """How many letters a model knows, and how many it does not."""

    known: int = 0
    unknown: int = 0


def is_unread(tokenizer: Tokenizer, text: str) -> bool:
    """Return whether a model knows less than half of the letters of a text.

    Unknown are letters in tokens such as [UNK]. In scripts without blanks, so are those that WordPiece only spells, one
    by one, and all of them if a third is unknown: a vocabulary made for English has some of the commonest characters.
    """
    if text.isascii():
        return False
    text = encodable(text)
    unknown_token = getattr(tokenizer.model, "unk_token", None)
    encoding = tokenizer.encode(text, add_special_tokens=False)
    spaced, unspaced = _Letters(), _Letters()
    for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        piece = text[start:end]
        is_unspaced = UNSPACED_RUN.fullmatch(piece) is not None
        count = sum(unicodedata.category(each)[0] not in "PZC" for each in piece)
        letters = unspaced if is_unspaced else spaced
        is_spelt = is_unspaced and len(piece) == 1 and token.startswith(_INSIDE)
        if token == unknown_token or is_spelt:
            letters.unknown += count
        else:
            letters.known += count
    if 2 * unspaced.unknown > unspaced.known:
        unspaced = _Letters(unknown=unspaced.known + unspaced.unknown)
    return spaced.unknown + unspaced.unknown > spaced.known + unspaced.known
