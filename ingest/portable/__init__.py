"""Collections as JSON Lines: documents with text, metadata and provenance, without vectors."""
