"""The text of a PDF page by PDFium, as segments: characters with their places joined into runs."""

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .prose import SOFT_HYPHEN
from .segments import CELL_GAP, Segment

_BLANKS = {0, 0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x3000, *range(0x2000, 0x200C)}

_HYPHENS = {0x02, 0xAD, 0xFFFE}
"""What PDFium gives for a hyphen at the end of a line."""

_LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st",
}  # fmt: skip

_PRIVATE_USE = (0xE000, 0xF8FF)

_SYMBOLS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓", 0xF0E0: "→", 0xF0BE: "—", 0xF02D: "−"}  # noqa: RUF001

_ACCENTS = {  # as PDF has them: characters of their own before a letter, and those that join it
    "\u00b4": "\u0301", "\u00a8": "\u0308", "\u02c6": "\u0302",
    "\u02dc": "\u0303", "\u02c7": "\u030c", "\u02da": "\u030a",
}  # fmt: skip

_ACCENTED = re.compile(rf"([{''.join(_ACCENTS)}])([^\W\d_])")

_BLANK_GAP = 0.5  # of the font size: a wider gap inside a run is a blank, though no character stands there

_SMALLEST, _MARK = 0.4, 0.9  # font sizes of index numbers and small capitals, to that of their line

_RAISED = 0.45  # of the font size: how far the baseline of an index number may be from that of its line

_MARK_GAP = 0.3  # of the font size, before an index number

_BOLD_WEIGHT = 600

_BOLD_NAMES = ("bold", "black", "heavy", "semibd", "demi", "cmbx", "-bd")

_MONO_NAMES = ("courier", "mono", "nimbusmon", "consol", "cmtt", "menlo", "sftt", "typewriter")

_FIXED_PITCH = 1  # flags of a font descriptor

_FORCE_BOLD = 1 << 18


@dataclass(frozen=True, slots=True)
class _Font:
    size: float
    is_bold: bool
    is_mono: bool


