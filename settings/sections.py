"""Settings of encoders, indexes, language models and the Qdrant server."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from ..core.plugins import plugin_names
from ..pipeline.request import MAX_PHRASINGS
from ..store.index_options import IndexOptions, Quantization

ENCODER_KINDS = ("bundled", "onnx", "fastembed", "torch", "openai")


class EncoderSettings(BaseModel):
    """Which model makes dense vectors. A collection made with another model is refused."""

    kind: str = Field(
        default="bundled",
        description="The kind of encoder that makes dense vectors: bundled, onnx, fastembed, torch, openai, or the "
        "name of a plug-in. See docs/encoders.md.",
    )
    model: str = Field(
        default="",
        description="The model of the encoder: a folder (onnx, torch) or a name (fastembed, torch, openai). For "
        "fastembed, NAME=FOLDER uses files that are already there. Not used by the bundled encoder.",
    )
    query_prefix: str = Field(
        default="", description='The text that the encoder expects before each query, such as "query: " for E5 models.'
    )
    passage_prefix: str = Field(
        default="",
        description='The text that the encoder expects before each passage, such as "passage: " for E5 models.',
    )
    pooling: Literal["auto", "mean", "cls"] = Field(
        default="auto",
        description="How an onnx encoder makes one vector of a text's token vectors. `auto` follows the model's own "
        "configuration.",
    )
    dimension: Annotated[int, Field(ge=0, le=65_536)] = Field(
        default=0, description="The number of dimensions to request from an openai encoder. 0 means the model's own."
    )
    batch: Annotated[int, Field(ge=1, le=2048)] = Field(
        default=64, description="The number of texts that an openai encoder sends in one request."
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="The time limit for one request of an openai encoder, in seconds."
    )

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
            raise ValueError("the bundled encoder takes no model and no prefixes: set RESIFT_ENCODER__KIND too")
        if self.kind in ENCODER_KINDS[1:] and not self.model:
            raise ValueError(f"{self.kind} needs a model")
        if self.pooling != "auto" and self.kind in ENCODER_KINDS and self.kind != "onnx":
            raise ValueError(f"pooling is for the kind onnx, and has no effect with {self.kind}: leave it out")
        if self.dimension and self.kind in ENCODER_KINDS and self.kind != "openai":
            raise ValueError(f"dimension is for the kind openai, and has no effect with {self.kind}: leave it out")
        return self


_STANDARD = IndexOptions()


class IndexSettings(BaseModel):
    """How vectors are stored and searched. Applies to new collections; `resift optimize` changes existing ones."""

    quantization: Quantization = Field(
        default=_STANDARD.quantization,
        description="How vectors are compressed for the first comparison; the best hits are compared again by their "
        "original vectors. Use it to save memory: `resift tune --memory` compares the options. Applies to "
        "new collections, and `resift optimize` changes existing ones.",
    )
    on_disk: bool = Field(
        default=_STANDARD.on_disk,
        description="Whether the original vectors stay on disk instead of in memory. With quantization they always do.",
    )
    oversampling: Annotated[float, Field(ge=1, le=20)] = Field(
        default=_STANDARD.oversampling,
        description="With quantization, how many candidates are compared by their original vectors, as a multiple of "
        "the hits needed. Raise it if recall is too low.",
    )
    optimize_from: Annotated[int, Field(ge=0)] = Field(
        default=_STANDARD.optimize_from,
        description="The number of passages from which an ingestion ends by building the index. 0 means never.",
    )
    graph_from: Annotated[int, Field(ge=1)] = Field(
        default=_STANDARD.graph_from,
        description="The number of passages above which the index is an HNSW graph. Up to it, every search compares "
        "all vectors.",
    )
    links: Annotated[int, Field(ge=4, le=128)] = Field(
        default=_STANDARD.links,
        description="The number of links per node of the HNSW graph (m). More links find more and need more memory.",
    )
    effort: Annotated[int, Field(ge=16, le=2000)] = Field(
        default=_STANDARD.effort,
        description="The number of candidates considered while the HNSW graph is built (ef_construct). More take "
        "longer and find more.",
    )
    recall: Annotated[float, Field(gt=0, le=1)] = Field(
        default=_STANDARD.recall,
        description="The share of the hits of an exact search that a search of the HNSW graph must find, from 0 to 1.",
    )

    def storage(self) -> IndexOptions:
        """Return the index options for the manifest of a new collection."""
        return IndexOptions(**self.model_dump())


class LlmSettings(BaseModel):
    """Which language model to use, at the endpoint of OPENAI_BASE_URL and OPENAI_API_KEY, and how."""

    model: str = Field(
        default="",
        description="The language model to use, by its name at the endpoint. If empty, no language model is used.",
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=20.0, description="The time limit for one request to the language model, in seconds."
    )
    total_s: Annotated[float, Field(gt=0)] = Field(
        default=45.0,
        description="The time limit for all requests to the language model that rerank the hits of one question, in "
        "seconds.",
    )
    retries: Annotated[int, Field(ge=0, le=5)] = Field(
        default=2, description="How often a request to the language model is repeated after a temporary failure."
    )
    head: Annotated[int, Field(ge=1, le=100)] = Field(
        default=20, description="How many hits the language model reorders, after the cross-encoder."
    )
    template: str = Field(
        default="relevance",
        description="The prompt template of the LLM reranker when a question names none. `resift prompts` lists them.",
    )
    strategy: Literal["listwise", "windows", "partition"] = Field(
        default="listwise", description="How the language model compares passages. See docs/llm-rerank.md."
    )
    permutations: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1,
        description="How often the same passages are ordered, shuffled each time; the orders are combined by Borda "
        "count. 3 reduces position bias at three times the cost.",
    )
    rephrase: Annotated[int, Field(ge=0, le=MAX_PHRASINGS)] = Field(
        default=0,
        description="How many other phrasings the language model writes for a question that comes without `queries`, "
        "in one request before the search. 0 turns it off. See docs/llm-rerank.md.",
    )
    rephrase_s: Annotated[float, Field(gt=0)] = Field(
        default=10.0,
        description="The time limit for writing phrasings, in seconds. After it, the question is searched as it is.",
    )
    passage_tokens: Annotated[int, Field(ge=20)] = Field(
        default=400, description="The most tokens of a passage that the language model reads, estimated."
    )
    reply_tokens: Annotated[int, Field(ge=50)] = Field(
        default=2000, description="The most tokens of a reply of the language model, including its reasoning."
    )
    max_calls: Annotated[int, Field(ge=1)] = Field(
        default=30,
        description="The most requests to the language model to rerank the hits of one question, not counting retries.",
    )
    max_tokens_per_query: Annotated[int, Field(ge=1000)] = Field(
        default=100_000,
        description="The most tokens, estimated, to send to the language model to rerank the hits of one question. "
        "Above it, nothing is sent.",
    )
    at_once: Annotated[int, Field(ge=1)] = Field(
        default=8, description="The most requests to the language model at the same time."
    )
    cache_size: Annotated[int, Field(ge=0)] = Field(
        default=1000,
        description="How many orders, and how many answers with phrasings, are kept in memory. 0 turns the caches off.",
    )
    wide_margin: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="Without an instruction, the language model is not asked if the relevance of the last hit of "
        "the first page exceeds that of the next by this much, from 0 to 1. 0 means that it is always asked.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.permutations > self.max_calls:
            raise ValueError("permutations must be at most max_calls")
        return self


class QdrantSettings(BaseModel):
    """How to connect to the Qdrant server, and how it stores new collections."""

    prefer_grpc: bool = Field(
        default=True, description="Whether to use gRPC if the Qdrant server offers it. If false, REST is always used."
    )
    grpc_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=6334, description="The gRPC port of the Qdrant server."
    )
    timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10.0, description="The time limit for one request to the Qdrant server, in seconds."
    )
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        default=4, description="How often a request to the Qdrant server is tried when it fails temporarily."
    )
    replication_factor: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The number of copies of each shard, for new collections. 0 means the server's default."
    )
    shard_number: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The number of shards, for new collections. 0 means the server's default."
    )
    write_consistency_factor: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="The number of copies that must confirm a write, for new collections. 0 means the server's "
        "default.",
    )
    payload_on_disk: bool = Field(
        default=True, description="Whether the server keeps the texts of new collections on disk instead of in memory."
    )


class VectorSettings(BaseModel):
    """Which vectors each passage has."""

    fields: list[str] = Field(
        default=["title"],
        description="The fields that get a dense vector of their own, as JSON: title, heading or metadata fields, "
        'such as ["title", "summary"]. Applies to new collections.',
    )
    words: str = Field(
        default="bm25",
        description="How words are weighted: bm25, or the name of a sparse model that fastembed lists (NAME=FOLDER if "
        "its files are already there). Applies to new collections.",
    )
    tokens: bool = Field(
        default=False,
        description="Whether to store a vector per token for late interaction, which needs about 200 times the disk "
        "space. Applies to new collections.",
    )
