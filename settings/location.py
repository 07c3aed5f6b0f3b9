"""Where the settings and the data lie, for programs that start without the libraries that check settings."""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path, user_data_path

ENV_FILE = "RESIFT_ENV_FILE"

DATA_DIR = "RESIFT_DATA_DIR"

ENGINE_LOCK, ENGINE_ADDRESS, ENGINE_SOCKET, LOGS = "engine.lock", "engine.json", "engine.sock", "logs"
"""In a data folder: the lock that its engine holds, where that listens, its socket, and the folder of its logs."""

MATTERING = ("RESIFT_", "QDRANT_", "OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HF_")
"""Beginnings of the variables that change what an engine does."""

OF_CLIENTS = ("RESIFT_INGEST_ROOTS", "RESIFT_READ_ONLY")
"""What a client may read and change: each client has its own, also of an engine that serves several."""

HTTP_ONLY = ("RESIFT_HTTP__", "RESIFT_OAUTH__")
"""Beginnings of those that only the HTTP server reads. A client of the same engine need not have them."""


def settings_file() -> Path:
    """Return the path of the settings file, whether it exists or not."""
    return Path(os.environ.get(ENV_FILE, "") or user_config_path("resift", appauthor=False) / ".env")


def default_data_dir() -> Path:
    """Return the data folder where no setting names another."""
    return user_data_path("resift", appauthor=False)


def data_dir() -> Path:
    """Return the data folder as `load_settings` finds it, absolute."""
    named = _variables().get(DATA_DIR) or values_in(settings_file()).get(DATA_DIR)
    return absolute(Path(named) if named else default_data_dir())


def absolute(path: Path) -> Path:
    """Return the path of a folder in the settings as an absolute one."""
    return path.expanduser().absolute()


def values_in(file: Path) -> dict[str, str | None]:
    """Return the values in a settings file, by their names in capitals; none if there is no such file."""
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    return {name.upper(): value for name, value in dotenv_values(file).items()}


def checksums() -> dict[str, str]:
    """Return a checksum of every setting that clients share, by name: they tell values apart without showing them."""
    besides = {ENV_FILE, DATA_DIR, *OF_CLIENTS}
    return {
        name: f"{zlib.crc32(os.fsencode(value)):08x}"  # hashlib would cost a client of the engine 3 MB
        for name, value in _given().items()
        if name.startswith(MATTERING) and not name.startswith(HTTP_ONLY) and name not in besides
    }


def own_settings() -> dict[str, str]:
    """Return the settings of this process that it does not share with other clients, by name, as they are written."""
    return {name: value for name, value in _given().items() if name in OF_CLIENTS}


def drop_own_settings() -> None:
    """Remove from the environment what the client that started this engine may do: it serves others too."""
    for name in [each for each in os.environ if each.upper() in OF_CLIENTS]:
        del os.environ[name]


def differing(some: Mapping[str, str], others: Mapping[str, str]) -> list[str]:
    """Return the names of the settings that differ, sorted."""
    return sorted(name for name in some.keys() | others.keys() if some.get(name) != others.get(name))


def _given() -> dict[str, str]:
    """Return the settings of the file and of the environment, by their names in capitals."""
    return {name: value for name, value in {**values_in(settings_file()), **_variables()}.items() if value}


def _variables() -> dict[str, str]:
    """Return the environment with names in capitals, as they are read."""
    return {name.upper(): value for name, value in os.environ.items() if value}
