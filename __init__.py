"""Resift: search-and-rerank over your own documents, for LLM agents."""

from importlib.metadata import version

__version__ = version("resift")
