"""Other users of the machine can neither read what the engine stores nor talk to it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput
from resift.server.cli.doctor import try_to_listen
from resift.server.engine.address import HAS_UNIX_SOCKETS, SHORT_TEMPORARY, is_same_user, listen
from resift.server.engine.process import Unusable, holding
from resift.settings.location import ENGINE_ADDRESS, ENGINE_SOCKET
from resift.tests.server.processes import RawServer

pytestmark = pytest.mark.skipif(os.name != "posix" or not HAS_UNIX_SOCKETS, reason="modes of files are POSIX")


def _open_to_others(path: Path) -> int:
    return path.stat().st_mode & 0o077


@pytest.mark.slow
def test_data_folder_socket_and_address_are_for_their_user_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        server = RawServer(tmp_path)
    finally:
        os.umask(before)
    server.call("ingest_documents", {"documents": [{"text": "The pump hums."}]})
    data = tmp_path / "data"
    for path in (data, data / ENGINE_SOCKET, data / ENGINE_ADDRESS):
        if path.exists():  # the path of a socket may be too long, so that it lies elsewhere
            assert not _open_to_others(path), path
    assert not _open_to_others(data)
    assert server.end() == 0


def _long(folder: Path) -> Path:
    long = folder / ("d" * 60) / ("e" * 60)
    long.mkdir(parents=True)
    return long


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder with a short path, wherever the tests run."""
    with tempfile.TemporaryDirectory(dir=SHORT_TEMPORARY) as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_folder_that_another_user_prepared_for_the_socket_is_refused(tmp_path: Path, temporary: Path) -> None:
    prepared = temporary / f"resift-{os.getuid()}"
    prepared.mkdir(mode=0o777)
    prepared.chmod(0o777)
    long = _long(tmp_path)
    with pytest.raises(PermissionError, match="others may use it"):
        listen(long, "1")
    told = rf"^No engine can listen for the data folder {long}: {prepared} belongs .* use it\. Remove it\.$"
    with pytest.raises(InvalidInput, match=told):
        try_to_listen(long)
    with pytest.raises(Unusable, match=told), holding(long):
        pass
    prepared.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    prepared.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="Remove it"):
        listen(_long(tmp_path / "again"), "1")


def test_socket_has_a_short_path_even_where_the_temporary_folder_has_a_long_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(_long(tmp_path)))
    listening, address = listen(_long(tmp_path / "data"), "1")
    with listening:
        assert Path(address.path).parent == Path(SHORT_TEMPORARY, f"resift-{os.getuid()}")
        address.connect().close()
        address.withdraw(tmp_path)


def test_socket_is_made_for_its_user_whatever_the_mask(temporary: Path) -> None:
    before = os.umask(0)
    try:
        listening, address = listen(temporary, "1")
    finally:
        os.umask(before)
    with listening, address.connect():
        accepted, _ = listening.accept()
        with accepted:
            assert is_same_user(accepted)
        assert not _open_to_others(Path(address.path))
