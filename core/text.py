"""Texts as they reach us from outside."""


def encodable(text: str) -> str:
    """Return the text with a "?" for half a surrogate pair, which is valid in JSON, but has no UTF-8.

    Every offset stays where it was.
    """
    return text.encode("utf-8", "replace").decode("utf-8")
