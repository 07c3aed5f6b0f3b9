"""One parser per document format."""
