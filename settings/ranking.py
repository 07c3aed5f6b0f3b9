"""Settings of search, reranking and the final score."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from ..encoders.bm25 import AVERAGE_LENGTH, Tokenizer
from ..pipeline.request import MAX_FEEDBACK
from ..rerank.signals import MAX_FACTOR, MetadataSignals
from ..search.retriever import Fusion


class SearchSettings(BaseModel):
    """How the results of the dense and keyword searches are combined."""

    fusion: Fusion = Field(
        default="convex", description="How the scores of the dense and keyword searches are combined."
    )
    dense_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.4,
        description="The weight of the dense search in convex fusion, from 0 to 1; the keyword search has the rest. "
        "`resift eval` helps to choose it.",
    )
    leg_limit: Annotated[int, Field(ge=10, le=1000)] = Field(
        default=100,
        description="How many hits each search contributes to the fusion. Raise it if relevant passages are missing "
        "at any rank; searches take longer then.",
    )
    average_length: Annotated[float, Field(gt=0)] = Field(
        default=AVERAGE_LENGTH,
        description="The average length of a passage in BM25, in words. Applies to new collections.",
    )
    late_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.3,
        description="The weight of late interaction in convex fusion, from 0 to 1, for collections with a vector per "
        "token.",
    )
    tokenizer: Tokenizer = Field(
        default="words",
        description="How BM25 splits a text. `code` also searches the parts of identifiers such as getUserName. "
        "Applies to new collections.",
    )
    language: str = Field(
        default="english", description="The language of BM25's stemmer and stop words. Applies to new collections."
    )


class RerankSettings(BaseModel):
    """How hits are reranked."""

    default: str = Field(
        default="cross-encoder",
        description='The reranker that "default" stands for: cross-encoder, maxsim, a name from RESIFT_RERANKERS, or '
        "none to turn reranking off.",
    )
    weight: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="The weight of the reranker in the final score, from 0 to 1; retrieval has the rest. If empty, "
        "each reranker has a weight of its own. `resift tune` finds the best one for your questions.",
    )
    feedback: Annotated[int, Field(ge=0, le=MAX_FEEDBACK)] = Field(
        default=0,
        description="How many of the best reranked passages, at most 2, are searched with once more, as examples, so "
        "that what is like them is read too. 0 turns it off.",
    )
    cache_size: Annotated[int, Field(ge=0)] = Field(
        default=10_000,
        description="How many scores each reranker keeps in memory, at about 340 bytes each. 0 turns the cache off.",
    )


class BlendSettings(BaseModel):
    """How metadata changes the final score of reranked hits."""

    recency_field: str = Field(
        default="",
        description="The metadata field with a date by which newer passages are ranked higher. If empty, dates do not "
        "count.",
    )
    recency_half_life_days: Annotated[float, Field(gt=0)] = Field(
        default=365.0, description="The age in days at which the recency score has fallen to one half."
    )
    recency_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1,
        description="The weight of recency in the final score, from 0 to 1. Used only with a recency field.",
    )
    boost: dict[str, dict[str, float]] = Field(
        default={},
        description='Metadata values that raise or lower a passage, by factors from 0 to 2, as JSON: {"kind": '
        '{"docs": 1.5}}. A factor of 1 changes nothing. If empty, no values count.',
    )
    boost_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2,
        description="The weight of the boost in the final score, from 0 to 1. Used only with boosted values.",
    )
    official_sources: list[str] = Field(
        default=[],
        description='The sources that the instruction "prefer official" means, as JSON: ["docs/", '
        '"https://docs.python.org/"].',
    )

    @field_validator("boost", mode="after")
    @classmethod
    def _lies_between_0_and_2(cls, value: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        if any(not values for values in value.values()):
            raise ValueError("a field has no values")
        if any(not 0 <= each <= MAX_FACTOR for values in value.values() for each in values.values()):
            raise ValueError(f"factors must be between 0 and {MAX_FACTOR:g}; 1 changes nothing")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(self.signals.shares.values()) > 1:
            weights = f"RECENCY_WEIGHT, {self.recency_weight:g}, and BOOST_WEIGHT, {self.boost_weight:g}"
            raise ValueError(f"{weights}, must sum to at most 1")
        return self

    @property
    def signals(self) -> MetadataSignals:
        """Return how metadata counts in final scores."""
        return MetadataSignals(**self.model_dump(exclude={"official_sources"}))
