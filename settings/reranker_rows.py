"""The rows of RESIFT_RERANKERS: rerankers in addition to the built-in ones."""

import os
import re
from typing import Annotated, Any, Literal, Self, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Discriminator, Field, SecretStr, Tag, field_validator, model_validator

from ..core.plugins import plugin_names
from ..models.devices import Device
from ..models.options import INSTRUCTION, NO_TEMPLATES, PASSAGE, QUERY, InputFormat, ModelOptions, template_problem
from ..rerank.endpoint_shapes import SHAPES
from .service_urls import service_url

CASCADE = "cascade"

ENDPOINT = "endpoint"

CROSS_ENCODER = "cross-encoder"

LATE_INTERACTION = "late-interaction"

PLUGIN = "plugin"

MAXSIM = "maxsim"

LLM = "llm"

MIN_WINDOW = 24  # tokens; with fewer, a question leaves almost no room for the passage

# Names of built-in rerankers, and of stages and signals in results.
RESERVED = frozenset({CROSS_ENCODER, MAXSIM, LLM, "default", "none", "rerank", "dense", "bm25", "fused", "blend"})

KINDS = (CROSS_ENCODER, LATE_INTERACTION, *SHAPES)

ROW_FORMS = f"a row has `stages`, or a `kind`, which is one of {', '.join(KINDS)}"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Scoring(_Row):
    weight: Share | None = None
    """Share in the final score; None: RESIFT_RERANK__WEIGHT, or the model's own."""
    query_template: str = "{query}"
    """The text that the model reads for a query: contains {query}, and {instruction} if the model follows one."""
    passage_template: str = "{passage}"
    """The text that the model reads for a passage; contains {passage}."""
    instruction: str = ""
    """Replaces {instruction} when a question has no instruction."""

    @property
    def form(self) -> InputFormat:
        """Return the format of the texts that the model reads."""
        return InputFormat(self.query_template, self.passage_template, self.instruction)

    @field_validator("query_template", mode="after")
    @classmethod
    def _check_query_template(cls, value: str) -> str:
        if problem := template_problem(value, needed=QUERY, known=(QUERY, INSTRUCTION)):
            raise ValueError(problem)
        return value

    @field_validator("passage_template", mode="after")
    @classmethod
    def _check_passage_template(cls, value: str) -> str:
        if problem := template_problem(value, needed=PASSAGE, known=(PASSAGE,)):
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _check_instruction(self) -> Self:
        if self.instruction and not self.form.follows_instructions:
            raise ValueError("the instruction is not used: put {instruction} into query_template")
        if self.form.follows_instructions and not self.instruction and self.passage_template != NO_TEMPLATES.passage:
            raise ValueError("a row with a passage_template needs an instruction, for questions without one")
        return self


class _Local(_Scoring):
    model: Annotated[str, Field(min_length=1)]
    device: Device = "auto"
    """The device that runs the model."""
    window: Annotated[int, Field(ge=0, le=32_768)] = 0
    """Most tokens the model reads; 0: the model's own limit, or 512."""

    @field_validator("window", mode="after")
    @classmethod
    def _check_window(cls, value: int) -> int:
        if 0 < value < MIN_WINDOW:
            raise ValueError(f"window must be at least {MIN_WINDOW} tokens, or 0 for the model's own limit")
        return value

    @property
    def options(self) -> ModelOptions:
        """Return the options to run the model with."""
        return ModelOptions(self.form, self.window, self.device)


class CrossEncoderRow(_Local):
    """A local model that reads query and passage together: a folder, or a name on the hub or in fastembed."""

    kind: Literal["cross-encoder"]


class LateInteractionRow(_Local):
    """A local model that compares the token vectors of query and passage, by a name that fastembed lists."""

    kind: Literal["late-interaction"]
    folder: str = ""
    """The folder with its files; empty: fastembed's cache, to which they are downloaded."""


