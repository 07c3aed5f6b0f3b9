"""Who calls the API through a server, and what that caller may do."""

from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..core.errors import Forbidden, NotFound
from ..core.text import listed
from ..settings.load import Settings
from .hidden_paths import NOTHING_HIDDEN, HiddenPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A client of a server. By default it may do everything, with the files that the engine may read."""

    name: str = ""
    """What logs and metrics call it."""
    roots: tuple[Path, ...] | None = None
    """The folders that it may read and that relative paths start from; None: those of the engine."""
    reads_any_path: bool = False
    """Whether it may also read every other path that it names, because it is the user at a terminal."""
    collections: frozenset[str] | None = None
    """The collections that it may use; None: all."""
    may_write: bool = True
    token_row: str = ""
    """The name of the row of `RESIFT_HTTP__TOKENS` that let it in; "" if none did."""
    overrides: frozenset[str] = frozenset()
    """The settings of the engine, by the names of their fields, that are not the caller's: it has its own."""
    hidden: HiddenPaths = NOTHING_HIDDEN
    """Where the server's own files lie, if that is not the caller's business."""

    def visible(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that the caller may use."""
        return [name for name in names if self.collections is None or name in self.collections]

    def require(self, collection: str) -> None:
        """Check that the caller may use a collection, whether it exists or not.

        Raises:
            Forbidden: It may not.
        """
        if self.collections is not None and collection not in self.collections:
            allowed = listed(sorted(self.collections)) or "none"
            raise Forbidden(f"This token may not use the collection {collection!r}. It may use: {allowed}.")

    def told(self, error: NotFound) -> NotFound:
        """Return an error as the caller may see it: one on an unknown collection names those that there are."""
        if self.collections is None or "collection" not in error.values:
            return error
        return NotFound(f"No collection {error.values['collection']!r}.", hint=error.hint)

    def require_to_write(self, collection: str) -> None:
        """Check that the caller may change a collection.

        Raises:
            Forbidden: It may not.
        """
        self.require(collection)
        if not self.may_write:
            raise Forbidden("This connection may only read. Nothing was changed.")


ANYONE = Caller()

CALLER: ContextVar[Caller] = ContextVar("CALLER", default=ANYONE)
"""The caller on whose behalf the current task works. A server sets it for each connection or request."""


class JobWaits:
    """The places of a server for calls that wait for jobs, so that these leave room for others."""

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def place(self, wait_s: float) -> Generator[float]:
        """Yield how long a call may wait for a job: `wait_s`, or 0 if too many wait already."""
        if not (self._free and wait_s):
            yield 0.0
            return
        self._free -= 1
        try:
            yield wait_s
        finally:
            self._free += 1


JOB_WAITS: ContextVar[JobWaits | None] = ContextVar("JOB_WAITS", default=None)
"""The places for the current task, if its server has a limit."""


@contextmanager
def waiting_for_job(wait_s: float) -> Generator[float]:
    """Yield how long the current task may wait for a job, at most `wait_s`."""
    waits = JOB_WAITS.get()
    if waits is None:
        yield wait_s
        return
    with waits.place(wait_s) as allowed_s:
        yield allowed_s


def check_rights(
    settings: Settings, folders: Iterable[Path], *, what: str, besides: Collection[str] = frozenset()
) -> None:
    """Check that the settings still allow what goes on by itself: a job that is resumed, or folders that are watched.

    Whoever asked for it had the right to, but the settings may have changed. `what` names it; the folders are resolved.
    `besides` are fields that do not count, since whoever asked had other settings than the engine.

    Raises:
        Forbidden: They do not.
    """
    if settings.read_only and "read_only" not in besides:
        raise Forbidden(f"{what} would change what is stored, and RESIFT_READ_ONLY forbids that now.")
    if "ingest_roots" not in besides and (folder := _outside(settings, folders)) is not None:
        raise Forbidden(
            f"{what} was to read files in {folder}, and RESIFT_INGEST_ROOTS does not allow that any more. Ask for it "
            "again with files that may be read."
        )


def check_token(settings: Settings, caller: Caller, collection: str, *, now: datetime) -> None:
    """Check that the settings still have the token of a caller, and that it may write to a collection.

    An engine whose settings ask for no tokens at all lets everybody write, or knows nothing of those of a server.

    Raises:
        Forbidden: They do not.
    """
    if not caller.token_row or not (settings.http.tokens or settings.oauth.issuer):
        return
    if not any(
        row.name == caller.token_row
        and row.write
        and (row.collections is None or collection in row.collections)
        and (row.ends is None or now < row.ends)
        for row in settings.http.tokens
    ):
        raise Forbidden(
            f"The token {caller.token_row!r} that asked for this was revoked, has expired, or may no longer write to "
            f"collection {collection!r}. Ask for it again with another token."
        )


def _outside(settings: Settings, folders: Iterable[Path]) -> Path | None:
    """Return the first folder that lies outside the roots of the settings.

    Without such roots, or with relative ones, they are those of the client, which nobody knows here.
    """
    allowed = [each.expanduser() for each in settings.ingest_roots]
    if not allowed or not all(each.is_absolute() for each in allowed):
        return None
    resolved = [each.resolve() for each in allowed]
    return next((each for each in folders if not any(each.is_relative_to(root) for root in resolved)), None)