@dataclass(frozen=True, slots=True)
class _Frame:
    """A direction of writing: in its coordinates the text runs to the right, and y grows downwards."""

    cos: float = 1.0
    sin: float = 0.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the page in the frame."""
        return x * self.cos + y * self.sin, x * self.sin - y * self.cos


@dataclass(slots=True)
class _Run:
    """The run that is being read."""

    frame: _Frame
    font: _Font
    left: float
    right: float
    y: float
    last: int
    """The index of its last character."""
    pieces: list[str] = field(default_factory=list[str])

    def segment(self, last: _Font) -> Segment:
        """Return the run as a segment, given the font of its last character."""
        return Segment(
            text=_ACCENTED.sub(_composed, "".join(self.pieces)),
            left=self.left,
            right=max(self.right, self.left),
            y=self.y,
            size=self.font.size,
            is_bold=self.font.is_bold and last.is_bold,
            is_mono=self.font.is_mono and last.is_mono,
        )


def layers_of(page: Any) -> tuple[list[Segment], ...]:
    """Return the segments of a page, one list for each direction of writing, that with most text first."""
    layers: dict[_Frame, list[Segment]] = {}
    for frame, segment in _Reader(page).segments():
        if segment.text.strip():
            layers.setdefault(frame, []).append(segment)
    return tuple(sorted(layers.values(), key=lambda layer: -sum(len(each.text) for each in layer)))


class _Reader:
    """Reads the characters of a page in the order of its content."""

    def __init__(self, page: Any) -> None:
        import pypdfium2.raw as pdfium

        self._pdfium: Any = pdfium
        self._page = page.raw
        self._length = page.count_chars()
        self._fonts: dict[tuple[float, int, str, int], _Font] = {}
        self._box: Any = pdfium.FS_RECTF()
        self._matrix: Any = pdfium.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()

    def segments(self) -> Iterator[tuple[_Frame, Segment]]:
        """Yield the runs of the page with their frames."""
        run: _Run | None = None
        is_after_blank = False
        raw_size = 0.0
        page, code_of, size_of = self._page, self._pdfium.FPDFText_GetUnicode, self._pdfium.FPDFText_GetFontSize
        for index in range(self._length):
            code = code_of(page, index)
            if code in _BLANKS:
                is_after_blank = True
                continue
            size = size_of(page, index)
            if run is not None and self._extend(run, index, size / raw_size, is_after_blank=is_after_blank):
                run.pieces.append(_letter(code))
                is_after_blank = False
                continue
            if run is not None:
                yield run.frame, run.segment(self._font(run.last))
            run, is_after_blank, raw_size = self._begin(index, code), False, size or 1.0
        if run is not None:
            yield run.frame, run.segment(self._font(run.last))

    def _begin(self, index: int, code: int) -> _Run:
        frame = self._frame(index)
        left, right, y = self._place(index, frame)
        font = self._font(index)
        return _Run(frame=frame, font=font, left=left, right=right, y=y, last=index, pieces=[_letter(code)])

    def _extend(self, run: _Run, index: int, scale: float, *, is_after_blank: bool) -> bool:
        """Return whether a character belongs to a run, and make room for it. `scale` is its font size to that of it."""
        if not _SMALLEST <= scale <= 1.01:
            return False
        left, right, y = self._place(index, run.frame)
        size, gap = run.font.size, left - run.right
        is_mark = scale < _MARK and gap < _MARK_GAP * size
        if abs(y - run.y) > (_RAISED if is_mark else 0.1) * size or not -0.5 * size <= gap <= CELL_GAP * size:
            return False
        if not is_mark:
            run.last = index
        if is_after_blank or gap > _BLANK_GAP * size:
            run.pieces.append(" ")
        run.right = max(run.right, right)
        return True

    def _place(self, index: int, frame: _Frame) -> tuple[float, float, float]:
        """Return the left and right edge of a character and its baseline, in the frame."""
        pdfium, box = self._pdfium, self._box
        pdfium.FPDFText_GetCharOrigin(self._page, index, self._x, self._y)
        pdfium.FPDFText_GetLooseCharBox(self._page, index, box)
        if frame.cos == 1.0:
            return box.left, box.right, -self._y.value
        corners = [frame.place(x, y)[0] for x in (box.left, box.right) for y in (box.bottom, box.top)]
        _, y = frame.place(self._x.value, self._y.value)
        return min(corners), max(corners), y

    def _frame(self, index: int) -> _Frame:
        angle = self._pdfium.FPDFText_GetCharAngle(self._page, index)
        turned = -round(angle / (math.pi / 36)) * (math.pi / 36)  # in steps of 5 degrees
        if abs(math.sin(turned)) < 0.01 and math.cos(turned) > 0:
            return _Frame()
        return _Frame(round(math.cos(turned), 6), round(math.sin(turned), 6))

    def _font(self, index: int) -> _Font:
        """Return the font of a character, whose size is that on the page."""
        pdfium, matrix = self._pdfium, self._matrix
        size = pdfium.FPDFText_GetFontSize(self._page, index)
        if pdfium.FPDFText_GetMatrix(self._page, index, matrix):
            size *= math.hypot(matrix.c, matrix.d) or 1.0
        weight = pdfium.FPDFText_GetFontWeight(self._page, index)
        name, flags = self._name(index)
        key = (round(size, 2) or 1.0, weight, name, flags)
        if key not in self._fonts:
            is_bold = weight >= _BOLD_WEIGHT or bool(flags & _FORCE_BOLD) or any(each in name for each in _BOLD_NAMES)
            is_mono = bool(flags & _FIXED_PITCH) or any(each in name for each in _MONO_NAMES)
            self._fonts[key] = _Font(size=key[0], is_bold=is_bold, is_mono=is_mono)
        return self._fonts[key]

    def _name(self, index: int) -> tuple[str, int]:
        flags, name = ctypes.c_int(), ctypes.create_string_buffer(128)
        length = self._pdfium.FPDFText_GetFontInfo(self._page, index, name, len(name), flags)
        written = name.value if 0 < length <= len(name) else b""
        return written.decode("latin-1").lower().rpartition("+")[2], flags.value


def _composed(match: re.Match[str]) -> str:
    """Return a letter with the accent that TeX sets before it as a character of its own."""
    letter = {"\u0131": "i", "\u0237": "j"}.get(match[2], match[2])
    return unicodedata.normalize("NFC", letter + _ACCENTS[match[1]])


def _letter(code: int) -> str:
    if 0x20 < code < 0x7F:
        return chr(code)
    if code in _HYPHENS:
        return SOFT_HYPHEN
    if _PRIVATE_USE[0] <= code <= _PRIVATE_USE[1] or code < 0x20:
        return _SYMBOLS.get(code, "")  # fonts of symbols have codes of their own, which say nothing to others
    return _LIGATURES.get(code) or chr(code)
