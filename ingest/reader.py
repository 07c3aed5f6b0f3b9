"""Read a file into a document: decode, name, title and metadata."""

import ast
import codecs
import re
from pathlib import Path
from typing import Any

from ..core.errors import UnreadableFile
from ..core.values import Document
from ..store.fields import BUILT_IN_FIELDS, RESERVED_WORDS
from .parsers import code, html, markdown
from .parsers.formats import Format, guess_format, language_of
from .parsers.structure import normalise

# The longer mark first: UTF-32 in little-endian order begins with the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SNIFFED_BYTES = 8192

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")


def read_document(path: Path, *, max_bytes: int) -> Document:
    """Read the text, Markdown, HTML or source code at `path`, already admitted; `max_bytes` limits the file's size.

    Raises: UnreadableFile when it is empty, binary, not UTF-8, too large, or may not be read.
    """
    text = normalise(decode(_bytes(path, max_bytes), str(path)))
    if not text.strip():
        raise UnreadableFile(f"{path} is empty: nothing to search in it. Leave it out.")
    source = path.as_posix()
    form = guess_format(source, text)
    title = title_of(text, form, source) or path.name
    return Document(id=source, title=title, text=text, source=source, metadata=_metadata(text, form, source))


def decode(data: bytes, name: str) -> str:
    """Return `data` as text: UTF-8, or what its byte order mark says.

    Raises: UnreadableFile, with the offset of the first bad byte.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data:
        raise UnreadableFile(f"{name} is binary: byte {data.index(0)} is NUL. Convert it to text or Markdown first.")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        label = encoding.removesuffix("-sig").upper()
        raise UnreadableFile(f"{name} is not {label}: bad at byte {error.start}. Convert it to UTF-8.") from error


def looks_like_text(path: Path) -> bool:
    """Say whether the beginning of a file decodes as text. Raises: OSError when it cannot be read."""
    with path.open("rb") as file:
        data = file.read(_SNIFFED_BYTES)
    if data.startswith(tuple(mark for mark, _ in _MARKS)):
        return True
    try:
        # An incremental decoder forgives a character cut in two at the end.
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def title_of(text: str, format: Format, source: str = "") -> str:
    """Return the title a text gives itself, else "".

    Markdown: `title` of the front matter, or the first level-1 heading. HTML: `<title>` or the first h1.
    Python: the file name with the first line of the docstring.
    """
    if format == "markdown":
        return markdown.title_of(text)
    if format == "html":
        return html.title_of(text)
    return _docstring_title(text, source) if language_of(source) == "python" else ""


def _docstring_title(text: str, source: str) -> str:
    tree = code.parse(text)
    lines = (ast.get_docstring(tree) or "").splitlines() if tree else []
    return f"{Path(source).name}: {lines[0].strip()}" if lines and lines[0].strip() else ""


def _metadata(text: str, format: Format, source: str) -> dict[str, Any]:
    if format == "markdown":
        entries = markdown.front_matter(text).items()
        return {name: _typed(value) for name, value in entries if name not in (*BUILT_IN_FIELDS, *RESERVED_WORDS)}
    return {"language": language_of(source)} if format == "code" else {}


def _typed(value: str | list[str]) -> Any:
    """Return whole numbers and booleans as such; all else stays text: 1.10 is more often a version than a number."""
    if isinstance(value, list):
        return value
    return {"true": True, "false": False}.get(value, int(value) if _WHOLE.fullmatch(value) else value)


def _bytes(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of at most `max_bytes`."""
    try:
        if not path.is_file():
            # A pipe or a device would block or never end.
            raise UnreadableFile(f"{path} is not a regular file. Give a text, Markdown, HTML or source file.")
        size = path.stat().st_size
        if size > max_bytes:
            raise UnreadableFile(
                f"{path} has {size:,} bytes; the limit is {max_bytes:,}. Split it, or raise RESIFT_INGEST__MAX_BYTES."
            )
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}. Check its permissions.") from error
