"""Settings of which vectors the collections made from now on have."""

from pydantic import BaseModel, Field


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
