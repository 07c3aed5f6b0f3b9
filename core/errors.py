"""One tree of errors; each message says what happened, with the value, and what to do next."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec


class ResiftError(Exception):
    """A failure that was foreseen; its message is written for the caller, often a model."""


class InvalidInput(ResiftError):
    """An argument, a filter, a document or a setting that cannot be used as it is."""


class InvalidFilter(InvalidInput):
    """A filter that no store can apply; where a field is unknown, the message names the known ones."""


class NotFound(ResiftError):
    """A collection, document, passage or model that does not exist."""


class PathRefused(ResiftError):
    """A path that lies outside the folders Resift may read."""


class UnreadableFile(ResiftError):
    """A file that cannot be turned into text."""


class StoreError(ResiftError):
    """The store could not do what was asked."""


class Unavailable(ResiftError):
    """A service that does not answer now; the same request may succeed later."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """How long the service asked to be left alone; 0 when it did not say."""


class StoreUnavailable(StoreError, Unavailable):
    """The server that keeps the collections does not answer now."""


class Refused(StoreError):
    """The server that keeps the collections does not allow it with this key."""


class StoreBusy(StoreError):
    """Another process holds the data directory."""


class IncompatibleCollection(StoreError):
    """A collection was written with other models, chunking or schema than are configured now."""


class ModelError(ResiftError):
    """A model could not be loaded or run."""


class ModelUnavailable(ModelError, Unavailable):
    """The endpoint of a model does not answer now."""


class ContextTooLong(ModelError):
    """A model's window is smaller than what it was given to read."""


class MissingExtra(ModelError):
    """An optional part of Resift is not installed; where it is a reranker's, the search goes on without it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to `name`, or nothing when none is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


EXTRAS: Mapping[str, tuple[str, ...]] = {
    "eval": ("ir_measures", "matplotlib"),
    "fastembed": ("fastembed",),
    "openai": ("openai",),
    "torch": ("sentence_transformers",),
    "train": ("torch", "sentence_transformers", "datasets", "accelerate", "onnx", "safetensors"),
}
"""Top-level modules that each extra brings and our code imports."""


def has_extra(extra: str) -> bool:
    """Return whether every module of an extra can be found; none is imported."""
    return not _missing(extra)


def require_extra(extra: str, needed_by: str) -> None:
    """Check that an extra is installed, without importing it; `needed_by` names the setting or command that needs it.

    Raises:
        MissingExtra: One of its modules is not installed.
    """
    if missing := _missing(extra):
        verb = "is" if len(missing) == 1 else "are"
        raise MissingExtra(
            f"{needed_by} needs the extra {extra!r}: {', '.join(missing)} {verb} not installed. "
            f"Install it with: {install_line(extra)}"
        )


def install_line(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install 'resift[{extra}]'"


def _missing(extra: str) -> list[str]:
    return [name for name in EXTRAS[extra] if find_spec(name) is None]