class EndpointRow(_Scoring):
    """A rerank service."""

    kind: Literal["cohere", "jina", "voyage", "tei", "vllm"]
    model: str = ""
    url: str = ""
    api_key: SecretStr = SecretStr("")
    api_key_env: str = ""
    """The environment variable with the API key, so that the table need not contain it."""
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    batch: Annotated[int, Field(ge=0, le=1000)] = 0
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    scores: Literal["probability", "logit"] = "probability"

    @model_validator(mode="after")
    def _check_service(self) -> Self:
        shape = SHAPES[self.kind]
        if shape.needs_model and not self.model:
            raise ValueError(f"{self.kind} needs a model")
        if not (self.url or shape.url):
            raise ValueError(f"{self.kind} needs the url of your server")
        if self.url:
            self._check_url()
        if self.api_key_env and self.api_key_env not in os.environ:
            raise ValueError(f"the environment variable {self.api_key_env} is not set")
        return self

    def _check_url(self) -> None:
        try:
            service_url(self.url)
        except ValueError as error:
            raise ValueError(f"url {error}") from None

    @property
    def key(self) -> str:
        """Return the API key, or "" without one."""
        return os.environ.get(self.api_key_env, "") if self.api_key_env else self.api_key.get_secret_value()


class PluginRow(_Row):
    """A reranker of another package, which provides it in the entry-point group `resift.rerankers`."""

    kind: str
    weight: Share | None = None
    """Share in the final score; None: RESIFT_RERANK__WEIGHT, or the plug-in's own."""
    options: dict[str, Any] = {}
    """What the plug-in is called with."""

    @model_validator(mode="before")
    @classmethod
    def _check_plugin(cls, value: Any) -> Any:
        installed = plugin_names("resift.rerankers")
        row = cast("dict[str, Any]", value if isinstance(value, dict) else {})
        if row and row.get("kind") not in installed:
            raise ValueError(f"{ROW_FORMS}, {', '.join(installed)}" if installed else ROW_FORMS)
        return row


class CascadeRow(_Row):
    """A cascade: several rerankers, each for fewer hits than the one before."""

    stages: Annotated[tuple[str, ...], Field(min_length=1, max_length=5)]
    """Names of rerankers with the number of hits they read, such as "cross-encoder:50"; without: as the one before."""

    @property
    def steps(self) -> list[tuple[str, int]]:
        """Return each name with its number of hits; 0 without a number."""
        parted = [stage.partition(":") for stage in self.stages]
        return [(name.strip(), int(head or 0)) for name, _, head in parted]

    @field_validator("stages", mode="after")
    @classmethod
    def _check_stages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for stage in value:
            if not re.fullmatch(r"[^:]+(:[1-9]\d{0,2})?", stage):
                raise ValueError(f"stage {stage!r} is not a name with a number of hits, such as 'cross-encoder:50'")
        names = [stage.partition(":")[0].strip() for stage in value]
        if len(set(names)) < len(names):
            raise ValueError("a reranker may be in one stage only")
        return value


def _tag(value: Any) -> str:
    """Return the tag of a row."""
    row = cast("dict[str, Any]", value if isinstance(value, dict) else getattr(value, "__dict__", {}))
    kind = str(row.get("kind", ""))
    if "stages" in row:
        return CASCADE
    if kind in SHAPES:
        return ENDPOINT
    return PLUGIN if kind and kind not in KINDS else kind


Row: TypeAlias = Annotated[
    Annotated[CrossEncoderRow, Tag(CROSS_ENCODER)]
    | Annotated[LateInteractionRow, Tag(LATE_INTERACTION)]
    | Annotated[EndpointRow, Tag(ENDPOINT)]
    | Annotated[PluginRow, Tag(PLUGIN)]
    | Annotated[CascadeRow, Tag(CASCADE)],
    Discriminator(
        _tag,
        custom_error_type="kind",
        custom_error_message=ROW_FORMS,
    ),
]


def check_names(rows: dict[str, Row]) -> dict[str, Row]:
    """Return the table.

    Raises:
        ValueError: A name is malformed or reserved.
    """
    for name in rows:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid name: use lower-case letters, digits, '.', '_' and '-'")
        if name in RESERVED:
            hint = "; RESIFT_RERANKER sets its model" if name == CROSS_ENCODER else ""
            raise ValueError(f"the name {name!r} is reserved{hint}")
    return rows
