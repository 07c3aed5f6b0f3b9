"""Document formats, one parser per file, and all that a parser of another package needs."""

from ..text.structure import Block, Heading, ParsedDocument, Section, nest, paragraphs
from .protocols import Container, Content, InnerDocument, Parser

__all__ = [
    "Block",
    "Container",
    "Content",
    "Heading",
    "InnerDocument",
    "ParsedDocument",
    "Parser",
    "Section",
    "nest",
    "paragraphs",
]
