"""The section of settings about the language model that passages are ordered and questions drafted by."""

from typing import Annotated

from pydantic import BaseModel, Field


class LlmSettings(BaseModel):
    """Which language model is asked, behind the endpoint that OPENAI_BASE_URL and OPENAI_API_KEY name, and how."""

    model: str = Field(default="", description="Language model to ask; without one none is asked")
    timeout_s: Annotated[float, Field(gt=0)] = Field(default=20.0, description="How long one request may take")
    retries: Annotated[int, Field(ge=0, le=5)] = Field(
        default=2, description="How often a request that failed for the moment is sent again"
    )
