"""The folders that the engine watches, kept in the data folder, so that it watches them again after a restart."""

import json
import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from ...core.errors import StoreError
from ...core.private_files import FILE_MODE, FOLDER_MODE, replace_file
from ..files.glob import DEFAULT_GLOB

WATCHED, WATCHED_LOCK = "watched.json", "watched.lock"

CHANGE_WITHIN_S = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """Folders that a collection is kept in step with, resolved, and how their files are ingested."""

    collection: str
    folders: tuple[Path, ...]
    glob: str = DEFAULT_GLOB
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        """Return a text that is the same for the same folders, watched in the same way."""
        return json.dumps(self.as_json(), sort_keys=True)

    def as_json(self) -> dict[str, Any]:
        """Return what the file holds of it."""
        return {
            "collection": self.collection,
            "folders": [str(folder) for folder in self.folders],
            "glob": self.glob,
            "metadata": dict(self.metadata),
        }


class WatchedFolders:
    """What is watched, in a file that several processes may read and change."""

    def __init__(self, data_folder: Path) -> None:
        self._file = data_folder / WATCHED
        self._told = ""
        self._problems: dict[str, str] = {}

    def problem(self, row: Watched) -> str:
        """Return what keeps this process from following the folders of a row, or ""."""
        return self._problems.get(row.key, "")

    def report(self, row: Watched, problem: str) -> None:
        """Remember, as long as this process lives, what keeps it from following the folders of a row; "" is nothing."""
        if problem:
            self._problems[row.key] = problem
        else:
            self._problems.pop(row.key, None)

    def read(self) -> list[Watched]:
        """Return what is watched. A file that cannot be read counts as empty, and the log says so."""
        try:
            return self._rows()
        except StoreError as error:
            if str(error) != self._told:
                logger.warning("Nothing is watched: %s", error)
            self._told = str(error)
            return []

    def shown(self, collection: str = "") -> list[dict[str, Any]]:
        """Return what is watched, or what of it for a collection, with the problem of each row."""
        rows = (row for row in self.read() if collection in ("", row.collection))
        return [{**row.as_json(), "problem": self.problem(row)} for row in rows]

    def add(self, watched: Watched) -> None:
        """Watch folders from now on, in place of what is known about them and the same collection.

        Raises:
            StoreError: The file cannot be read or written. Then it is as it was.
        """
        with self._changing():
            known = self._rows()
            others = [each for row in known if (each := _without(row, watched.folders, watched.collection)).folders]
            if [*others, watched] != known:
                self._write([*others, watched])

    def remove(self, *, folders: Sequence[Path] = (), collection: str = "") -> list[Watched]:
        """Stop watching folders, or all those of a collection; return what is not watched any more.

        Raises:
            StoreError: The file cannot be read or written. Then it is as it was.
        """
        if not self._file.exists():
            return []
        with self._changing():
            known = self._rows()
            kept = [
                each
                for row in known
                if (each := _without(row, folders or row.folders, collection or row.collection)).folders
            ]
            if kept != known:
                self._write(kept)
            return [row for row in known if row not in kept]

    def _rows(self) -> list[Watched]:
        try:
            rows = json.loads(self._file.read_bytes())
            return [
                Watched(
                    str(row["collection"]),
                    tuple(map(Path, row["folders"])),
                    glob=str(row["glob"]),
                    metadata=dict(row["metadata"]),
                )
                for row in rows
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"What to watch cannot be read in {self._file}: {error}. Correct the file or delete it."
            ) from error

    @contextmanager
    def _changing(self) -> Generator[None]:
        """Let no other process or thread change the file meanwhile."""
        lock = FileLock(self._file.with_name(WATCHED_LOCK), thread_local=False, mode=FILE_MODE)
        try:
            self._file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            with lock.acquire(timeout=CHANGE_WITHIN_S):
                yield
        except OSError as error:  # a Timeout too
            raise StoreError(
                f"What to watch cannot be written to {self._file}: {error.strerror or error}. Free some space or "
                "correct its permissions."
            ) from error

    def _write(self, rows: Iterable[Watched]) -> None:
        replace_file(self._file, json.dumps([row.as_json() for row in rows], indent=1).encode())


def _without(row: Watched, folders: Sequence[Path], collection: str) -> Watched:
    """Return a row without the folders, if it is one of the collection."""
    if row.collection != collection:
        return row
    kept = tuple(each for each in row.folders if each not in folders)
    return Watched(row.collection, kept, glob=row.glob, metadata=row.metadata)
