"""What the settings allow an ingestion that goes on by itself: a job that is resumed, or folders that are watched.

Whoever asked for it had the right to; the settings may have changed since then.
"""

from collections.abc import Iterable
from pathlib import Path

from ..core.errors import Forbidden
from ..settings.load import Settings


def check_rights(settings: Settings, folders: Iterable[Path], *, what: str) -> None:
    """Check that the settings still allow to ingest from folders, which are resolved. `what` names who does it.

    Raises:
        Forbidden: They do not.
    """
    if settings.read_only:
        raise Forbidden(f"{what} would change what is stored, and RESIFT_READ_ONLY allows that no more.")
    if (folder := _outside(settings, folders)) is not None:
        raise Forbidden(
            f"{what} was to read files in {folder}, and RESIFT_INGEST_ROOTS does not allow that any more. Ask for it "
            "again with files that may be read."
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
