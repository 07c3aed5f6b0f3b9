"""Copies of data directories, quick because the holes of their files stay holes."""

import shutil
from pathlib import Path

from resift.store.edge.disk_space import chunks_of, write_sparse


def copy_data(source: Path, target: Path) -> Path:
    """Copy a data directory, and return the copy."""

    def copy(one: str, other: str) -> None:
        with Path(one).open("rb") as file:
            write_sparse(chunks_of(file), Path(other))

    return Path(shutil.copytree(source, target, copy_function=copy))
