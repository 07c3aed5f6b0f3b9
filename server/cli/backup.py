"""`resift backup` and `resift restore`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import InvalidInput
from ...factories.stores import embedded_store
from ...settings.load import Settings
from ...store.edge.backup import back_up, restore
from .console import OUT


async def run_backup(settings: Settings, file: Path, names: Sequence[str]) -> bool:
    """Write collections of the data folder to a file; return True."""
    _refuse_server(settings)
    store = embedded_store(settings)
    try:
        index = await back_up(store, file, names)
    finally:
        await store.close()
    OUT.print(f"{_told(index.passages)} written to {file}.", highlight=False, soft_wrap=True)
    return True


async def run_restore(settings: Settings, file: Path) -> bool:
    """Bring the collections in a file into the data folder; return True."""
    _refuse_server(settings)
    store = embedded_store(settings)
    try:
        index = await restore(store, file)
    finally:
        await store.close()
    OUT.print(
        f"{_told(index.passages)} restored, as of {index.created}; every file was checked.",
        highlight=False,
        soft_wrap=True,
    )
    return True


def _refuse_server(settings: Settings) -> None:
    if settings.qdrant_url:
        raise InvalidInput(
            "QDRANT_URL is set, and a server makes its own backups: see Qdrant's snapshots. For the collections of the "
            "data folder, set QDRANT_URL to nothing."
        )


def _told(passages: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,} passages)" for name, count in passages.items())
