"""What searches showed and which of it was used, one file a collection, to which lines are only ever added."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from anyio import to_thread
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..core.errors import InvalidInput, NotFound, StoreError

FOLDER = "feedback"


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit as it was shown; ranks count from 1 over all pages."""

    passage_id: str
    document_id: str
    rank: int


@dataclass(frozen=True, slots=True)
class Searched:
    """A search and what it showed. `plain` says that texts were searched both ways, by words alone."""

    collection: str
    query: str
    shown: Sequence[ShownHit]
    search_id: str = ""
    filter: Mapping[str, Any] = field(default_factory=dict[str, Any])
    plain: bool = True
    reranker: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a search's hits, by passage id."""

    search_id: str
    used: Sequence[str]
    not_used: Sequence[str] = ()
    created: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A search with the hits that were used; those called not used are never among them."""

    searched: Searched
    used: Sequence[ShownHit]


_LINE: TypeAdapter[Searched | Told] = TypeAdapter(Searched | Told)


class FeedbackLog:
    """The files, in a folder beside the collections. Several processes may add lines at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def note(self, searched: Searched) -> str:
        """Keep what a search showed; return the id by which feedback names it.

        Raises:
            StoreError: It cannot be written.
        """
        search_id = uuid4().hex[:16]
        line = replace(searched, search_id=search_id, created=_now())
        await to_thread.run_sync(self._keep, searched.collection, line)
        return search_id

    async def tell(self, search_id: str, used: Sequence[str], not_used: Sequence[str]) -> None:
        """Keep which hits of a search were used and which were not; later words on a hit go before earlier ones.

        Raises:
            NotFound: There is no such search.
            InvalidInput: It showed no such passage, or one is in both lists.
            StoreError: It cannot be written.
        """
        searched = await to_thread.run_sync(self._find, search_id)
        shown = {each.passage_id for each in searched.shown}
        if strange := [each for each in (*used, *not_used) if each not in shown]:
            raise InvalidInput(f"Search {search_id} showed no passage {strange[0]!r}. Give `passage_id`s of its hits.")
        if both := set(used) & set(not_used):
            raise InvalidInput(f"{min(both)!r} is both in used and in not_used. Give it once.")
        if not (used or not_used):
            raise InvalidInput("Give the passage_ids of hits that were used, or not_used.")
        await to_thread.run_sync(
            self._keep, searched.collection, Told(search_id, used, not_used=not_used, created=_now())
        )

    async def uses(self, collection: str) -> list[Use]:
        """Return the searches of a collection of which hits were used, in their order."""
        return await to_thread.run_sync(self._uses, collection)

    async def forget(self, collection: str) -> None:
        """Delete what was kept of a collection."""
        await to_thread.run_sync(lambda: self._path(collection).unlink(missing_ok=True))

    def _path(self, collection: str) -> Path:
        return self._folder / f"{collection}.jsonl"

    def _keep(self, collection: str, line: Searched | Told) -> None:
        try:
            self._add(collection, line)
        except (OSError, PydanticSerializationError) as error:
            raise StoreError(
                f"{self._path(collection)} cannot be written: {error}. Make room and give access, or "
                "unset RESIFT_FEEDBACK."
            ) from error

    def _add(self, collection: str, line: Searched | Told) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # One write to a file opened for appending, so that lines of several processes do not mix.
        handle = os.open(self._path(collection), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, _LINE.dump_json(line) + b"\n")
        finally:
            os.close(handle)

    def _find(self, search_id: str) -> Searched:
        for path in sorted(self._folder.glob("*.jsonl"), key=lambda path: -path.stat().st_mtime):
            for line in _lines(path):
                if isinstance(line, Searched) and line.search_id == search_id:
                    return line
        raise NotFound(f"No search {search_id!r}. Give the `search_id` of an answer of search_and_rerank.")

    def _uses(self, collection: str) -> list[Use]:
        searches: dict[str, Searched] = {}
        used: dict[str, set[str]] = {}
        for line in _lines(self._path(collection)):
            if isinstance(line, Searched):
                searches[line.search_id] = line
            else:
                used[line.search_id] = (used.get(line.search_id, set()) | set(line.used)) - set(line.not_used)
        found = [
            Use(searched, [each for each in searched.shown if each.passage_id in used.get(key, ())])
            for key, searched in searches.items()
        ]
        return [use for use in found if use.used]


def _lines(path: Path) -> Iterator[Searched | Told]:
    """Yield what can be read: a crash, or a full disk, may have cut the last line."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield _LINE.validate_json(line)
            except ValidationError:
                continue


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
