"""From bytes to text: encodings, byte order marks and line ends."""

import codecs

from ...core.errors import UnreadableFile

# UTF-32 comes before UTF-16: in little-endian order its mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

SAMPLE_BYTES = 8192


def decode(data: bytes, name: str) -> str:
    """Return `data` as text: in the encoding of its byte order mark, or else UTF-8.

    Raises:
        UnreadableFile: `data` is binary, or not valid in that encoding; the message has the offset of the bad byte.
    """
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data:
        raise UnreadableFile(f"{name} is binary: byte {data.index(0)} is NUL. Convert it to text or Markdown first.")
    try:
        return normalise(data.decode(encoding))
    except UnicodeDecodeError as error:
        label = encoding.removesuffix("-sig").upper()
        raise UnreadableFile(
            f"{name} is not valid {label}: byte {error.start} cannot be decoded. Convert it to UTF-8."
        ) from error


def normalise(text: str) -> str:
    r"""Return `text` with \n as the only line end, and U+FFFD for what tokenizers and stores do not accept."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and "\0" not in text:
        return text
    # JSON escapes can hold lone surrogates, which have no UTF-8; the way through UTF-16 also joins pairs.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def looks_like_text(start: bytes) -> bool:
    """Return whether the first `SAMPLE_BYTES` of a file decode as text."""
    if start.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS)):
        return True
    try:
        # An incremental decoder accepts a character that the end of the sample cuts in two.
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return b"\0" not in start
