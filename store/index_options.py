"""How the dense vectors of a collection are stored and searched: quantization, index and memory."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Quantization: TypeAlias = Literal["none", "int8", "turbo4", "binary"]

REBUILD_AFTER = 1.25  # rebuild when a collection has grown by this factor; each passage is indexed four times at most


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """The index settings in the manifest of a collection; they take effect when the collection is optimized."""

    quantization: Quantization = "none"
    """Of the vectors that a search compares first; the best hits are compared again by their original vectors."""
    on_disk: bool = False
    """Whether the original vectors are read from disk whenever they are compared."""
    oversampling: float = 3.0
    """With quantization, how many candidates per requested hit are compared again by their original vectors."""
    optimize_from: int = 20_000
    """Passages from which a collection is optimized automatically after ingestion; 0: never."""
    graph_from: int = 100_000
    """Passages above which a graph (HNSW) is built; up to this number an exact scan is fast enough."""
    links: int = 16
    """Edges per node of the graph (HNSW `m`)."""
    effort: int = 128
    """Candidates considered while building the graph (HNSW `ef_construct`)."""
    breadth: int = 256
    """Candidates considered while searching the graph (`hnsw_ef`); set when the collection is optimized."""
    recall: float = 0.95
    """Share of the exact hits that a search of the graph has to find."""
    acorn_below: float = 0.4
    """Share of passages, as the engine estimates it, below which a filter over words or several fields makes the search
    of a graph also visit neighbours of neighbours (ACORN); 0: never."""
    indexed: int = 0
    """Number of passages when the collection was last optimized."""

    @property
    def originals_on_disk(self) -> bool:
        """Return whether the original vectors stay on disk: if set, and always with quantization."""
        return self.on_disk or self.quantization != "none"

    def is_due(self, passages: int) -> bool:
        """Return whether a collection with this many passages has outgrown its index."""
        return 0 < self.optimize_from <= passages and passages > REBUILD_AFTER * self.indexed

    def has_graph(self, passages: int) -> bool:
        """Return whether the index of this many passages is a graph."""
        return passages > self.graph_from
