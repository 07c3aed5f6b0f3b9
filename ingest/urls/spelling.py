"""URLs as ids and sources: without what may be a secret, but with what tells one page from another."""

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus, urlsplit

_SECRET_WORDS = frozenset(
    {
        *("key", "apikey", "token", "accesstoken", "secret", "password", "passwd", "pwd", "jwt"),
        *("sig", "signature", "sign", "policy", "expires", "auth", "authorization", "credential", "credentials"),
        *("session", "sessionid", "sid", "phpsessid", "jsessionid"),
    }
)
"""Words that make a parameter secret, wherever they stand in its name."""

_SECRET_NAMES = frozenset({"code"})
"""Whole names that are secret, as in OAuth; a `country_code` is none."""

_SIGNED_PREFIXES = ("x-amz-", "x-goog-")

_SIGNING_NAMES = frozenset({"sig", "signature", "expires"})
"""Names of parameters that are other ones each time that a URL is signed, and never tell one page from another."""

HASH_DIGITS = 4  # tell the pages of a site apart, and too little to find a secret by

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
    kept = [each for name, each in _parameters(parts.query) if not _is_secret(name)]
    query = f"?{'&'.join(kept)}" if kept else ""
    return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}{parts.path or '/'}{query}"


def identity(url: str) -> str:
    """Return the id of the page at a URL: it without secrets, but with a short hash of those that may tell pages apart.

    Signatures are left out of the hash, so that a page has the same id when its URL is signed again.
    """
    shown = without_secrets(url)
    hidden = [each for name, each in _parameters(urlsplit(url).query) if _is_secret(name) and not _signs(name)]
    if not hidden:
        return shown
    digest = hashlib.sha256("&".join(hidden).encode()).hexdigest()[:HASH_DIGITS]
    return f"{shown}{'&' if '?' in shown else '?'}hidden={digest}"


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a query as they stand there, each after its name, which is unquoted."""
    for each in filter(None, query.split("&")):
        yield unquote_plus(each.partition("=")[0]).strip(), each


def _is_secret(name: str) -> bool:
    words = re.split(r"[\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))  # accessToken has two words
    lowered = name.lower()
    return (
        lowered in _SECRET_NAMES
        or lowered.startswith(_SIGNED_PREFIXES)
        or not _SECRET_WORDS.isdisjoint(word.lower() for word in (*words, name))
    )


def _signs(name: str) -> bool:
    return name.lower().startswith(_SIGNED_PREFIXES) or name.lower() in _SIGNING_NAMES


def with_suffix(url: str, suffix: str) -> str:
    """Return a name for the content of a URL by which its parser is chosen."""
    path = urlsplit(url)._replace(query="", fragment="").geturl()
    return path if not suffix or path.lower().endswith(suffix) else f"{path.rstrip('/')}{suffix}"
