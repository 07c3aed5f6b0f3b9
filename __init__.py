"""Resift: search-and-rerank over your own documents, for LLM agents."""

import os
from importlib.metadata import version

__version__ = version("resift")

# ONNX Runtime 1.31 reports to its maker unless told not to before it is imported, by us or by fastembed.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
