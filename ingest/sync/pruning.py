"""What is in a collection although its file is gone, or is skipped now."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path, PurePath

from ...core.text import listed
from ...store.protocols import Entry
from ..files.kinds import BLANK, OTHER_NAMES
from ..files.walk import is_gone
from .file_plan import prefixes
from .holdings import HeldFile

MAX_KEPT = 3  # documents of skipped files that are named in a note

MAX_NAME_CHARACTERS = 1_000  # the longest id that a document may have: `delete` needs it whole


def documents_gone(not_found: Iterable[HeldFile], folders: Sequence[Path], *, seen: Collection[str]) -> list[str]:
    """Return the documents below the folders whose files are gone or empty.

    `not_found` is held of files that the job did not find, and `seen` are the ids of the documents that it had.
    """
    below = prefixes(folders)
    return [id_ for held in not_found if _is_gone(held, below) for id_ in held.entries if id_ not in seen]


def documents_blank(
    holdings: Iterable[HeldFile], folders: Sequence[Path], *, seen: Collection[str], skipped: Mapping[str, str]
) -> list[str]:
    """Return the documents below the folders that are blank now. `skipped` are the kinds of what was, by source."""
    below = prefixes(folders)
    return [
        id_
        for held in holdings
        for id_, entry in held.entries.items()
        if id_ not in seen and skipped.get(entry.source) == BLANK and entry.source.startswith(below)
    ]


def documents_left_out(holdings: Iterable[HeldFile], places: Set[str]) -> tuple[list[str], list[str]]:
    """Return the documents of files in places that a search of folders leaves out now.

    First those that such a search had found, and then those of which that is not known. A document is in neither if its
    file, or a folder inside the place, was named by the caller, who wanted it in spite of the rules.
    """
    found, unknown = list[str](), list[str]()
    for held in holdings if places else ():
        file = next(iter(held.entries.values())).file
        levels = None if file is None else _levels_below(file.path, places)
        if file is None or levels is None or is_gone(file.path):
            continue
        if file.depth is None:
            unknown += held.entries
        elif file.depth > levels:
            found += held.entries
    return found, unknown


def _levels_below(path: str, places: Set[str]) -> int | None:
    """Return how many levels a path lies below the innermost of the places that it lies in."""
    around = (path, *(each.as_posix() for each in PurePath(path).parents))
    return next((levels for levels, each in enumerate(around) if each in places), None)


def _is_gone(held: HeldFile, below: tuple[str, ...]) -> bool:
    """Return whether a file in the folders is gone. Of a document without a known file, the source may be one."""
    entry = next(iter(held.entries.values()))
    path = entry.file.path if entry.file else entry.source
    return path.startswith(below) and is_gone(path, was_read=entry.file is not None)


async def note_what_stays(
    entries: Callable[[Sequence[str]], Awaitable[Mapping[str, Entry]]],
    *,
    skipped: Mapping[str, str],
    left_out: Iterable[str],
    removed: Collection[str],
) -> tuple[str, ...]:
    """Note which documents are in the collection although their files are skipped now: they became junk, say.

    `left_out` are documents in places that were not looked into, and `skipped` is what was, with its kinds.
    """
    held = await entries([source for source, kind in skipped.items() if kind != OTHER_NAMES])
    if not (kept := sorted({*held, *left_out}.difference(removed))):
        return ()
    names = listed(kept, most=MAX_KEPT, characters=MAX_NAME_CHARACTERS)
    return (f"Still in the collection, although their files are skipped now: {names}. Delete what you do not want.",)
