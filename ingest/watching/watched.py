"""The folders that the engine watches, kept in the data folder, so that it watches them again after a restart."""

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files.glob import DEFAULT_GLOB

WATCHED = "watched.json"

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

    def read(self) -> list[Watched]:
        """Return what is watched. A file that cannot be read counts as empty, and the log says so."""
        try:
            rows = json.loads(self._file.read_text(encoding="utf-8"))
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
            logger.warning("%s cannot be read, so nothing is watched: %s. Delete it.", self._file, error)
            return []

    def add(self, watched: Watched) -> None:
        """Watch folders from now on, in place of what is known about them and the same collection.

        Raises:
            OSError: The file cannot be written.
        """
        known = self.read()
        others = [each for row in known if (each := _without(row, watched.folders, watched.collection)).folders]
        if [*others, watched] != known:
            self._write([*others, watched])

    def remove(self, *, folders: Sequence[Path] = (), collection: str = "") -> list[Watched]:
        """Stop to watch folders, or all those of a collection; return what is not watched any more.

        Raises:
            OSError: The file cannot be written.
        """
        known = self.read()
        kept = [
            each
            for row in known
            if (each := _without(row, folders or row.folders, collection or row.collection)).folders
        ]
        if kept != known:
            self._write(kept)
        return [row for row in known if row not in kept]

    def _write(self, rows: Iterable[Watched]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps([row.as_json() for row in rows], indent=1), encoding="utf-8")
        new.replace(self._file)


def _without(row: Watched, folders: Sequence[Path], collection: str) -> Watched:
    """Return a row without the folders, if it is one of the collection."""
    if row.collection != collection:
        return row
    kept = tuple(each for each in row.folders if each not in folders)
    return Watched(row.collection, kept, glob=row.glob, metadata=row.metadata)
