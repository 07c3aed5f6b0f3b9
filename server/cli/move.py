"""`resift move`: copy collections between the data folder and a Qdrant server."""

from collections.abc import Sequence

from ...core.errors import InvalidInput, NotFound
from ...factories.stores import embedded_store, server_store
from ...ingest.transfer import Copied, copy_collection
from ...settings.load import Settings
from ...store.protocols import Store, unknown_collection
from .console import OUT, progress_bar


async def run_move(settings: Settings, names: Sequence[str], *, to: str, from_: str) -> bool:
    """Copy collections to the server at `to`, or from that at `from_`; without names, all of Resift's; return True.

    Raises:
        InvalidInput: When not just one of the two is given.
        NotFound: When a collection is not there; nothing has been copied then.
    """
    if bool(to) == bool(from_):
        raise InvalidInput("Give --to URL (from the data folder to a server) or --from URL (the other way).")
    server = server_store(settings.model_copy(update={"qdrant_url": to or from_}))
    embedded = embedded_store(settings)
    source, target = (embedded, server) if to else (server, embedded)
    try:
        for name in await _chosen(source, names):
            collection = await source.open(name)
            if collection.manifest.adopted is not None and not names:
                OUT.print(f"{name}: left where it is, for Resift did not make it.", highlight=False, soft_wrap=True)
                continue
            with progress_bar(name) as progress:
                copied = await copy_collection(collection, target, progress=progress)
            OUT.print(_told(name, copied), highlight=False, soft_wrap=True)
    finally:
        await server.close()
        await embedded.close()
    where = f"QDRANT_URL={server.connection.address.shown}" if to else "an empty QDRANT_URL"
    OUT.print(f"The originals stay where they were. Use the copies with {where}.", highlight=False, soft_wrap=True)
    return True


async def _chosen(source: Store, names: Sequence[str]) -> Sequence[str]:
    known = await source.names()
    for name in names:
        if name not in known:
            raise NotFound(unknown_collection(name, known))
    return names or known


def _told(name: str, copied: Copied) -> str:
    return (
        f"{name}: {copied.documents:,} documents copied, {copied.unchanged:,} were there; {copied.passages:,} passages "
        f"compared on both sides, sha256 {copied.checksum[:16]}"
    )
