"""Zip archives from strangers: names checked, and nothing unpacked beyond fixed bounds."""

import lzma
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from ...core.errors import UnreadableFile

MAX_MEMBERS = 20_000

MAX_BYTES = 200_000_000
"""Unpacked, of all members that are read."""

_MAX_RATIO = 200  # unpacked to packed bytes; text packs to a tenth, repeated rows to a hundredth

_FREE_BYTES = 10_000_000  # within which the ratio does not matter: a file of blanks is harmless

_CHUNK = 1 << 20

_ENCRYPTED = 0x1

_LINK = 0o120000  # of the file types of Unix

_DAMAGE = (BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError, OSError, RuntimeError, ValueError)

_DRIVE = re.compile(r"^[a-zA-Z]:")


@dataclass(slots=True)
class Budget:
    """How many bytes may still be unpacked: from a file of a given size, with all archives in it."""

    left: int

    @classmethod
    def of(cls, size: int) -> "Budget":
        """Return the budget of a file of so many bytes."""
        return cls(min(MAX_BYTES, max(_FREE_BYTES, _MAX_RATIO * size)))

    def spend(self, size: int) -> None:
        """Count bytes that were unpacked.

        Raises:
            UnreadableFile: They are more than the budget.
        """
        self.left -= size
        if self.left < 0:
            raise UnreadableFile("Its archive unpacks to far more than its size, as a zip bomb does.")


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of an archive: its checked path, or why it cannot be read."""

    path: str
    info: ZipInfo
    problem: str = ""


class Archive:
    """A zip archive in memory. What is read of all members together is bounded."""

    def __init__(self, data: bytes) -> None:
        """Open an archive.

        Raises:
            UnreadableFile: It is damaged, has too many members, or would unpack to far more than its size.
        """
        try:
            self._zip = ZipFile(BytesIO(data))
        except _DAMAGE as error:
            raise UnreadableFile(
                "It is not a zip archive, or it is damaged, such as by an incomplete download. Get the file again."
            ) from error
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            raise UnreadableFile(f"It has {len(infos):,} members; the limit is {MAX_MEMBERS:,}. Unpack it.")
        declared = sum(info.file_size for info in infos)
        self._budget = Budget.of(len(data))
        if declared > self._budget.left:
            raise UnreadableFile(
                f"It would unpack to {declared:,} bytes from {len(data):,}, as a zip bomb does. "
                "Unpack it yourself if you trust it."
            )

    def members(self) -> Iterator[PackedFile]:
        """Yield the files of the archive in their order; of those with one name only the last, as when unpacked."""
        last = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}
        for name, info in last.items():
            problem = _problem_of(info)
            yield PackedFile(_shown(name) if problem else name, info, problem)

    def read(self, member: PackedFile) -> bytes:
        """Return the bytes of a file.

        Raises:
            UnreadableFile: It is damaged, packed in an unknown way, or more than its archive may unpack to.
        """
        pieces = list(self._pieces(member))
        return b"".join(pieces)

    def start(self, member: PackedFile, size: int) -> bytes:
        """Return at most `size` bytes from the start of a file; none if it is damaged.

        They do not count as unpacked: of all files, they are at most the bytes that the archive declares.
        """
        try:
            with self._zip.open(member.info) as file:
                return file.read(size)
        except _DAMAGE:
            return b""

    def _pieces(self, member: PackedFile) -> Iterator[bytes]:
        try:
            with self._zip.open(member.info) as file:
                while piece := file.read(_CHUNK):
                    self._budget.spend(len(piece))
                    yield piece
        except _DAMAGE as error:
            raise UnreadableFile("It is damaged in its archive. Get the archive again.") from error

    def find(self, path: str) -> PackedFile | None:
        """Return the file at a path, or None."""
        try:
            return PackedFile(path, self._zip.getinfo(path))
        except KeyError:
            return None


def _shown(name: str) -> str:
    """Return a name on one line, which leads nowhere when it is shown below the path of its archive."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)[:200].lstrip("/") or "(no name)"


def _problem_of(info: ZipInfo) -> str:
    """Return why a member cannot be read, or ""."""
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if "\0" in info.orig_filename or not parts:
        return "It has a name that no file can have, so it was left out."
    if parts[0] == "/" or ".." in parts or _DRIVE.match(name):
        return "Its name leads out of the archive, so it was left out."
    if (info.external_attr >> 16) & 0o170000 == _LINK:
        return "It is a link, which Resift does not follow in archives."
    if info.flag_bits & _ENCRYPTED:
        return "It is encrypted. Unpack the archive with its password, and ingest the files."
    return ""
