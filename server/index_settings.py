"""Settings of the index of collections made from now on."""

from typing import Annotated

from pydantic import BaseModel, Field

from ..search.storage import Quantization, Storage

_STANDARD = Storage()


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

    def storage(self) -> Storage:
        """Return what a new collection's manifest says of its index."""
        return Storage(**self.model_dump())
