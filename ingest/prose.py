"""Lay out plain text: one section of paragraphs."""

from .layout import Layout, Section, paragraphs


def lay_out(text: str) -> Layout:
    """Return the paragraphs of `text`, which has only newlines as line ends."""
    lines = text.split("\n")
    blocks = tuple(paragraphs(lines, 0, len(lines)))
    return Layout(lines, range(1, len(lines) + 1), (Section((), blocks),) if blocks else ())
