"""What is in a collection although its file is gone, or is skipped now."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path, PurePath

from ...core.text import listed
from ...store.protocols import Entry
from ..files.kinds import BLANK, OTHER_NAMES
from ..files.walk import is_missing_or_empty
from .file_plan import prefixes
from .holdings import HeldFile

MAX_KEPT = 3  # documents of skipped files that are named in a note

MAX_NAME_CHARACTERS = 1_000  # the longest id that a document may have: `delete` needs it whole


def documents_to_prune(
    holdings: Iterable[HeldFile], folders: Sequence[Path], *, seen: Collection[str], skipped: Mapping[str, str]
) -> list[str]:
    """Return the documents below the folders whose files are missing, empty or blank.

    `seen` are the ids of the documents that the job had, and `skipped` the kinds of what it skipped, by source.
    """
    if not folders:
        return []
    below = prefixes(folders)
    found: list[str] = []
    for held in holdings:
        unseen = [id_ for id_ in held.entries if id_ not in seen]
        blank = {id_ for id_ in unseen if skipped.get(held.entries[id_].source) == BLANK}
        is_gone = bool(unseen) and _file_of(held).startswith(below) and is_missing_or_empty(Path(_file_of(held)))
        found += [id_ for id_ in unseen if is_gone or (id_ in blank and held.entries[id_].source.startswith(below))]
    return found


def documents_left_out(holdings: Iterable[HeldFile], places: Set[str]) -> tuple[list[str], list[str]]:
    """Return the documents of files in places that a search of folders leaves out now.

    First those that such a search had found, and then those of which that is not known. A document is in neither if its
    file, or a folder inside the place, was named by the caller, who wanted it in spite of the rules.
    """
    found, unknown = list[str](), list[str]()
    for held in holdings if places else ():
        file = next(iter(held.entries.values())).file
        levels = None if file is None else _levels_below(file.path, places)
        if file is None or levels is None or is_missing_or_empty(Path(file.path)):
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


def _file_of(held: HeldFile) -> str:
    """Return the path of a file; of a document of which no file is known, the source, which may be one."""
    entry = next(iter(held.entries.values()))
    return entry.file.path if entry.file else entry.source


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
