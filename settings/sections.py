"""Settings of the model that makes dense vectors."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from ..core.plugins import plugin_names
from ..store.index_options import IndexOptions, Quantization

ENCODER_KINDS = ("bundled", "onnx", "fastembed", "torch", "openai")


class EncoderSettings(BaseModel):
    """Which model makes dense vectors; collections made with another are refused."""

    kind: str = Field(
        default="bundled",
        description="The kind of encoder that makes dense vectors: bundled, onnx, fastembed, torch, openai, or the "
        "name of a plug-in. See docs/encoders.md",
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

    @field_validator("kind", mode="after")
    @classmethod
    def _is_known(cls, value: str) -> str:
        known = [*ENCODER_KINDS, *plugin_names("resift.encoders")]
        if value not in known:
            raise ValueError(f"Input should be one of {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "bundled" and (self.model or self.query_prefix or self.passage_prefix):
            raise ValueError("model and prefixes are for other encoders than the bundled one: set its kind too")
        if self.kind in ENCODER_KINDS[1:] and not self.model:
            raise ValueError(f"{self.kind} needs a model")
        return self


_STANDARD = IndexOptions()


class IndexSettings(BaseModel):
    """How vectors are kept and searched, for collections made from now on; `resift optimize` changes older ones."""

    quantization: Quantization = Field(
        default=_STANDARD.quantization, description="What a search compares first, by originals again"
    )
    on_disk: bool = Field(default=_STANDARD.on_disk, description="Keep original vectors on disk; always, if quantized")
    oversampling: Annotated[float, Field(ge=1, le=20)] = Field(
        default=_STANDARD.oversampling, description="Times the hits asked for that are compared by original vectors"
    )
    optimize_from: Annotated[int, Field(ge=0)] = Field(
        default=_STANDARD.optimize_from, description="Passages from which ingestion ends with an index; 0: never"
    )
    graph_from: Annotated[int, Field(ge=1)] = Field(
        default=_STANDARD.graph_from, description="Passages above which the index is a graph (HNSW), not a scan"
    )
    links: Annotated[int, Field(ge=4, le=128)] = Field(default=_STANDARD.links, description="Edges of a node (m)")
    effort: Annotated[int, Field(ge=16, le=2000)] = Field(
        default=_STANDARD.effort, description="Candidates while the graph is built (ef_construct)"
    )
    recall: Annotated[float, Field(gt=0, le=1)] = Field(
        default=_STANDARD.recall, description="Share of the exact hits a search of the graph has to find"
    )

    def storage(self) -> IndexOptions:
        """Return what a new collection's manifest says of its index."""
        return IndexOptions(**self.model_dump())


class LlmSettings(BaseModel):
    """Which language model is asked, behind the endpoint that OPENAI_BASE_URL and OPENAI_API_KEY name, and how."""

    model: str = Field(default="", description="Language model to ask; without one none is asked")
    timeout_s: Annotated[float, Field(gt=0)] = Field(default=20.0, description="How long one request may take")
    total_s: Annotated[float, Field(gt=0)] = Field(default=45.0, description="How long all requests of a question may")
    retries: Annotated[int, Field(ge=0, le=5)] = Field(
        default=2, description="How often a request that failed for the moment is sent again"
    )
    head: Annotated[int, Field(ge=1, le=100)] = Field(
        default=20, description="Hits that the language model puts in order, behind the cross-encoder"
    )
    template: str = Field(default="relevance", description="Template it is asked by where a question names none")
    strategy: Literal["listwise", "first_token", "windows", "partition", "setwise", "pairwise"] = Field(
        default="listwise", description="How passages are compared"
    )
    permutations: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="Shuffles of the same passages, joined by Borda count; 3 against position bias"
    )
    passage_tokens: Annotated[int, Field(ge=20)] = Field(default=400, description="What is read of a passage, about")
    reply_tokens: Annotated[int, Field(ge=50)] = Field(
        default=2000, description="Longest reply, what a model thinks included"
    )
    max_calls: Annotated[int, Field(ge=1)] = Field(
        default=30, description="Most calls of a question, not counting those sent again because they failed"
    )
    max_tokens_per_query: Annotated[int, Field(ge=1000)] = Field(
        default=100_000, description="Tokens, estimated before, above which a question is not put to it"
    )
    at_once: Annotated[int, Field(ge=1)] = Field(default=8, description="Most requests under way at the same time")
    cache_size: Annotated[int, Field(ge=0)] = Field(default=1000, description="Orders kept in memory; 0 keeps none")
    wide_margin: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="Without an instruction it is not asked where the last hit shown is so much more relevant than the "
        "next; 0: always asked",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.permutations > self.max_calls:
            raise ValueError("permutations is at most max_calls")
        return self


class QdrantSettings(BaseModel):
    """How the server is spoken to, and how collections are laid out on it."""

    prefer_grpc: bool = Field(default=True, description="Speak gRPC where it answers, else REST; false: REST alone")
    grpc_port: Annotated[int, Field(ge=1, le=65535)] = Field(default=6334, description="Where gRPC listens")
    timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(default=10.0, description="How long an answer may take")
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        default=4, description="How often a request is made that fails for the moment"
    )
    replication_factor: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Copies of each shard of new collections; 0 is the server's default"
    )
    shard_number: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Shards of new collections; 0 is the server's default"
    )
    write_consistency_factor: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Copies that must have a write before it counts; 0 is the server's default"
    )
    payload_on_disk: bool = Field(default=True, description="Keep texts of new collections on disk, not in memory")


class VectorSettings(BaseModel):
    """Which vectors passages are found by."""

    fields: list[str] = Field(
        default=["title"],
        description='Fields with a vector of their own, JSON: title, heading or metadata, such as ["title", "summary"]',
    )
    words: str = Field(
        default="bm25", description="How words are weighed: bm25, or a sparse model that fastembed knows (NAME=FOLDER)"
    )
    tokens: bool = Field(
        default=False, description="Keep a vector per token too, for late interaction: 200 times the disk"
    )
