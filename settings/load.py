"""All settings, with their defaults and descriptions, read from the environment and one file."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from ..core.errors import InvalidInput, nearest
from ..ingest.parsers.protocols import RecordFields
from ..store.qdrant.connection import Address
from .credentials import mask_from, mask_from_environment
from .location import ENV_FILE, absolute, default_data_dir, settings_file, values_in
from .per_client import ClientSettings
from .problems import PREFIX, misfit, no_json
from .ranking import BlendSettings, RerankSettings, SearchSettings
from .reranker_rows import Row, check_names
from .sections import EncoderSettings, IndexSettings, LlmSettings, QdrantSettings, VectorSettings
from .service_urls import check_base_url
from .serving import HttpSettings, OAuthSettings, ServeSettings

_WHERE_LISTED = "docs/settings.md lists all settings."

_FOREIGN = ("RESIFT_TEST_",)  # the test suite's own


class IngestSettings(BaseModel):
    """How documents are read and cut into passages."""

    max_tokens: Annotated[int, Field(ge=32, le=240)] = Field(
        default=200,
        description="The longest passage, in tokens of the encoder. Lower it if ingestion reports passages that "
        "are longer than your encoder's window.",
    )
    overlap_tokens: Annotated[int, Field(ge=0, le=100)] = Field(
        default=40,
        description="The number of tokens that neighbouring passages share when a long paragraph is cut. At most half "
        "of RESIFT_INGEST__MAX_TOKENS.",
    )
    min_tokens: Annotated[int, Field(ge=0, le=200)] = Field(
        default=40,
        description="A section with fewer tokens is joined with its neighbour. Lower it to keep short sections apart.",
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(
        default=20_000_000, description="The largest file to ingest, in bytes. Larger files are reported as failures."
    )
    gitignore: bool = Field(
        default=True,
        description="Whether files and folders that .gitignore files leave out are skipped. What .resiftignore files "
        "leave out always is.",
    )
    record_title: tuple[str, ...] = Field(
        default=(),
        description="The fields that hold the title of a record of JSON Lines, as JSON; they come before title, "
        'headline, name, subject and question. Example: ["product"].',
    )
    record_text: tuple[str, ...] = Field(
        default=(),
        description="The fields that hold the text of a record, as JSON; they come before text, content, contents, "
        "body, passage, document, answer and description.",
    )
    record_id: tuple[str, ...] = Field(
        default=(),
        description="The fields that hold the id of a record, as JSON; they come before id, _id, doc_id, docid, "
        "document_id, uuid and key.",
    )
    urls: bool = Field(
        default=False,
        description="Whether to fetch documents at URLs (http and https) that a caller names as paths. Only the public "
        "internet is asked; see docs/security.md.",
    )
    url_ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = Field(
        default=(80, 443), description="The ports at which documents may be fetched, as JSON."
    )
    url_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="The time limit for fetching one document with its redirects, in seconds."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.overlap_tokens > self.max_tokens // 2 or self.min_tokens > self.max_tokens:
            raise ValueError("overlap_tokens must be at most half of max_tokens, and min_tokens at most max_tokens")
        return self

    @property
    def record_fields(self) -> RecordFields:
        """Return how the fields of records are called."""
        return RecordFields.preferring(title=self.record_title, text=self.record_text, id=self.record_id)


class Settings(ClientSettings, BaseSettings):
    """Settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="The folder that holds the collections. If empty, the data folder of your platform, such as "
        "~/.local/share/resift.",
    )
    reranker: str = Field(
        default="",
        description="The model of the cross-encoder: a folder, or a name on the Hugging Face hub or in fastembed. If "
        "empty, the bundled model.",
    )
    rerankers: Annotated[dict[str, Row], AfterValidator(check_names)] = Field(
        default={},
        description='More rerankers by name, as JSON: {"heavy": {"kind": "tei", "url": "http://localhost:8080"}, '
        '"careful": {"stages": ["cross-encoder:50", "heavy:20"]}}. See docs/rerankers.md.',
    )
    feedback: bool = Field(
        default=False,
        description="Whether to record the questions of search_and_rerank with the hits shown, and to offer the tool "
        "record_feedback. `resift tune --feedback` learns from the records.",
    )
    threads: Annotated[int, Field(ge=0, le=64)] = Field(
        default=0, description="The number of threads that run models. 0 means one per core, at most 4."
    )
    min_free_mb: Annotated[int, Field(ge=0)] = Field(
        default=200, description="The free disk space to leave, in megabytes. Nothing is written when there is less."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING",
        description="The least severe messages to log on stderr. Only DEBUG shows what questions and documents say.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="The form of the log on stderr: lines of text, or JSON objects, one per line."
    )
    ingest: IngestSettings = IngestSettings()
    search: SearchSettings = SearchSettings()
    rerank: RerankSettings = RerankSettings()
    blend: BlendSettings = BlendSettings()
    index: IndexSettings = IndexSettings()
    vectors: VectorSettings = VectorSettings()
    encoder: EncoderSettings = EncoderSettings()
    llm: LlmSettings = LlmSettings()
    qdrant: QdrantSettings = QdrantSettings()
    serve: ServeSettings = ServeSettings()
    http: HttpSettings = HttpSettings()
    oauth: OAuthSettings = OAuthSettings()
    qdrant_url: str = Field(
        default="",
        validation_alias="QDRANT_URL",
        description="The URL of the Qdrant server that holds the collections, such as http://localhost:6333. If "
        "empty, collections are in the data folder.",
    )
    qdrant_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="QDRANT_API_KEY",
        description="The API key of the Qdrant server, if it needs one.",
    )
    prompts_dir: Path | None = Field(
        default=None,
        description="A folder with prompt templates of your own. A template replaces the one of the same name that "
        "comes with Resift.",
    )
    openai_base_url: str = Field(
        default="",
        validation_alias="OPENAI_BASE_URL",
        description="The URL of the OpenAI-compatible endpoint for language models and encoders. If empty, OpenAI's "
        "own.",
    )
    openai_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="OPENAI_API_KEY",
        description="The API key of the OpenAI-compatible endpoint, if it needs one.",
    )

    def with_private_store(self, folder: Path) -> Self:
        """Return the settings with all collections in a folder of their own: none on a Qdrant server."""
        return self.model_copy(update={"data_dir": absolute(folder), "qdrant_url": ""})

    @model_validator(mode="after")
    def _mask_secrets(self) -> Self:
        mask_from(self)
        mask_from_environment()
        return self

    @field_validator("qdrant_url", mode="after")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return Address(value).url if value else ""

    @field_validator("openai_base_url", mode="after")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        return check_base_url(value) if value else ""

    @field_validator("data_dir", "prompts_dir", mode="after")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return absolute(value) if value else None


