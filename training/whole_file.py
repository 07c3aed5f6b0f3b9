"""Write a file whose being there says that something has ended: a kill leaves it whole, or not there at all."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write `text` beside `path`, and then put it in its place."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
