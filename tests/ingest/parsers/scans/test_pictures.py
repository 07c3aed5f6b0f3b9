"""Text in pictures and scanned pages, drawn here with the fonts of Pillow and matplotlib."""

import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from resift.core.errors import BlankFile, UnreadableFile
from resift.core.extras import has_extra, install_line
from resift.ingest.files.roots import Roots
from resift.ingest.files.skipping import advice_on
from resift.ingest.files.walk import find_files
from resift.ingest.parsers.pdf import PdfParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.parsers.registry import installed_parsers
from resift.ingest.parsers.scans.pictures import PictureParser

Image: Any = pytest.importorskip("PIL.Image")

needs_ocr = pytest.mark.skipif(not has_extra("ocr"), reason="the extra ocr is not installed")

LINES = ("The pump must be stopped", "before the seal is opened,", "because hot water may leave it.")


def drawn(lines: tuple[str, ...] = LINES) -> Any:
    from PIL import ImageDraw, ImageFont

    picture = Image.new("RGB", (1000, 140 + 60 * len(lines)), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=40)
    for place, line in enumerate(lines):
        draw.text((60, 60 + 60 * place), line, fill="black", font=font)
    return picture


def encoded(picture: Any, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def scanned() -> bytes:
    """Return a PDF with a page of text and a page that is a picture."""
    file = BytesIO()
    canvas: Any = Canvas(file, invariant=1)
    canvas.drawString(72, 700, "A page with text.")
    canvas.showPage()
    canvas.drawImage(ImageReader(drawn()), 50, 500, width=500, height=160)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


@pytest.mark.slow
@needs_ocr
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_text_in_pictures_is_read_with_its_lines(kind: str) -> None:
    parsed = PictureParser().parse(Content("a", data=encoded(drawn(), kind)))
    assert " ".join(line for line in parsed.lines if line) == " ".join(LINES)
    assert parsed.line_numbers[0] == 1


@pytest.mark.slow
@needs_ocr
def test_frames_of_a_tiff_are_pages() -> None:
    frames = [drawn((text,)) for text in ("First page of it", "Second page of it")]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    parsed = PictureParser().parse(Content("a.tiff", data=data))
    assert [(line, page) for line, page in zip(parsed.lines, parsed.page_numbers, strict=True) if line] == [
        ("First page of it", 1),
        ("Second page of it", 2),
    ]
    assert parsed.metadata == {"pages": 2}


@pytest.mark.slow
@needs_ocr
def test_scanned_page_is_read_from_its_picture_and_said_to_be() -> None:
    asked: list[float] = []
    parsed = PdfParser().parse(Content("a.pdf", data=scanned(), more_time=asked.append))
    assert [line for line in parsed.lines if line] == ["A page with text.", " ".join(LINES)]
    assert parsed.page_numbers[-1] == 2
    assert parsed.notes == ("Page 2 of 2 was read from its picture (OCR).",)
    assert sum(asked) > 10


@pytest.mark.slow
@needs_ocr
def test_picture_without_text_is_blank() -> None:
    with pytest.raises(BlankFile, match="No text was recognised"):
        PictureParser().parse(Content("a.png", data=encoded(Image.new("RGB", (200, 200), "white"), "PNG")))


@needs_ocr
@pytest.mark.parametrize("data", [b"no picture", encoded(drawn(), "PNG")[:400]])
def test_damaged_picture_is_said(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="damaged"):
        PictureParser().parse(Content("a.png", data=data))


@pytest.fixture
def no_ocr(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    installed_parsers.cache_clear()
    yield
    installed_parsers.cache_clear()


def test_without_the_extra_pictures_in_a_folder_are_skipped_with_one_advice(no_ocr: None, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.jpg"):
        (tmp_path / name).write_bytes(b"\x89PNG")
    found = find_files([tmp_path], roots=Roots.of([tmp_path]))
    assert (found.failures, dict(found.skipped)) == ((), {"png": 2, "jpg": 1})
    assert advice_on(found.skipped) == [f"To read the text in .jpg, .png files, run `{install_line('ocr')}`."]


@pytest.mark.parametrize("parse", [PictureParser().parse, PdfParser().parse])
def test_without_the_extra_a_named_file_fails_with_the_install_line(
    no_ocr: None, parse: Callable[[Content], object], tmp_path: Path
) -> None:
    file = BytesIO()
    canvas: Any = Canvas(file, invariant=1)
    canvas.drawImage(ImageReader(drawn(("x",))), 50, 500)
    canvas.save()
    with pytest.raises(UnreadableFile, match=r"needs the extra 'ocr'\. Run `.*\[?ocr\]?.*` to install it"):
        parse(Content("a", data=file.getvalue()))
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    [failure] = find_files([tmp_path / "a.png"], roots=Roots.of([tmp_path])).failures
    assert install_line("ocr") in failure.reason


def test_without_the_extra_scanned_pages_are_named(no_ocr: None) -> None:
    parsed = PdfParser().parse(Content("a.pdf", data=scanned()))
    assert parsed.notes == ("Page 2 of 2 has no text layer, only a picture.",)
