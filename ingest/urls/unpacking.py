"""The bodies of answers, read and unpacked piece by piece, so that no more than a limit is ever held."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from ...core.errors import UnreadableFile
from ...core.text import cut

if TYPE_CHECKING:
    from httpx2 import Response

_PLAIN = ("", "identity")

_PACKED = ("gzip", "x-gzip")


async def read_body(response: Response, max_bytes: int) -> bytes:
    """Return the unpacked body of an answer.

    Raises:
        UnreadableFile: It has more than `max_bytes`, or an encoding that was not asked for, or it is damaged.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in (*_PLAIN, *_PACKED):
        raise UnreadableFile(f"The server sent it with the encoding {cut(coding)!r}, which was not asked for.")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if coding in _PACKED else None
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece if unpacker is None else _unpacked(unpacker, piece, most=max_bytes + 1 - len(body))
        if len(body) > max_bytes:
            raise UnreadableFile(
                f"It has more than {max_bytes:,} bytes. Raise RESIFT_INGEST__MAX_BYTES, or download and split it."
            )
    if unpacker is not None and not unpacker.eof:
        raise UnreadableFile("The server sent it only in part. Try again later.")
    return bytes(body)


def _unpacked(unpacker: zlib._Decompress, piece: bytes, *, most: int) -> bytes:  # pyright: ignore[reportPrivateUsage]
    """Return what a piece unpacks to, or the first `most` bytes of it: a small piece may stand for gigabytes."""
    try:
        return unpacker.decompress(piece, most)
    except zlib.error as error:
        raise UnreadableFile("The server sent it with damaged compression.") from error
