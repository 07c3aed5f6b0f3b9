"""Find out before the work whether its outcome can be written, and say so where it could not."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from ..core.errors import InvalidInput


def check_folder(folder: Path, advice: str) -> None:
    """Create the folder, and a file in it that goes away again.

    Raises:
        InvalidInput: It cannot be created, or takes no file; ends with the advice.
    """
    with told_when_refused(folder, advice):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # permissions alone do not tell of a read-only disk
            pass


@contextmanager
def told_when_refused(path: Path, advice: str) -> Generator[None]:
    """Turn what the system refuses while writing into words.

    Raises:
        InvalidInput: The system refused; ends with the advice.
    """
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror or error}. {advice}") from error
