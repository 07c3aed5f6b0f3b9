"""Arguments of the tools that only shape a reply."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .results import MAX_REPLY_TOKENS

Detail: TypeAlias = Annotated[Literal["concise", "full"], Field(description="full adds metadata, scores, ranks")]
MaxTokens: TypeAlias = Annotated[int, Field(description="Size of the reply", ge=200, le=MAX_REPLY_TOKENS)]
