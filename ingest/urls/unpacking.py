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

MAX_MEMBERS = 100  # of a gzip stream; each of them costs time, even an empty one


async def read_body(response: Response, max_bytes: int) -> bytes:
    """Return the unpacked body of an answer.

    Raises:
        UnreadableFile: It has more than `max_bytes`, packed or unpacked, or an encoding that was not asked for, or it
            is damaged.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in (*_PLAIN, *_PACKED):
        raise UnreadableFile(f"The server sent it with the encoding {cut(coding)!r}, which was not asked for.")
    gzip = _Gzip() if coding in _PACKED else None
    body, received = bytearray(), 0
    async for piece in response.aiter_raw():
        received += len(piece)
        body += piece if gzip is None else gzip.unpack(piece, most=max_bytes + 1 - len(body))
        if max(received, len(body)) > max_bytes:
            raise UnreadableFile(
                f"It has more than {max_bytes:,} bytes. Raise RESIFT_INGEST__MAX_BYTES, or download and split it."
            )
    if gzip is not None and not gzip.is_complete:
        raise UnreadableFile("The server sent it only in part. Try again later.")
    return bytes(body)


class _Gzip:
    """Unpacks a gzip stream, which has one member or several behind each other (RFC 1952)."""

    def __init__(self) -> None:
        self._member = _member()
        self._members = 1

    @property
    def is_complete(self) -> bool:
        """Return whether the stream may end here."""
        return self._member.eof

    def unpack(self, piece: bytes, *, most: int) -> bytes:
        """Return what a piece unpacks to, or the first `most` bytes of it: a small piece may stand for gigabytes.

        Raises:
            UnreadableFile: It is damaged, or has too many members.
        """
        found = bytearray()
        while piece and len(found) < most:
            if self._member.eof:
                self._member = _member()
                self._members += 1
            if self._members > MAX_MEMBERS:
                raise UnreadableFile(f"The server sent it in more than {MAX_MEMBERS} members of gzip. Download it.")
            try:
                found += self._member.decompress(piece, most - len(found))
            except zlib.error as error:
                raise UnreadableFile("The server sent it with damaged compression.") from error
            piece = self._member.unused_data
        return bytes(found)


def _member() -> zlib._Decompress:  # pyright: ignore[reportPrivateUsage]
    return zlib.decompressobj(zlib.MAX_WBITS | 16)
