"""Where the engine of a data folder listens. Clients import this, so it needs the standard library alone."""

import json
import os
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from ...settings.location import ENGINE_ADDRESS, ENGINE_SOCKET

MAX_SOCKET_PATH = 100  # bytes: the system calls take 103 on macOS and 107 on Linux

SHORT_TEMPORARY = "/tmp"  # noqa: S108 - for sockets, where the path of the user's own temporary folder is too long

BACKLOG = 128  # connections that wait while the engine starts

CONNECT_TIMEOUT_S = 5.0

ANOTHER_RUNS = 75
"""The exit code of an engine whose data folder has one already."""

HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX")


class EngineAddress(NamedTuple):
    """Where an engine listens: at the path of a Unix socket, or where there are none at a port of this machine."""

    pid: int
    version: str
    path: str = ""
    port: int = 0
    token: str = ""
    """What a client has to send to the port, which every user of the machine can reach."""
    url: str = ""
    """Of MCP over HTTP, if the engine serves it."""

    @classmethod
    def read(cls, data_dir: Path) -> Self | None:
        """Return what the engine of a data folder wrote last, or None. It may have ended since."""
        try:
            return cls(**json.loads((data_dir / ENGINE_ADDRESS).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, data_dir: Path) -> None:
        """Publish the address to this user's processes alone."""
        new = data_dir / f"{ENGINE_ADDRESS}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._asdict(), file)
        new.replace(data_dir / ENGINE_ADDRESS)

    def withdraw(self, data_dir: Path) -> None:
        """Take the address back, so that clients start an engine instead of trying this one."""
        with suppress(OSError):
            (data_dir / ENGINE_ADDRESS).unlink()
        if self.path:
            with suppress(OSError):
                os.unlink(self.path)  # noqa: PTH108 - a path as text is all there is

    def connect(self) -> socket.socket:
        """Return a connection to the engine.

        Raises:
            OSError: No engine listens there any more.
        """
        if self.path:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target: str | tuple[str, int] = self.path
        else:
            connection, target = socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("127.0.0.1", self.port)
        try:
            connection.settimeout(CONNECT_TIMEOUT_S)
            connection.connect(target)
            connection.settimeout(None)
        except OSError:
            connection.close()
            raise
        return connection


def listen(data_dir: Path, version: str) -> tuple[socket.socket, EngineAddress]:
    """Return a listening socket that only this user can connect to, and its address. The caller holds the lock.

    Raises:
        OSError: The socket cannot be made. One without `strerror` says itself what to do.
    """
    if not HAS_UNIX_SOCKETS:
        listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        token = os.urandom(32).hex()
        return listening, EngineAddress(os.getpid(), version, port=listening.getsockname()[1], token=token)
    path = _socket_path(data_dir)
    with suppress(FileNotFoundError):
        path.unlink()  # of an engine that was killed: the lock is ours
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening, EngineAddress(os.getpid(), version, path=str(path))


def is_same_user(connection: socket.socket) -> bool:
    """Return whether the process at the other end of a Unix socket runs as this user, where the system tells."""
    if not hasattr(socket, "SO_PEERCRED"):  # macOS: the file's mode keeps others out
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder) == os.getuid()


def _socket_path(data_dir: Path) -> Path:
    """Return the path of the socket: in the data folder, or in a folder of this user's if that path is too long."""
    path = data_dir / ENGINE_SOCKET
    if _fits(path):
        return path
    import hashlib  # heavy, as is tempfile
    import tempfile

    name, own = f"{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}.sock", f"resift-{os.getuid()}"
    folder = Path(tempfile.gettempdir(), own)
    if not _fits(folder / name):
        folder = Path(SHORT_TEMPORARY, own)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} belongs to another user, or others may use it. Remove it")
    return folder / name


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH
