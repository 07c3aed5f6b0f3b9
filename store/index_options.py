"""How a collection's dense vectors are kept and searched: quantization, index, and what lies in memory."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Quantization: TypeAlias = Literal["none", "int8", "turbo4", "binary"]

REBUILD_AFTER = 1.25  # times the passages indexed: each is indexed four times at most while a collection grows


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """What a collection's manifest says of its index; the store makes it so when it optimises."""

    quantization: Quantization = "none"
    """Of what a search compares first; the best are compared again by their original vectors."""
    on_disk: bool = False
    """Whether original vectors stay on disk and are read when they are compared."""
    oversampling: float = 3.0
    """How many times the hits asked for are compared again, with quantization."""
    optimize_from: int = 20_000
    """Passages from which a collection is optimised after ingestion; 0: never by itself."""
    graph_from: int = 100_000
    """Passages above which there is a graph (HNSW); up to it every vector is compared: exact, and fast enough."""
    links: int = 16
    """Edges of a node in the graph: its `m`."""
    effort: int = 128
    """Candidates while the graph is built: its `ef_construct`."""
    breadth: int = 256
    """Candidates while the graph is searched, its `hnsw_ef`: as found when the collection was optimised."""
    recall: float = 0.95
    """Share of the exact search's hits that a search of the graph has to find."""
    acorn_below: float = 0.4
    """Share of passages below which what a filter over words or several fields leaves is sought through neighbours'
    neighbours too (ACORN), as the engine estimates it while it walks a graph; 0: never."""
    indexed: int = 0
    """Passages when the collection was last optimised."""

    @property
    def originals_on_disk(self) -> bool:
        """Return whether original vectors stay on disk: as asked for, and always where others are compared first."""
        return self.on_disk or self.quantization != "none"

    def is_due(self, passages: int) -> bool:
        """Return whether a collection of so many passages has outgrown its index."""
        return 0 < self.optimize_from <= passages and passages > REBUILD_AFTER * self.indexed

    def has_graph(self, passages: int) -> bool:
        """Return whether an index of so many passages is a graph."""
        return passages > self.graph_from
