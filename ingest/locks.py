"""One writer at a time to a collection, whoever it is."""

from collections import defaultdict

import anyio


class WriteLocks:
    """A lock per collection name."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    def __getitem__(self, collection: str) -> anyio.Lock:
        return self._locks[collection]
