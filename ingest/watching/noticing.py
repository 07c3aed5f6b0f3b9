"""The changes below folders, as the operating system reports them, without gaps."""

import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio import to_thread

DEBOUNCE_MS = 1_000  # the longest that changes are collected

QUIET_MS = 100  # that has to pass without a change before a batch ends

CHECK_MS = 500  # between two looks at whether the folders are still the same

RETRY_S = 1.0

RESCAN_S = 900.0  # notifications of network file systems get lost

MANY = 10_000  # changes in one batch: Linux drops notifications when 16,384 wait, also those of new folders

_MODIFIED = 2  # watchfiles.Change.modified

logger = logging.getLogger(__name__)

Filter = Callable[[Iterable[str]], list[Path]]
"""Returns those of the changed paths that matter."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in the folders that exist now; without `paths`, all of it has to be compared."""

    folders: tuple[Path, ...]
    paths: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()
    """Folders that do not exist now."""


async def changes(folders: Sequence[Path], relevant: Filter) -> AsyncGenerator[Changes]:
    """Yield what changes, forever: first everything, once no change can be missed any more; then batches.

    A folder that vanishes is awaited, and everything is compared when it is back. So it is after a burst in which
    notifications may have been dropped, and from time to time.
    """
    is_polled = False
    while True:
        present = {folder: identity for folder in folders if (identity := identity_of(folder))}
        missing = tuple(folder for folder in folders if folder not in present)
        if not present:
            yield Changes((), missing=missing)
            while not any(map(identity_of, folders)):  # noqa: ASYNC110 - no notification says that a folder is there
                await anyio.sleep(CHECK_MS / 1000)
            continue
        try:
            async with aclosing(_until_replaced(present, missing, relevant, is_polled=is_polled)) as found:
                async for each in found:
                    yield each
        except FileNotFoundError:  # it vanished while it was being registered
            await anyio.sleep(RETRY_S)
        except (OSError, RuntimeError) as error:  # watchfiles raises RuntimeError for what its library reports
            if is_polled:
                logger.warning("%s cannot be watched, trying again: %s", list(present), error)
                await anyio.sleep(RETRY_S)
            else:
                logger.warning("Looking for changes by comparing, because the system does not report them: %s", error)
            is_polled = True


async def _until_replaced(
    present: dict[Path, tuple[int, int]], missing: tuple[Path, ...], relevant: Filter, *, is_polled: bool
) -> AsyncGenerator[Changes]:
    """Yield changes until a folder is not the same any more, or notifications may have been dropped."""
    from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType] - its types name trio

    folders = tuple(present)
    everything = Changes(folders, missing=missing)
    compared: float | None = None
    reports = awatch(
        *folders,
        watch_filter=None,
        debounce=DEBOUNCE_MS,
        step=QUIET_MS,
        rust_timeout=CHECK_MS,
        yield_on_timeout=True,
        force_polling=True if is_polled else None,  # None: as WATCHFILES_FORCE_POLLING says
        ignore_permission_denied=True,
    )
    async with aclosing(reports):
        async for reported in reports:
            if {folder: identity_of(folder) for folder in folders} != present or any(map(identity_of, missing)):
                return
            now = anyio.current_time()
            if compared is None or now - compared > RESCAN_S:
                compared = now
                yield everything
            elif len(reported) >= MANY:
                return
            elif paths := await to_thread.run_sync(_relevant, relevant, reported):
                yield Changes(folders, tuple(paths), missing)


def _relevant(relevant: Filter, reported: Iterable[tuple[int, str]]) -> list[Path]:
    """Return the paths that matter, without folders in which something changed: that is reported by its own name."""
    return relevant(path for change, path in reported if change != _MODIFIED or not os.path.isdir(path))  # noqa: PTH112


def identity_of(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one of its name, or None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
