"""Resift: search-and-rerank over your own documents, for LLM agents.

The names below are imported when they are first used, so that `import resift` stays fast.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.requests import DocumentInput, PassageInput
    from .api.resift import Resift
    from .api.sync import Reranker, SyncResift
    from .core.errors import (
        BlankFile,
        CollectionBusy,
        ContextTooLong,
        DamagedCollection,
        DamagedManifest,
        Forbidden,
        IncompatibleCollection,
        InvalidFilter,
        InvalidInput,
        MissingExtra,
        ModelError,
        ModelUnavailable,
        NotFound,
        PathRefused,
        QueryUnread,
        Refused,
        ResiftError,
        StoreBusy,
        StoreError,
        StoreUnavailable,
        Unavailable,
        UnreadableFile,
        UrlRefused,
    )
    from .core.query import Query
    from .core.values import Document, Hit, Passage, Ranking, Stage
    from .ingest.removal import Removed
    from .ingest.report import Failure, IngestReport
    from .pipeline.page import Page
    from .pipeline.reading import Extract
    from .pipeline.request import SearchRequest
    from .pipeline.summary import CollectionSummary, FieldSummary
    from .rerank.protocols import Orderer, Ordering, Scorer, Scores
    from .settings.load import Settings

__version__ = "0.9.0"

# ONNX Runtime 1.31 sends telemetry unless this is set before its import, whoever imports it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_MODULES = {
    "api.resift": ("Resift",),
    "api.requests": ("DocumentInput", "PassageInput"),
    "api.sync": ("Reranker", "SyncResift"),
    "core.errors": (
        "BlankFile",
        "CollectionBusy",
        "ContextTooLong",
        "DamagedCollection",
        "DamagedManifest",
        "Forbidden",
        "IncompatibleCollection",
        "InvalidFilter",
        "InvalidInput",
        "MissingExtra",
        "ModelError",
        "ModelUnavailable",
        "NotFound",
        "PathRefused",
        "QueryUnread",
        "Refused",
        "ResiftError",
        "StoreBusy",
        "StoreError",
        "StoreUnavailable",
        "Unavailable",
        "UnreadableFile",
        "UrlRefused",
    ),
    "core.query": ("Query",),
    "core.values": ("Document", "Hit", "Passage", "Ranking", "Stage"),
    "ingest.removal": ("Removed",),
    "ingest.report": ("Failure", "IngestReport"),
    "pipeline.page": ("Page",),
    "pipeline.reading": ("Extract",),
    "pipeline.request": ("SearchRequest",),
    "pipeline.summary": ("CollectionSummary", "FieldSummary"),
    "rerank.protocols": ("Orderer", "Ordering", "Scorer", "Scores"),
    "settings.load": ("Settings",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BlankFile",
    "CollectionBusy",
    "CollectionSummary",
    "ContextTooLong",
    "DamagedCollection",
    "DamagedManifest",
    "Document",
    "DocumentInput",
    "Extract",
    "Failure",
    "FieldSummary",
    "Forbidden",
    "Hit",
    "IncompatibleCollection",
    "IngestReport",
    "InvalidFilter",
    "InvalidInput",
    "MissingExtra",
    "ModelError",
    "ModelUnavailable",
    "NotFound",
    "Orderer",
    "Ordering",
    "Page",
    "Passage",
    "PassageInput",
    "PathRefused",
    "Query",
    "QueryUnread",
    "Ranking",
    "Refused",
    "Removed",
    "Reranker",
    "Resift",
    "ResiftError",
    "Scorer",
    "Scores",
    "SearchRequest",
    "Settings",
    "Stage",
    "StoreBusy",
    "StoreError",
    "StoreUnavailable",
    "SyncResift",
    "Unavailable",
    "UnreadableFile",
    "UrlRefused",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it.

    Raises:
        AttributeError: There is no such public name.
    """
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
