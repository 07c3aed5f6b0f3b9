"""The section of settings about the language model that passages are ordered and questions drafted by."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator


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