def load_settings(**overrides: Any) -> Settings:
    """Return the settings: from the overrides, else the environment, else the settings file, else the defaults.

    The file is the one that RESIFT_ENV_FILE names, else `.env` in the user's configuration folder. The `.env` file of
    the working directory is not read, because it may belong to a repository that an MCP client has opened.

    Raises:
        InvalidInput: A name is unknown, or a value is invalid.
    """
    named, file = os.environ.get(ENV_FILE, ""), settings_file()
    if named and not file.is_file():
        raise InvalidInput(f"{ENV_FILE} = {named!r} is not a file. Correct it or leave it out.")
    _refuse_unknown(os.environ)
    _refuse_unknown(values_in(file))
    _refuse_unknown_overrides(overrides, Settings)
    try:
        return Settings(_env_file=file, **overrides)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise InvalidInput(misfit(error)) from error
    except SettingsError as error:
        raise InvalidInput(no_json(error, {**values_in(file), **os.environ})) from error


def all_settings() -> Iterator[tuple[str, str, str]]:
    """Yield the name, default and description of every setting."""
    yield ENV_FILE, "", "A file with settings, one NAME=value per line. Values in the environment take precedence."
    yield from _rows(PREFIX, Settings.model_fields.items())


def _rows(prefix: str, fields: Iterable[tuple[str, FieldInfo]]) -> Iterator[tuple[str, str, str]]:
    for name, field in fields:
        full = field.validation_alias if isinstance(field.validation_alias, str) else f"{prefix}{name.upper()}"
        if isinstance(field.default, BaseModel):
            yield from _rows(f"{full}__", type(field.default).model_fields.items())
        else:
            yield full, _shown(field.default), _choices(field) or field.description or ""


def _shown(default: object) -> str:
    if isinstance(default, tuple) and default:
        return json.dumps(default)
    return str(default) if isinstance(default, str | int | float) else ""


def _choices(field: FieldInfo) -> str:
    options = get_args(field.annotation)
    texts = options and all(isinstance(option, str) for option in options)
    return f"{field.description} One of: {', '.join(options)}." if texts and field.description else ""


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [name for name, _, _ in all_settings()]
    for name in names:
        if name.startswith(PREFIX) and not name.startswith(_FOREIGN) and name not in known:
            raise InvalidInput(f"Unknown setting {name}.{nearest(name, known, prefix=PREFIX)} {_WHERE_LISTED}")


def _refuse_unknown_overrides(overrides: Mapping[str, Any], group: type[BaseModel], place: str = "") -> None:
    """Refuse unknown names among keyword arguments, and in the groups that are given as dicts."""
    fields = dict(group.model_fields)
    fields |= {str(each.validation_alias): each for each in group.model_fields.values() if each.validation_alias}
    for name, value in overrides.items():
        if name not in fields:
            raise InvalidInput(f"Unknown setting {place}{name}.{nearest(name, fields)} {_WHERE_LISTED}")
        default = fields[name].default
        if isinstance(default, BaseModel) and isinstance(value, Mapping):
            _refuse_unknown_overrides(cast("Mapping[str, Any]", value), type(default), f"{place}{name}.")
