"""The engine's log: files in the data folder that never grow large, without secrets."""

import faulthandler
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..output import MaskedFormatter

FILE = "engine.log"

MAX_BYTES = 2**20

OLD_FILES = 3


def log_to(folder: Path, level: str) -> None:
    """Log to a file in the folder, and crashes of native code to stderr. A full file is moved aside."""
    folder.mkdir(exist_ok=True)
    handler = RotatingFileHandler(folder / FILE, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    handler.setFormatter(MaskedFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("resift").setLevel("DEBUG" if level == "DEBUG" else "INFO")  # starts, stops and clients
    faulthandler.enable(sys.stderr)
