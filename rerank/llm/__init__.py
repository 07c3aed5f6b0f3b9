"""Listwise reranking with a language model."""
