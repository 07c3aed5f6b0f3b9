"""Settings of the engine that serves several clients, and of its HTTP server."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from ..core.errors import InvalidInput
from ..store.naming import check_name

MOST_NAME_CHARACTERS = 100  # of a token's

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]


def collection_of_token(name: str) -> str:
    """Return the name of a collection that a token is for.

    Raises:
        ValueError: No collection can have that name.
    """
    if name == "*":
        raise ValueError("a token that names no collections is for all of them: leave out '*'")
    try:
        check_name(name)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return name


class ServeSettings(BaseModel):
    """How long the engine that `resift serve` starts lives, and how it stops."""

    idle_timeout_s: Annotated[float, Field(ge=0)] = Field(
        default=900.0,
        description="How long the engine stays when no client is connected, in seconds. 0 means until `resift stop`.",
    )
    watch: bool = Field(
        default=False,
        description="Whether the engine remembers the folders that are ingested while it is set, and keeps the "
        "collections in step with them while it runs. `resift watch --list` lists them.",
    )
    stop_timeout_s: Annotated[float, Field(ge=0, le=300)] = Field(
        default=10.0,
        description="How long the engine waits for the calls in flight when it is told to stop, in seconds.",
    )
    ingest_wait_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=20.0,
        description="How long ingest_documents and POST /v1/documents wait for an ingestion to end, in seconds. Then "
        "they return the id of its job, and it goes on in the background.",
    )


class TokenRow(BaseModel):
    """A bearer token and what its holder may do. `resift token NAME` makes one."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=MOST_NAME_CHARACTERS)]
    sha256: Sha256
    """Of the token in UTF-8, in hexadecimal digits."""
    write: bool = False
    collections: tuple[Annotated[str, AfterValidator(collection_of_token)], ...] | None = None
    """The collections that it is for; None: all."""
    expires: date | None = None
    """The last day on which it is accepted, in UTC."""

    @property
    def ends(self) -> datetime | None:
        """Return the moment from which it is not accepted any more, or None if it never ends."""
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC) if self.expires else None


class HttpSettings(BaseModel):
    """Where `resift serve --http` listens, whom it answers, and how much it takes on."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address that `resift serve --http` listens on. Beyond this machine, such as on 0.0.0.0, "
        "RESIFT_HTTP__TOKENS or RESIFT_OAUTH__ISSUER must be set.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8848, description="The port that `resift serve --http` listens on. 0 takes a free one."
    )
    tokens: tuple[TokenRow, ...] = Field(
        default=(),
        description='The bearer tokens that are accepted, as JSON: [{"name": "ci", "sha256": "...", "write": false, '
        '"collections": ["docs"], "expires": "2027-12-31"}]. `resift token NAME` prints a token and its row.',
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description='The names under which clients reach the server, as JSON: ["search.example.com"]. localhost and '
        "IP addresses are always accepted.",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description='The web pages whose scripts may use the server, as JSON: ["https://app.example.com"]. Pages of '
        "this machine may always.",
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=20_000_000, description="The largest body of a request, in bytes."
    )
    max_concurrent: Annotated[int, Field(ge=1)] = Field(
        default=32, description="How many requests are worked on at the same time. More wait in a queue."
    )
    max_queued: Annotated[int, Field(ge=0)] = Field(
        default=64, description="How many requests may wait. More are refused with status 503."
    )
    queue_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="How long a request may wait before it is refused with status 503, in seconds."
    )
    client_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=30.0,
        description="How long a client may take to send the head of a request, to send its body, and to take a part "
        "of the answer, in seconds.",
    )
    requests_per_minute: Annotated[int, Field(ge=0)] = Field(
        default=1200, description="How many requests each token may make in a minute. 0 means no limit."
    )

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _read_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_host, value))

    @field_validator("allowed_origins", mode="after")
    @classmethod
    def _read_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_origin, value))

    @field_validator("tokens", mode="after")
    @classmethod
    def _check_names(cls, value: tuple[TokenRow, ...]) -> tuple[TokenRow, ...]:
        counts = Counter(row.name for row in value)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise ValueError(f"several tokens are named {twice[0]!r}, but logs and limits tell tokens apart by name")
        return value


class OAuthSettings(BaseModel):
    """Whose access tokens the HTTP server accepts."""

    issuer: str = Field(
        default="",
        description="The issuer of the OAuth access tokens (JWTs) that the HTTP server accepts, as in their claim "
        "`iss`. If empty, none are accepted.",
    )
    jwks_url: str = Field(default="", description="The URL of the issuer's public keys (JWKS).")
    resource_url: str = Field(
        default="",
        description="The URL of the MCP endpoint as clients reach it, such as https://search.example.com/mcp. Clients "
        "find the issuer with it.",
    )
    audience: str = Field(
        default="", description="The claim `aud` that tokens must have. If empty, RESIFT_OAUTH__RESOURCE_URL."
    )
    read_scope: str = Field(
        default="resift:read", description="The scope that tokens need for every request. If empty, none."
    )
    write_scope: str = Field(
        default="resift:write",
        description="The scope that tokens need to add and delete documents. If empty, no token may.",
    )
    collections_claim: str = Field(
        default="",
        description="The claim that lists the collections that a token is for. If empty, tokens are for all "
        "collections.",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.issuer:
            return self
        if not (self.jwks_url and self.resource_url):
            raise ValueError("an issuer also needs jwks_url and resource_url")
        for url in (self.jwks_url, self.resource_url):
            parts = urlsplit(url)
            if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
                raise ValueError(f"{url} must begin with https://")
        return self


def _host(given: str) -> str:
    """Return the name of a host without a port: requests are compared without theirs."""
    parts = _split(f"//{given.strip()}")
    if parts is None or parts.geturl() != f"//{parts.netloc}":
        raise ValueError(
            f'{given!r:.200} is not the name of a host; write each name alone, such as "search.example.com"'
        )
    return parts.hostname or ""


def _origin(given: str) -> str:
    """Return an origin as browsers send it: in lower case, without a slash at the end or the usual port."""
    origin = given.strip().lower().rstrip("/")
    parts = _split(origin)
    if parts is None or not parts.scheme or origin != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(
            f'{given!r:.200} is not an origin; write each one with its scheme, such as "https://app.example.com"'
        )
    return origin.removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ":"))


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL with one host; None if it has a login, a wildcard, or a port that is no number."""
    try:
        parts = urlsplit(url)
        is_usable = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if is_usable and not any(letter in "@*\\" or letter.isspace() for letter in url) else None
