"""Every setting, its default and its meaning; read from the environment and one file."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from platformdirs import user_config_path, user_data_path
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from ..core.errors import InvalidInput, nearest
from ..encoders.bm25 import AVERAGE_LENGTH, Tokenizer
from ..rerank.signals import MAX_FACTOR
from ..search.retriever import Fusion
from .problems import PREFIX, misfit, no_json
from .rerankers import Row, check_names
from .sections import EncoderSettings, IndexSettings, LlmSettings, QdrantSettings, VectorSettings

ENV_FILE = "RESIFT_ENV_FILE"

_FOREIGN = ("RESIFT_TEST_",)  # the test suite's own


class IngestSettings(BaseModel):
    """How documents are read and cut."""

    max_tokens: Annotated[int, Field(ge=32, le=240)] = Field(
        default=200, description="Length of a passage, in model tokens"
    )
    overlap_tokens: Annotated[int, Field(ge=0, le=100)] = Field(
        default=40, description="What neighbouring passages share where a long paragraph is cut"
    )
    min_tokens: Annotated[int, Field(ge=0, le=200)] = Field(
        default=40, description="Sections below this join their neighbour"
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(default=20_000_000, description="Largest file taken")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.overlap_tokens > self.max_tokens // 2 or self.min_tokens > self.max_tokens:
            raise ValueError("overlap_tokens is at most half of max_tokens, and min_tokens at most max_tokens")
        return self


class SearchSettings(BaseModel):
    """How the two searches become one order."""

    fusion: Fusion = Field(default="convex", description="How scores are joined")
    dense_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.4, description="Share of meaning in convex fusion"
    )
    leg_limit: Annotated[int, Field(ge=10, le=1000)] = Field(default=100, description="Hits each search contributes")
    average_length: Annotated[float, Field(gt=0)] = Field(
        default=AVERAGE_LENGTH, description="BM25: words of an average passage, for collections made from now on"
    )
    late_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.3, description="Share of late interaction in convex fusion, where a collection has vectors for it"
    )
    tokenizer: Tokenizer = Field(
        default="words", description="BM25, for collections made from now on; code takes identifiers apart"
    )
    language: str = Field(
        default="english", description="BM25: stemmer and stop words, for collections made from now on"
    )


class RerankSettings(BaseModel):
    """How the second stage works."""

    default: str = Field(
        default="cross-encoder",
        description='Meant by "default": cross-encoder, maxsim, one of RESIFT_RERANKERS, or none, which turns it off',
    )
    weight: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of the reranker in the final score; empty is the one that suits the reranker"
    )
    cache_size: Annotated[int, Field(ge=0)] = Field(
        default=50_000, description="Scores kept in memory for each reranker, about 300 bytes each; 0 keeps none"
    )


class BlendSettings(BaseModel):
    """What metadata adds to the final score of what a reranker read."""

    recency_field: str = Field(default="", description="Metadata field with a date; newer passages gain. Empty: off")
    recency_half_life_days: Annotated[float, Field(gt=0)] = Field(
        default=365.0, description="Age at which recency is worth half"
    )
    recency_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1, description="Share of recency in the final score, with a field"
    )
    boost: dict[str, dict[str, float]] = Field(
        default={},
        description='Metadata values to lift or lower by factors of 0-2: {"kind": {"docs": 1.5}}. Empty: off',
    )
    boost_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2, description="Share of the boost in the final score, with values"
    )
    official_sources: list[str] = Field(
        default=[], description='Sources meant by "prefer official", as JSON: ["docs/", "https://docs.python.org/"]'
    )

    @field_validator("boost", mode="after")
    @classmethod
    def _lies_between_0_and_2(cls, value: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        if any(not values for values in value.values()):
            raise ValueError("a field without values")
        if any(not 0 <= each <= MAX_FACTOR for values in value.values() for each in values.values()):
            raise ValueError(f"factors lie between 0, last, and {MAX_FACTOR:g}, first; 1 changes nothing")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.recency_weight + self.boost_weight > 1:
            raise ValueError("recency_weight and boost_weight are at most 1 together")
        return self


class Settings(BaseSettings):
    """Settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("resift", appauthor=False),
        description="Where collections are kept; by default the platform's data folder",
    )
    ingest_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders tools may read, separated as in PATH; by default the working directory"
    )
    reranker: str = Field(
        default="", description="Cross-encoder: a folder, or a name on the hub or in fastembed; empty: the bundled one"
    )
    rerankers: Annotated[dict[str, Row], AfterValidator(check_names)] = Field(
        default={},
        description='Further rerankers by name, as JSON: {"heavy": {"kind": "tei", "url": "http://localhost:8080"}, '
        '"careful": {"stages": ["cross-encoder:50", "heavy:20"]}}; see docs/rerankers.md',
    )
    feedback: bool = Field(
        default=False,
        description="Keep the questions of search_and_rerank with the ids they showed; offer record_feedback",
    )
    threads: Annotated[int, Field(ge=0, le=64)] = Field(
        default=0, description="Model threads; 0 is one per core, at most 4"
    )
    min_free_mb: Annotated[int, Field(ge=0)] = Field(
        default=200, description="Free disk space below which nothing is written"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="What is logged to stderr"
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
    qdrant_url: str = Field(
        default="",
        validation_alias="QDRANT_URL",
        description="Qdrant server that keeps the collections, such as http://localhost:6333; empty: the data folder",
    )
    qdrant_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="QDRANT_API_KEY", description="Its key, if it wants one"
    )
    prompts_dir: Path | None = Field(
        default=None, description="A folder with templates of your own; they go before those of the same name"
    )
    openai_base_url: str = Field(
        default="", validation_alias="OPENAI_BASE_URL", description="OpenAI-compatible endpoint; empty is OpenAI's own"
    )
    openai_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="OPENAI_API_KEY", description="Its key, if it wants one"
    )

    @field_validator("ingest_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("data_dir", "prompts_dir", mode="after")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None


def load_settings(**overrides: Any) -> Settings:
    """Return the settings: what is passed here, else the environment, else the settings file, else the defaults.

    The file is the one that RESIFT_ENV_FILE names, else `.env` in the user's configuration folder. The working
    directory's `.env` is not read: it may belong to a repository that a client merely opened.

    Raises:
        InvalidInput: On an unknown RESIFT_ name, or a value that does not fit.
    """
    named = os.environ.get(ENV_FILE, "")
    file = Path(named or user_config_path("resift", appauthor=False) / ".env")
    if named and not file.is_file():
        raise InvalidInput(f"{ENV_FILE} = {named!r} names no file. Correct it or leave it out.")
    _refuse_unknown(os.environ)
    _refuse_unknown(_values_in(file))
    try:
        return Settings(_env_file=file, **overrides)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise InvalidInput(misfit(error)) from error
    except SettingsError as error:
        raise InvalidInput(no_json(error, {**_values_in(file), **os.environ})) from error


def all_settings() -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of every setting."""
    yield ENV_FILE, "", "A file of further settings, one NAME=value a line"
    yield from _rows(PREFIX, Settings.model_fields.items())


def _rows(prefix: str, fields: Iterable[tuple[str, FieldInfo]]) -> Iterator[tuple[str, str, str]]:
    for name, field in fields:
        full = field.validation_alias if isinstance(field.validation_alias, str) else f"{prefix}{name.upper()}"
        if isinstance(field.default, BaseModel):
            yield from _rows(f"{full}__", type(field.default).model_fields.items())
        else:
            yield full, _shown(field.default), _choices(field) or field.description or ""


def _shown(default: object) -> str:
    return str(default) if isinstance(default, str | int | float) else ""


def _choices(field: FieldInfo) -> str:
    options = get_args(field.annotation)
    texts = options and all(isinstance(option, str) for option in options)
    return f"{field.description}: {', '.join(options)}" if texts and field.description else ""


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [name for name, _, _ in all_settings()]
    for name in names:
        if name.startswith(PREFIX) and not name.startswith(_FOREIGN) and name not in known:
            raise InvalidInput(f"Unknown setting {name}.{nearest(name, known)} docs/settings.md lists all settings.")


def _values_in(file: Path) -> dict[str, str | None]:
    from dotenv import dotenv_values

    return {name.upper(): value for name, value in dotenv_values(file).items()} if file.is_file() else {}
