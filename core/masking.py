"""Keep the secrets of this process out of everything that it shows: replies, errors, logs and terminal output."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"

MIN_CHARACTERS = 4
"""A shorter secret is masked only beside its user name or `Bearer`: alone it would be masked in ordinary words."""

MIN_CONTENT_CHARACTERS = 12
"""A shorter secret is not masked in what documents say, where it may be an ordinary word, such as `admin`."""

PLACEHOLDERS = frozenset(
    {"none", "null", "empty", "dummy", "unused", "no-key", "not-needed", "sk-no-key-required", "ollama", "lm-studio"}
)
"""Keys that the documentation of local servers tells people to set, because clients insist on one."""

_NAMED_SECRET = re.compile(r"(key|token|secret|password|passwd|pwd|sig|signature|auth|authorization)$", re.IGNORECASE)

_LOGIN = re.compile(r"(?<=://)[^/@\s\"'<>]+(?=@)")


class _Forms:
    """Texts to mask in any case: `%2f` is `%2F`."""

    def __init__(self, texts: frozenset[str]) -> None:
        self._texts = texts
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def with_more(self, texts: set[str]) -> "_Forms":
        lowered = self._texts | {text.lower() for text in texts}
        return self if lowered == self._texts else _Forms(lowered)

    def mask(self, text: str) -> str:
        lowered = text.lower()
        found = any(each in lowered for each in self._texts)  # far faster than the pattern, and almost always false
        return self._pattern.sub(MASK, text) if found else text


class Secrets:
    """Secrets, and every form in which a service may repeat them."""

    def __init__(self) -> None:
        self._all = _Forms(frozenset())
        self._long = _Forms(frozenset())

    def add(self, secret: str) -> None:
        """Mask a key, token or password from now on."""
        if not secret.strip() or secret.lower() in PLACEHOLDERS:
            return
        forms = set(_forms(secret)) if len(secret) >= MIN_CHARACTERS else set[str]()
        self._add({*forms, *_forms(f"Bearer {secret}")}, content=len(secret) >= MIN_CONTENT_CHARACTERS)

    def add_login(self, user: str, password: str) -> None:
        """Mask a password, and the pair as Basic authentication sends it. A user name alone is taken for a token."""
        if password:
            self.add(password)
        elif user:
            self.add(user)
        if user or password:
            self._add(set(_forms(f"{user}:{password}")), content=False)

    def add_url(self, url: str) -> None:
        """Mask the login in a URL, and the values of its query that are secret by their names."""
        try:
            parts = urlsplit(url if "//" in url else f"//{url}")
        except ValueError:  # it is refused elsewhere
            return
        login, _, _ = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        self.add_login(unquote(user), unquote(password))
        self.add_login(user, password)
        for name, value in parse_qsl(parts.query):
            self.add_named(name, value)

    def add_named(self, name: str, value: str) -> None:
        """Mask a value if its name says that it is secret, such as `api_key`."""
        if _NAMED_SECRET.search(name):
            self.add(value)

    def mask(self, text: str) -> str:
        """Return the text with all secrets masked, and the login of every URL."""
        return _LOGIN.sub(MASK, self._all.mask(text))

    def mask_content(self, text: str) -> str:
        """Return what a document says, in which only secrets that cannot be ordinary words are masked."""
        return self._long.mask(text)

    def _add(self, forms: set[str], *, content: bool) -> None:
        self._all = self._all.with_more(forms)
        if content:
            self._long = self._long.with_more(forms)


SECRETS = Secrets()
"""Those of this process. Code that takes a secret adds it; none is removed, since logs may repeat it later."""


def _forms(secret: str) -> Iterator[str]:
    """Yield the secret as it is, escaped for JSON, Python, HTML and URLs, and in Base64."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield escape(secret)
    yield quote(secret, safe="", errors="replace")
    yield quote(secret, errors="replace")
    yield quote_plus(secret, errors="replace")
    content = secret.encode("utf-8", "replace")
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(content).decode().rstrip("=")
        if len(content) >= MIN_CONTENT_CHARACTERS:
            yield from (_inside(encode(bytes(before) + content).decode(), before) for before in (0, 1, 2))


def _inside(encoded: str, before: int) -> str:
    """Return the characters that depend on the secret alone, wherever it stands in the text that was encoded."""
    return encoded.rstrip("=")[before + 1 : -1]
