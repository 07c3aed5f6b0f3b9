"""The tree of errors. Each message says what happened, with the value, and what to do next."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum

from .masking import SECRETS


class Hint(StrEnum):
    """What to do next, where the MCP tools, the command line and Python each have a way of their own.

    The value is the neutral wording, with {placeholders}; the tools and the command line have a table of theirs.
    """

    LIST_COLLECTIONS = "List the collections to see which there are."
    LIST_JOBS = "List the jobs to see which there are."
    SHOW_FIELDS = "Look at the collection's fields to see their values."
    INGEST = "Ingest documents first."
    NAME_DOCUMENTS = "Give document ids, a filter, or say that everything is to be deleted."
    END_JOB = "Wait until the job {job} has ended, or cancel it first."
    DELETE_COLLECTION = "To delete the collection, say that everything is to be deleted."
    REPLACE_COLLECTION = "Configure the former encoder, or delete the collection and ingest its documents again."
    ADOPT_AGAIN = "Configure the encoder that made its vectors, and run `resift adopt {collection}` again."
    ADOPT = "The command `resift adopt {collection}` makes it searchable."
    REPAIR_COLLECTION = (
        "Restore it with `resift restore FILE` if there is a backup, or delete it and ingest its documents again."
    )
    REPAIR_MANIFEST = "Restore it or delete it."
    FIND_CAUSE = "The command `resift doctor` helps to find the cause."
    INSTALL = "Run `{command}` to install it."
    FREE_DATA_FOLDER = "Try again when it has ended, or set RESIFT_DATA_DIR to another folder for this process."
    STOP_ENGINE = (
        "Run `resift stop` to end it, or use it over HTTP (docs/http.md), or set RESIFT_DATA_DIR to "
        "another folder for this process."
    )


class ResiftError(Exception):
    """An expected failure. Its message is written for the caller, often a model; secrets in it are masked."""

    def __init__(self, message: str, *, hint: Hint | None = None, **values: str) -> None:
        super().__init__(SECRETS.mask(message))
        self.hint = hint
        self.values = values
        """What stands for the placeholders of the hint."""

    def __str__(self) -> str:
        return self.text({})

    def text(self, wordings: Mapping[Hint, str]) -> str:
        """Return the message followed by its hint, in the given wording or else in the neutral one."""
        message = str(self.args[0])
        if self.hint is None:
            return message
        return f"{message} {wordings.get(self.hint, self.hint.value).format(**self.values)}"


class InvalidInput(ResiftError):
    """An argument, a filter, a document or a setting that cannot be used as it is."""


class InvalidFilter(InvalidInput):
    """A filter that no store can apply. If a field is unknown, the message names the known fields."""


class Forbidden(ResiftError):
    """Something that the caller is not allowed to do."""


class NotFound(ResiftError):
    """A collection, document, passage or model that does not exist."""


class PathRefused(ResiftError):
    """A path outside the folders that Resift may read."""


class UrlRefused(ResiftError):
    """A URL that Resift does not fetch."""


class UnreadableFile(ResiftError):
    """A file that cannot be turned into text."""


class BlankFile(UnreadableFile):
    """A file in which there is nothing but space."""


class StoreError(ResiftError):
    """A failure of the store."""


class Unavailable(ResiftError):
    """A service that does not answer now. The same request may succeed later."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0, hint: Hint | None = None, **values: str) -> None:
        super().__init__(message, hint=hint, **values)
        self.retry_after_s = retry_after_s
        """How long the service asked callers to wait; 0 if it did not say."""


class StoreUnavailable(StoreError, Unavailable):
    """The Qdrant server does not answer now."""


class Refused(StoreError):
    """The Qdrant server does not allow the request with this key."""


class StoreBusy(StoreError):
    """The collections are in use by another process, or by maintenance."""


class CollectionBusy(StoreBusy):
    """A collection into which an ingestion writes."""


class DamagedCollection(StoreError):
    """A collection whose files cannot be read, until it is restored or deleted. Other collections can be used."""


class DamagedManifest(StoreError):
    """A manifest that cannot be read, so that nothing is known of its collection."""


class IncompatibleCollection(StoreError):
    """A collection that was written with other models, chunking or schema than are configured now."""


class ModelError(ResiftError):
    """A model that could not be loaded or run."""


class ModelUnavailable(ModelError, Unavailable):
    """The endpoint of a model does not answer now."""


class QueryUnread(ModelError):
    """A query in a script that the model does not know. It fails for every passage, now and later."""


class ContextTooLong(ModelError):
    """A text that is longer than the model's context window."""


class MissingExtra(ModelError):
    """An extra that is not installed. A search whose reranker needs it goes on without reranking."""


def nearest(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return " Did you mean 'x'?" for the known name closest to `name`, or nothing when none is close.

    A `prefix` that they have in common makes no name closer.
    """
    by_rest = {each.removeprefix(prefix): each for each in known}
    close = get_close_matches(name.removeprefix(prefix), list(by_rest), n=1, cutoff=0.6)
    return f" Did you mean {by_rest[close[0]]!r}?" if close else ""
