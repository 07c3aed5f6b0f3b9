"""URLs of services that models run behind, checked before anything is sent."""

import re
from urllib.parse import urlsplit

from ..core.errors import InvalidInput
from ..core.masking import SECRETS

_HOST = re.compile(r"[^\s/?#\\<>\"\[\]]+")

FORM = "must begin with http:// or https:// and a host"


def service_url(url: str) -> str:
    """Return the URL of a service.

    Raises:
        ValueError: It is not one. The message does not show it, as it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:  # an unclosed bracket, or a port that is no number or too large
        problem = "" if "@" in url else f": {error}"
        raise ValueError(f"is not a URL{problem}") from None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or "") or port == 0:
        raise ValueError(FORM)
    return url


def check_base_url(url: str) -> str:
    """Return the value of OPENAI_BASE_URL.

    Raises:
        InvalidInput: It is not the URL of a service.
    """
    SECRETS.add_url(url)
    try:
        return service_url(url)
    except ValueError as error:
        value = "" if "@" in url else f" = {url[:200]!r}"
        raise InvalidInput(
            f"OPENAI_BASE_URL{value} {error}. Write it as http://localhost:8000/v1, or leave it out."
        ) from None
