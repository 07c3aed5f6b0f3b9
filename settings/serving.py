"""Settings of the engine that serves several clients."""

from typing import Annotated

from pydantic import BaseModel, Field


class ServeSettings(BaseModel):
    """How long the engine that `resift serve` starts lives, and how it stops."""

    idle_timeout_s: Annotated[float, Field(ge=0)] = Field(
        default=900.0,
        description="How long the engine stays when no client is connected, in seconds. 0 means until `resift stop`.",
    )
    stop_timeout_s: Annotated[float, Field(ge=0, le=300)] = Field(
        default=10.0,
        description="How long the engine waits for the calls in flight when it is told to stop, in seconds.",
    )
