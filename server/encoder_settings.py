"""Settings of the model that makes dense vectors."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator


class EncoderSettings(BaseModel):
    """Which model makes dense vectors; collections made with another are refused."""

    kind: Literal["bundled", "onnx", "fastembed", "torch", "openai"] = Field(
        default="bundled", description="What makes dense vectors; see docs/encoders.md"
    )
    model: str = Field(
        default="",
        description="A folder (onnx, torch), or a name (fastembed, also NAME=FOLDER; torch, openai); not for the "
        "bundled one",
    )
    query_prefix: str = Field(default="", description='Put before each query, such as "query: " for E5')
    passage_prefix: str = Field(default="", description='Put before each passage, such as "passage: " for E5')
    pooling: Literal["auto", "mean", "cls"] = Field(
        default="auto", description="onnx: how a text's token vectors become one; auto is what its folder says"
    )
    dimension: Annotated[int, Field(ge=0, le=65_536)] = Field(
        default=0, description="openai: numbers of a vector to ask for; 0 is the model's own"
    )
    batch: Annotated[int, Field(ge=1, le=2048)] = Field(default=64, description="openai: texts in one request")
    timeout_s: Annotated[float, Field(gt=0)] = Field(default=30.0, description="openai: how long one request may take")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "bundled" and (self.model or self.query_prefix or self.passage_prefix):
            raise ValueError("model and prefixes are for other encoders than the bundled one: set its kind too")
        if self.kind != "bundled" and not self.model:
            raise ValueError(f"{self.kind} needs a model")
        return self
