"""Points in groups that one call of an engine takes."""

from collections.abc import Sequence

from .store import Point
from .vectors import AnyVector, Multi, Sparse

MOST_POINTS = 256  # of one call: the embedded engine holds the GIL for about 20 ms, and a request stays small
MOST_COMPONENTS = 500_000  # of one call: at most 12 MB of JSON, where a server takes 32


def batches(points: Sequence[Point]) -> list[Sequence[Point]]:
    """Return the points in groups that fit into a request."""
    widest = max((sum(map(_components, point.vectors.values())) for point in points), default=1)
    size = max(1, min(MOST_POINTS, MOST_COMPONENTS // max(1, widest)))
    return [points[start : start + size] for start in range(0, len(points), size)]


def _components(vector: AnyVector) -> int:
    if isinstance(vector, Sparse):
        return len(vector.indices)
    return vector.rows.size if isinstance(vector, Multi) else vector.size
