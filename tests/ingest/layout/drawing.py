"""Pages of PDF files, drawn by reportlab, and what the parser makes of them."""

from collections.abc import Callable, Sequence
from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from resift.ingest.parsers.pdf import PdfParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.text.structure import ParsedDocument

WORDS = (
    "The pump must be stopped before service because the seal holds pressure for some minutes after the motor has "
    "come to rest and hot water may leave the housing when a technician opens it without waiting for the gauge"
)

Draw = Callable[[Canvas], object]


def parse(data: bytes) -> ParsedDocument:
    return PdfParser().parse(Content("a.pdf", data=data))


def pdf(*pages: Draw, **properties: str) -> bytes:
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4, invariant=1)
    for name, value in properties.items():
        getattr(canvas, f"set{name.capitalize()}")(value)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def lines_at(
    canvas: Canvas, x: float, y: float, lines: Sequence[str], *, size: float = 10, font: str = "Times-Roman"
) -> float:
    canvas.setFont(font, size)
    for line in lines:
        canvas.drawString(x, y, line)
        y -= 1.2 * size
    return y


def text_of(lines: Sequence[str]) -> Draw:
    return lambda canvas: lines_at(canvas, 72, 700, lines)


def texts(parsed: ParsedDocument) -> list[str]:
    return [line for line in parsed.lines if line]


def wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
