"""Texts that come from outside, and their length for a language model whose tokenizer is not at hand."""

import re
import unicodedata
from collections.abc import Iterable

BYTES_PER_TOKEN = 4
"""For English and code. Counted in UTF-8 bytes, so that scripts with one token per character are not underestimated."""

_MAX_WORD_BYTES = 40  # a cut moves back at most this far to end between words; some scripts have no spaces


def encodable(text: str) -> str:
    """Return the text with a "?" for each unpaired surrogate, which JSON allows and UTF-8 does not.

    Offsets stay the same.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


UNSPACED_RUN = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"  # Chinese, and of Japanese what is from there
)
"""Letters of scripts without blanks between words, as many as follow each other."""


def composed(text: str) -> str:
    """Return the text with composed characters (Unicode NFC): "é" as one character, however it was written."""
    return text if text.isascii() or unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def unicode_forms(text: str) -> list[str]:
    """Return the text with composed characters, with decomposed ones (Unicode NFC and NFD) and as it is, each once."""
    forms = () if text.isascii() else (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
    return list(dict.fromkeys((*forms, text)))


def clean(text: str) -> str:
    """Return the encodable text with composed characters, without surrounding space."""
    return composed(encodable(text)).strip()


# C0 and C1 controls but for line ends and tabs, and the marks that change the direction of writing.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return the text without what a terminal would obey instead of showing it, such as escape characters."""
    return _COMMANDS.sub("", text)


def printable_json(text: str) -> str:
    """Return a text of JSON that means the same, with what a terminal would obey as `\\u` escapes."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


MAX_LISTED = 20  # names in a message

MAX_LISTED_CHARACTERS = 80  # of each of them


def cut(text: str, most: int = MAX_LISTED_CHARACTERS) -> str:
    """Return the text, or its beginning with an ellipsis if it has more than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cut_middle(text: str, most: int) -> str:
    """Return the text, or its beginning and end if it is too long: the end of a message says what to do."""
    if len(text) <= most:
        return text
    half = (most - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


def listed(names: Iterable[object], *, most: int = MAX_LISTED, characters: int = MAX_LISTED_CHARACTERS) -> str:
    """Return names in one line, each cut if it is long, and "and 4,990 more" for those after the first `most`."""
    texts = [cut(str(name), characters) for name in names]
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")


def counted(count: int, noun: str) -> str:
    """Return a count and its noun, such as "1 passage" or "2,000 passages"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def agreeing(count: int, one: str, several: str) -> str:
    """Return the form of a word that goes with a count, such as "is" or "are"."""
    return one if count == 1 else several


def estimate_tokens(text: str) -> int:
    """Return an estimate of the number of tokens in a text."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def trim(text: str, tokens: int) -> str:
    """Return the beginning of a text, about `tokens` tokens long, ending between words if possible."""
    content = text.encode("utf-8", "replace")
    limit = tokens * BYTES_PER_TOKEN
    if len(content) <= limit:
        return text
    kept = content[:limit].decode("utf-8", "ignore")
    space = max(kept.rfind(" "), kept.rfind("\n"))
    return kept[:space] if space > 0 and len(kept) - space <= _MAX_WORD_BYTES else kept
