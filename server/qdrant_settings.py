"""Settings for a Qdrant server, cluster or cloud; they count only with QDRANT_URL."""

from typing import Annotated

from pydantic import BaseModel, Field


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
