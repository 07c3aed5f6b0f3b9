"""Document formats, one parser per file, and all that a parser of another package needs."""

from .protocols import Content, Parser
from .structure import Block, Heading, ParsedDocument, Section, nest, paragraphs

__all__ = ["Block", "Content", "Heading", "ParsedDocument", "Parser", "Section", "nest", "paragraphs"]
