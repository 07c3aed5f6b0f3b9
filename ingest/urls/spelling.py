"""URLs as ids and sources: without what may be a secret, but with what tells one page from another."""

import re
from urllib.parse import urlsplit

_SECRET = re.compile(
    r"(key|token|secret|password|passwd|pwd|sig|signature|sign|auth|authorization|credential|credentials|session|sessionid"
    r"|sid|jwt|code|policy|expires|security-token)$|^(x-amz-|x-goog-)",
    re.IGNORECASE,
)


_URL = re.compile(r"https?:/+", re.IGNORECASE)  # Path makes one slash of two


def is_url(path: object) -> bool:
    """Return whether what a caller names as a path is a URL of http or https."""
    return _URL.match(str(path)) is not None


def whole(url: object) -> str:
    """Return a URL that a caller named as a path, with both slashes and without what `#` begins."""
    scheme, _, rest = str(url).partition(":")
    return f"{scheme.lower()}://{rest.lstrip('/')}".partition("#")[0]


def without_secrets(url: str) -> str:
    """Return a URL without credentials and without the parameters of its query that are secret by their names.

    The other parameters stay, since `?page=2` is another page than `?page=1`.
    """
    parts = urlsplit(url.partition("#")[0])
    kept = [each for each in parts.query.split("&") if each and not _SECRET.search(each.partition("=")[0])]
    query = f"?{'&'.join(kept)}" if kept else ""
    return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}{parts.path or '/'}{query}"


def with_suffix(url: str, suffix: str) -> str:
    """Return a name for the content of a URL by which its parser is chosen."""
    path = urlsplit(url)._replace(query="", fragment="").geturl()
    return path if not suffix or path.lower().endswith(suffix) else f"{path.rstrip('/')}{suffix}"
