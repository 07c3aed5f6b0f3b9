"""How a collection's dense vectors are kept and searched: quantization, index, and what lies in memory."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Quantization: TypeAlias = Literal["none", "int8", "turbo4", "binary"]


@dataclass(frozen=True, slots=True)
class Storage:
    """What a collection's manifest says of its index; the store makes it so when it writes and optimises."""

    quantization: Quantization = "none"
    """Of what a search compares first; the best are compared again by their original vectors."""
    on_disk: bool = False
    """Whether original vectors stay on disk and are read when they are compared."""
    oversampling: float = 3.0
    """How many times the hits asked for are compared again, with quantization."""
    graph_from: int = 100_000
    """Passages from which there is a graph (HNSW); below, every vector is compared, which is exact and fast enough."""
    links: int = 16
    """Edges of a node in the graph: its `m`."""
    effort: int = 128
    """Candidates while the graph is built: its `ef_construct`."""
    breadth: int = 256
    """Candidates while the graph is searched, its `hnsw_ef`: as found when the collection was optimised."""
