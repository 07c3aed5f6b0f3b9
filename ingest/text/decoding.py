"""From bytes to text: encodings, byte order marks and line ends."""

import codecs
import re
from dataclasses import dataclass

from ...core.errors import UnreadableFile
from ...core.text import composed
from .encodings import codec_of, declared_encoding, guesses, is_seven_bit, is_wide_text, label_of

# UTF-32 comes before UTF-16: in little-endian order its mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)

SAMPLE_BYTES = 8192

_JAPANESE = (b"\x1b$B", b"\x1b$@")  # how ISO-2022-JP begins a word

_MULTIPLE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of some bytes, and a sentence about its encoding if that was guessed or broken."""

    text: str
    note: str = ""


def decode(data: bytes, name: str, *, declared: str = "") -> Decoded:
    """Return `data` as text: by its byte order mark, as UTF-8, as it or `declared` says, or by a guess.

    Raises:
        UnreadableFile: `data` is binary, or in no encoding that can be recognised.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return Decoded(_marked(data[len(mark) :], codec, name))
    stated = codec_of(declared) or declared_encoding(data)
    if not stated and any(start in data for start in _JAPANESE):
        stated = "iso2022_jp"
    if is_seven_bit(stated) and (text := _try(data, stated)) is not None:
        return Decoded(normalise(text))
    error = _not_utf8(data)
    if error is None and b"\0" not in data:
        return Decoded(normalise(data.decode()))
    if stated and b"\0" not in data and (text := _try(data, stated)) is not None:
        return Decoded(normalise(text))
    return _guessed(data, name, error)


def _marked(data: bytes, codec: str, name: str) -> str:
    label = codec.upper().replace("_", "-").removesuffix("-LE").removesuffix("-BE")
    if data and not is_wide_text(data, codec):
        raise UnreadableFile(f"{name} is binary: it begins like {label} but is not text. Convert it to text first.")
    try:
        return normalise(data.decode(codec))
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{name} is not valid {label}: byte {error.start:,} cannot be decoded. Convert it to UTF-8."
        ) from error


def _guessed(data: bytes, name: str, error: UnicodeDecodeError | None) -> Decoded:
    """Return the text by the likeliest encoding; a UTF-8 file with a few broken bytes stays UTF-8."""
    if error is not None and b"\0" not in data and (broken := _damage(data)):
        count = "1 byte that is" if broken == 1 else f"{broken:,} bytes that are"
        return Decoded(
            normalise(data.decode(errors="replace")), f"{name} has {count} not valid UTF-8, shown as \ufffd."
        )
    for codec in guesses(data):
        if (text := _try(data, codec)) is not None:
            return Decoded(normalise(text), f"{name} was read as {label_of(codec)}, which is a guess.")
    if b"\0" in data:
        raise UnreadableFile(f"{name} is binary: byte {data.index(0):,} is NUL. Convert it to text or Markdown first.")
    where = error.start if error else 0
    raise UnreadableFile(
        f"{name} is not valid UTF-8: byte {where:,} cannot be decoded, and no other encoding fits. Convert it to UTF-8."
    )


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeError:
        return None


def _not_utf8(data: bytes) -> UnicodeDecodeError | None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error
    return None


def _damage(data: bytes) -> int:
    """Return the number of broken places in a text that is UTF-8 almost everywhere, else 0."""
    broken = data.decode(errors="replace").count("\ufffd") - data.count("\ufffd".encode())
    valid = sum(1 for _ in _MULTIPLE.finditer(data))
    return broken if 0 < broken <= valid / 10 else 0


def normalise(text: str) -> str:
    r"""Return `text` with \n as the only line end, composed characters, and U+FFFD for what no store accepts."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and "\0" not in text:
        return text
    # JSON escapes can hold lone surrogates, which have no UTF-8; the way through UTF-16 also joins pairs.
    return composed(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd"))


def looks_like_text(start: bytes) -> bool:
    """Return whether the first `SAMPLE_BYTES` of a file are text in UTF-8, or in what their byte order mark says."""
    for mark, codec in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return is_wide_text(start[len(mark) :], codec)
    try:
        # An incremental decoder accepts a character that the end of the sample cuts in two.
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return b"\0" not in start
