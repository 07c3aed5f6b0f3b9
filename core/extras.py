"""Optional parts of the installation."""

from collections.abc import Iterable
from importlib.util import find_spec

from .errors import MissingExtra


def require_extra(extra: str, modules: Iterable[str]) -> None:
    """Refuse to begin what could not be finished without an extra.

    Raises:
        MissingExtra: One of its modules is not installed.
    """
    if missing := [name for name in modules if find_spec(name) is None]:
        raise MissingExtra(f"{', '.join(missing)} is not installed. Install it with: pip install 'resift[{extra}]'")
