"""Encodings other than UTF-8: what a file declares, and what its bytes look like."""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

_NAMES = {
    "cp1252": "windows-1252", "cp1250": "windows-1250", "cp1251": "windows-1251", "cp1253": "windows-1253",
    "cp1254": "windows-1254", "cp1255": "windows-1255", "cp1256": "windows-1256", "cp1257": "windows-1257",
    "cp874": "windows-874", "koi8_r": "KOI8-R", "iso8859_2": "ISO-8859-2", "cp932": "Shift_JIS", "euc_jp": "EUC-JP",
    "gb18030": "GB18030", "big5": "Big5", "cp949": "EUC-KR", "iso2022_jp": "ISO-2022-JP", "utf_16_le": "UTF-16LE",
    "utf_16_be": "UTF-16BE",
}  # fmt: skip
"""The encodings that are guessed, by the names of Python's codecs, and their names for people."""

# As browsers read them (the WHATWG's labels): the wider encoding of the same family.
_WIDER = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "shift_jis": "cp932",
    "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
}  # fmt: skip

# Codecs of Python that are no encodings of text, or that a file cannot have named: it could not be read until there.
_NEVER_DECLARED = re.compile(
    r"utf|idna|punycode|unicode|escape|undefined|mbcs|oem|cp037|cp273|cp424|cp500|cp1026|cp1140|cp875|palmos",
    re.IGNORECASE,
)

_META = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)

_XML = re.compile(rb"\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)

_COOKIE = re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*(?:#|//|;|%|/\*|--).{0,200}?coding[:=][ \t]*([\w.-]+)")

_STYLE = re.compile(rb'\A@charset "([\w.:-]+)";')

_DECLARED_WITHIN = 1024  # bytes, as for browsers

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_SAMPLE_BYTES = 64_000

_SHORT_BYTES = 16

_NOT_ASCII = re.compile(rb"[^\x00-\x7f]")

# The code pages of Latin letters, which short texts do not tell apart. Windows-1252 is by far the commonest.
_LATIN = frozenset({"cp1250", "cp1254", "cp1257", "iso8859_2"})

_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿœŒ€£¥§©®°²³·«»¡¿½º ª“”„‘’–—…•™\xa0")  # noqa: RUF001


def label_of(codec: str) -> str:
    """Return the name of an encoding for people."""
    return _NAMES.get(codec, codec.upper().replace("_", "-"))


def declared_encoding(data: bytes) -> str:
    """Return the codec that the beginning of a file names, or "": HTML, XML, style sheets and source code do."""
    start = data[:_DECLARED_WITHIN]
    found = next((match for form in (_XML, _STYLE, _COOKIE, _META) if (match := form.search(start))), None)
    return codec_of(found[1].decode("ascii", "replace")) if found else ""


def codec_of(label: str) -> str:
    """Return the codec for an encoding that a file or a mail names, or "" if there is none or it is UTF-8."""
    try:
        name = codecs.lookup(label.strip()).name
        "".encode(name)  # refuses codecs that are not of text
    except (LookupError, ValueError, UnicodeError):
        return ""
    name = _WIDER.get(name, name)
    return "" if _NEVER_DECLARED.search(name) else name


def is_seven_bit(codec: str) -> bool:
    """Return whether texts of an encoding look like ASCII."""
    return codec.startswith(("iso2022", "hz"))


def guesses(data: bytes) -> Iterator[str]:
    """Yield the codecs that bytes which are not UTF-8 may be in, the likeliest first; none for binary data."""
    if b"\0" in data:
        yield from (codec for codec in ("utf_16_le", "utf_16_be") if _is_unmarked(data, codec))
        return
    if _CONTROL.search(data):
        return
    from charset_normalizer import from_bytes

    sample = _sample(data)
    if len(sample) < _SHORT_BYTES:  # four random bytes are a word in some encoding of Asia
        yield from ["cp1252"] if _looks_western(sample) else []
        return
    legacy = [codec for codec in _NAMES if not codec.startswith(("utf", "iso2022"))]
    matches = list(from_bytes(sample, cp_isolation=legacy))
    found = [match.encoding for match in matches]
    if "euc_jp" in found and _is_japanese(sample):
        yield "euc_jp"
    if found and found[0] in _LATIN and _is_western(matches):
        yield "cp1252"
    yield from found
    if _looks_western(sample):
        yield "cp1252"


def _is_unmarked(data: bytes, codec: str) -> bool:
    """Return whether data with NUL bytes is text in UTF-16: they are the upper halves of blanks and line ends."""
    start = data[:8192]
    upper, lower = (start[1::2], start[::2]) if codec == "utf_16_le" else (start[::2], start[1::2])
    # A stray NUL in ASCII stands in one of the halves as well. In a wide text of ASCII letters, one has nothing else.
    fewest = len(upper) / 2 if start.isascii() else len(upper) / 100
    return len(start) >= 16 and not lower.count(0) and upper.count(0) > fewest and is_wide_text(data, codec)


def _is_japanese(sample: bytes) -> bool:
    """Return whether a tenth of a text in EUC-JP is hiragana; Korean and Chinese hardly use those bytes."""
    text = sample.decode("euc_jp", "replace")
    return sum("\u3041" <= sign <= "\u3096" for sign in text) > len(text) / 10


def _sample(data: bytes) -> bytes:
    """Return some of the data around its first byte that is not ASCII, whole lines if possible."""
    found = _NOT_ASCII.search(data)
    start = data.rfind(b"\n", 0, found.start() if found else 0) + 1
    start = max(start, (found.start() if found else 0) - _SAMPLE_BYTES // 2)
    sample = data[start : start + _SAMPLE_BYTES]
    end = sample.rfind(b"\n")
    return sample[: end + 1] if len(sample) == _SAMPLE_BYTES and end > 0 else sample


def _is_western(matches: "list[CharsetMatch]") -> bool:
    """Return whether Windows-1252 is as likely as the best match of Latin letters."""
    best = matches[0]
    if "cp1252" in best.could_be_from_charset:
        return True
    return any(
        each.encoding == "cp1252" and each.percent_coherence >= best.percent_coherence - 1 and each.percent_chaos < 10
        for each in matches
    )


def _looks_western(sample: bytes) -> bool:
    """Return whether what is not ASCII are letters and signs of Western Europe, among many others."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    other = [sign for sign in text if not sign.isascii()]
    return len(other) <= len(text) / 2 and sum(sign in _WESTERN for sign in other) >= 0.95 * len(other)


def is_wide_text(data: bytes, codec: str) -> bool:
    """Return whether the beginning of data, its byte order mark left out, reads as text in UTF-16 or UTF-32."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(data[:8192])
    except UnicodeDecodeError:
        return False
    if not text:
        return False
    unusual = sum(unicodedata.category(sign) in {"Cc", "Cn", "Co", "Cs"} and not sign.isspace() for sign in text)
    # Any text has a blank, a line end or a mark. They are in the block of ASCII, of CJK signs or of wide forms.
    usual = sum(sign.isascii() or "\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uffee" for sign in text)
    return unusual <= len(text) / 50 and usual > len(text) / 100
