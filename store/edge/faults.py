"""Maps what qdrant-edge raises to our errors: bare `Exception`, and `PanicException` for its own failed checks."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

from ...core.errors import DamagedCollection, Hint, StoreError
from ...core.text import cut

MAX_REASON_CHARACTERS = 300

# EPERM, EIO, ENOMEM, EACCES, ENFILE, EMFILE, EFBIG, ENOSPC, EROFS, EDQUOT (Linux, macOS): the files are whole, or may
# be, but the system refuses something. The engine shows errors of its log as `Os { code: 24, kind: ... }`.
_REFUSALS = (1, 5, 12, 13, 23, 24, 27, 28, 30, 69, 122)

_REFUSED_BY_SYSTEM = re.compile(rf"(os error |\bcode: )({'|'.join(map(str, _REFUSALS))})\b")


@contextmanager
def engine_errors(collection: str, *, opens: bool = False) -> Generator[None]:
    """Raise our error for what the engine raises. A shard must not be used after it panicked.

    A shard that cannot be opened is damaged, unless the operating system refused what the engine needs.

    Raises:
        DamagedCollection: The engine panicked, or the shard cannot be opened.
        StoreError: The engine failed in another way.
    """
    try:
        yield
    except BaseException as error:
        if _is_panic(error):
            raise damaged(collection, f"the embedded store stopped with {_reason(error)!r}") from error
        if type(error) is not Exception:  # qdrant-edge raises bare Exception; anything else is our defect
            raise
        if opens and not _REFUSED_BY_SYSTEM.search(str(error)):
            raise damaged(collection, _reason(error)) from error
        raise StoreError(
            f"The embedded store failed on collection {collection!r}: {_reason(error)}.", hint=Hint.FIND_CAUSE
        ) from error


def damaged(collection: str, reason: str) -> DamagedCollection:
    """Return the error for a collection that cannot be used until it is restored or deleted."""
    message = f"Collection {collection!r} is damaged: {reason}."
    return DamagedCollection(message, hint=Hint.REPAIR_COLLECTION, collection=collection)


def is_refusal(error: BaseException | None) -> bool:
    """Return whether the operating system refused what a whole file needs too, such as one more open file."""
    return isinstance(error, OSError) and error.errno in _REFUSALS


def _is_panic(error: BaseException) -> bool:
    """Return whether Rust code panicked. The class derives from BaseException and cannot be imported."""
    return type(error).__name__ == "PanicException"


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return cut(text, MAX_REASON_CHARACTERS)
