"""Texts as they reach us from outside."""


def encodable(text: str) -> str:
    """Return the text with a "?" for half a surrogate pair, which is valid in JSON, but has no UTF-8.

    Every offset stays where it was.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


BYTES_PER_TOKEN = 4
"""Of English and code; in UTF-8 bytes, not characters, so that scripts which cost a token a character count as such."""

_WORD_END = 40  # bytes that a cut may go back to end between words; scripts without spaces have none to go back to


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def trim(text: str, tokens: int) -> str:
    """Return as much of the beginning of a text as has about so many tokens, ending between words where there are."""
    content = text.encode("utf-8", "replace")
    room = tokens * BYTES_PER_TOKEN
    if len(content) <= room:
        return text
    kept = content[:room].decode("utf-8", "ignore")
    space = max(kept.rfind(" "), kept.rfind("\n"))
    return kept[:space] if space > 0 and len(kept) - space <= _WORD_END else kept
