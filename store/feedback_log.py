"""A log of what searches showed and which hits were used: one append-only file per collection."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from errno import ENOSPC
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from anyio import to_thread
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..core.errors import InvalidInput, NotFound, StoreError

FOLDER = "feedback"

MAX_REPORTED = 1_000  # passages in one feedback: no search shows more


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit as it was shown; its rank counts from 1 across all pages."""

    passage_id: str
    document_id: str
    rank: int
    shown_id: str = ""
    """The passage id that the caller saw; empty if it is the stored one, and before 0.6."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A search and the hits it showed. `plain` marks a hybrid search by the query alone."""

    collection: str
    query: str
    shown: Sequence[ShownHit]
    search_id: str = ""
    filter: Mapping[str, Any] = field(default_factory=dict[str, Any])
    plain: bool = True
    reranker: str = ""
    created: str = ""
    others: Sequence[str] = ()
    """The other collections that were searched at once; each keeps what it showed, under the same id."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """Which hits of a search were used and which were not, by passage id."""

    search_id: str
    used: Sequence[str]
    not_used: Sequence[str] = ()
    created: str = ""


@dataclass(frozen=True, slots=True)
class UsedSearch:
    """A search with the hits that were used, without those reported as not used."""

    searched: Searched
    used: Sequence[ShownHit]


@cache
def _adapter() -> TypeAdapter[Searched | Feedback]:
    return TypeAdapter(Searched | Feedback)


class FeedbackLog:
    """Append to and read the files in a folder beside the collections. Several processes may append at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def log_search(self, *searched: Searched) -> str:
        """Append a search and its hits, by collection; return the id by which feedback refers to it.

        Raises:
            StoreError: The file cannot be written.
        """
        search_id = uuid4().hex[:16]
        for each in searched:
            line = replace(each, search_id=search_id, created=_now())
            await to_thread.run_sync(self._append_safely, each.collection, line)
        return search_id

    async def log_feedback(
        self,
        search_id: str,
        used: Sequence[str],
        not_used: Sequence[str],
        *,
        visible: Callable[[Sequence[str]], Sequence[str]] = lambda names: names,
    ) -> None:
        """Append which hits of a search were used and which were not; a later report on a hit replaces an earlier one.

        Raises:
            NotFound: The search does not exist.
            InvalidInput: The search did not show one of the passages, a passage is in both lists, or there are
                too many.
            StoreError: The file cannot be written.
        """
        if (count := len(used) + len(not_used)) > MAX_REPORTED:
            raise InvalidInput(
                f"{count:,} passages are more than the limit of {MAX_REPORTED:,}. Give those that count, each once."
            )
        found = await to_thread.run_sync(self._find_all, search_id)
        names = [searched.collection for searched in found]
        if len(visible(names)) < len(names):
            raise _unknown(search_id)
        shown = [each for searched in found for each in searched.shown]
        if unknown := [each for each in (*used, *not_used) if not _stored(each, shown)]:
            raise InvalidInput(
                f"Search {search_id} showed no passage {unknown[0]!r}. Give `passage_id` values of its hits."
            )
        used, not_used = [[stored for each in ids for stored in _stored(each, shown)] for ids in (used, not_used)]
        if both := set(used) & set(not_used):
            raise InvalidInput(f"{min(both)!r} is both in used and in not_used. Give it in one of them.")
        if not (used or not_used):
            raise InvalidInput("Nothing to record. Give the passage_ids of hits in used or not_used.")
        for searched in found:
            here = {each.passage_id for each in searched.shown}
            ids = [[each for each in given if each in here] for given in (used, not_used)]
            if any(ids):
                line = Feedback(search_id, ids[0], not_used=ids[1], created=_now())
                await to_thread.run_sync(self._append_safely, searched.collection, line)

    async def uses(self, collection: str) -> list[UsedSearch]:
        """Return the searches of a collection that have used hits, in the order in which they were made."""
        return await to_thread.run_sync(self._uses, collection)

    async def forget(self, collection: str) -> None:
        """Delete the log of a collection."""
        await to_thread.run_sync(lambda: self._path(collection).unlink(missing_ok=True))

    def _path(self, collection: str) -> Path:
        return self._folder / f"{collection}.jsonl"

    def _append_safely(self, collection: str, line: Searched | Feedback) -> None:
        try:
            self._append(collection, line)
        except (OSError, PydanticSerializationError) as error:
            raise StoreError(
                f"{self._path(collection)} cannot be written: {error}. Free some space or correct its permissions, "
                "or unset RESIFT_FEEDBACK."
            ) from error

    def _append(self, collection: str, line: Searched | Feedback) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A single write to a file opened for appending, so that lines of several processes do not mix.
        handle = os.open(self._path(collection), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            data = _line_end(handle) + _adapter().dump_json(line) + b"\n"
            if os.write(handle, data) < len(data):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
        finally:
            os.close(handle)

    def _find_all(self, search_id: str) -> list[Searched]:
        """Return a search as each collection keeps it."""
        for path in sorted(self._folder.glob("*.jsonl"), key=lambda path: -path.stat().st_mtime):
            if found := _find_in(path, search_id):
                others = [_find_in(self._path(name), search_id) for name in found.others]
                return [found, *filter(None, others)]
        raise _unknown(search_id)

    def _uses(self, collection: str) -> list[UsedSearch]:
        searches: dict[str, Searched] = {}
        used: dict[str, set[str]] = {}
        for line in _lines(self._path(collection)):
            if isinstance(line, Searched):
                searches[line.search_id] = line
            else:
                used[line.search_id] = (used.get(line.search_id, set()) | set(line.used)) - set(line.not_used)
        found = [
            UsedSearch(searched, [each for each in searched.shown if each.passage_id in used.get(key, ())])
            for key, searched in searches.items()
        ]
        return [use for use in found if use.used]


def _line_end(handle: int) -> bytes:
    """Return what ends the last line of a file, if a crash or a full disk cut it off."""
    size = os.fstat(handle).st_size
    if size == 0:
        return b""
    os.lseek(handle, size - 1, os.SEEK_SET)  # pread does not exist on Windows; what is written still goes to the end
    return b"" if os.read(handle, 1) in (b"\n", b"") else b"\n"


def _stored(passage_id: str, shown: Sequence[ShownHit]) -> list[str]:
    """Return the stored ids of the passages that a search showed by an id; none if there are none.

    Hits of several collections may have been shown by one id. Searches logged before 0.6 do not say how hits were
    shown: there the end of a stored id is enough, if only one has it.
    """
    stored = dict.fromkeys(each.passage_id for each in shown)
    if passage_id in stored:
        return [passage_id]
    if named := dict.fromkeys(each.passage_id for each in shown if each.shown_id == passage_id):
        return list(named)
    ending = [each for each in stored if each.endswith(f"/{passage_id}")]
    return ending if len(ending) == 1 else []


def _unknown(search_id: str) -> NotFound:
    return NotFound(f"No search {search_id!r}. Give the `search_id` of an answer of this server.")


def _find_in(path: Path, search_id: str) -> Searched | None:
    searches = (line for line in _lines(path) if isinstance(line, Searched))
    return next((each for each in searches if each.search_id == search_id), None)


def _lines(path: Path) -> Iterator[Searched | Feedback]:
    """Yield the readable lines: a crash or a full disk may have cut off the last one."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield _adapter().validate_json(line)
            except ValidationError:
                continue


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
