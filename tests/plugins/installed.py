"""Plug-in packages for tests: a folder on `sys.path`, as an installed package would be."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from resift.core.plugins import load_plugins
from resift.ingest.parsers.registry import installed_parsers

PLUGINS = Path(__file__).parent


@contextmanager
def installed(folder: Path) -> Generator[None]:
    """Let Python find the modules and the `.dist-info` in a folder, also in new processes; forget them afterwards."""
    before, searched = set(sys.modules), os.environ.get("PYTHONPATH")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), searched]))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if searched is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = searched
        for name in sys.modules.keys() - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
        _forget()


def _forget() -> None:
    load_plugins.cache_clear()
    installed_parsers.cache_clear()
