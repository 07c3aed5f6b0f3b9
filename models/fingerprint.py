"""Tell models of one name apart without reading all of them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

DIGEST_CHARACTERS = 12
BLOCKS, BLOCK_BYTES = (
    16,
    2**14,
)  # fine-tuning moves all weights, so any sample tells; a gigabyte takes as long as a page


def sampled_digest(files: Iterable[Path]) -> str:
    """Return a hash of the files' sizes and of some of their bytes, the same wherever they lie; missing ones count 0.

    For telling models apart, not for finding damage or fraud.
    """
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size if path.is_file() else 0
        digest.update(size.to_bytes(8))
        if not size:
            continue
        with path.open("rb") as file:
            for block in range(BLOCKS):
                file.seek(max(0, size - BLOCK_BYTES) * block // (BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()[:DIGEST_CHARACTERS]
