"""Retrieval and reranking combined: from a request to a page of a ranking."""
