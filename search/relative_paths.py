"""Paths relative to the folders that Resift may read: short names to show, and the stored paths they stand for."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import normpath
from typing import Self

from ..core.text import unicode_forms
from ..core.values import EMPTY, Passage
from ..store.collection import Collection

_ABSOLUTE = re.compile(r"/|~|[A-Za-z]:/|[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, slots=True)
class RelativePaths:
    """The folders to which paths may be relative: absolute, with slashes, without one at the end."""

    folders: tuple[str, ...] = ()
    windows: bool = os.name == "nt"
    """Whether a backslash separates folders."""

    @classmethod
    def to(cls, folders: Iterable[Path]) -> Self:
        """Return paths relative to these folders."""
        return cls(tuple(folder.as_posix().rstrip("/") for folder in folders))

    def shorten(self, path: str) -> str:
        """Return a stored path relative to the first folder that contains it; any other path as it is.

        Relative to the root of a file system, a path would look like one in the working directory.
        """
        for folder in self.folders:
            if "/" in folder and path.startswith(f"{folder}/") and len(path) > len(folder) + 1:
                return path[len(folder) + 1 :]
        return path

    def spellings(self, path: str) -> list[str]:
        """Return the stored paths that a caller's path may stand for: itself, and below each folder if relative.

        File systems keep either Unicode form of a name, so both are among them.
        """
        return list(dict.fromkeys(form for each in self._paths(path) for form in unicode_forms(each)))

    def _paths(self, path: str) -> list[str]:
        plain = path.replace("\\", "/") if self.windows else path
        if self.windows and plain[1:2] == ":":
            plain = plain[0].upper() + plain[1:]  # as stored paths have it
        if _ABSOLUTE.match(plain):
            return list(dict.fromkeys([path, plain]))
        end = "/" if plain.endswith("/") else ""
        below = [f"{normpath(f'{folder}/{plain}').rstrip('/')}{end}" for folder in self.folders]
        return list(dict.fromkeys([path, plain, *below]))


@dataclass(frozen=True, slots=True)
class ShortNames:
    """How documents are shown: by their path relative to a folder, unless it could also mean another document."""

    by_id: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    def document_id(self, passage: Passage) -> str:
        """Return the short id of a passage's document."""
        return self.by_id.get(passage.document_id, passage.document_id)

    def passage_id(self, passage: Passage) -> str:
        """Return the short id of a passage."""
        if passage.key:
            return passage.id
        return self.document_id(passage) + passage.id.removeprefix(passage.document_id)

    def source(self, passage: Passage) -> str:
        """Return the short source of a passage."""
        return self.document_id(passage) if passage.source == passage.document_id else passage.source

    def citation(self, passage: Passage) -> str:
        """Return the short source of a passage with its pages or lines."""
        return passage.cite(self.source(passage))


NO_FOLDERS = RelativePaths()

NO_NAMES = ShortNames()


async def short_names(collection: Collection, paths: RelativePaths, passages: Iterable[Passage]) -> ShortNames:
    """Return the short names of the passages' documents that stand for no other document of the collection."""
    names = {each: paths.shorten(each) for each in {passage.document_id for passage in passages}}
    names = {document_id: name for document_id, name in names.items() if name != document_id}
    others = {document_id: {*paths.spellings(name)} - {document_id} for document_id, name in names.items()}
    unknown = set[str]().union(*others.values()) - names.keys()
    stored = names.keys() | (await collection.entries(sorted(unknown)) if unknown else {}).keys()
    return ShortNames({document_id: name for document_id, name in names.items() if not others[document_id] & stored})
