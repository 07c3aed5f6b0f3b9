"""Documents made by the libraries that people make them with. Each holds what it is given, and other text around it."""

import csv
import json
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from io import BytesIO, StringIO
from mailbox import mbox
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import Any

import docx
import openpyxl
import pptx
import xlwt
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

WORD: Any = docx
POWERPOINT: Any = pptx
EXCEL: Any = openpyxl
OLD_EXCEL: Any = xlwt

FILLER = "This part holds nothing that anybody asks for. It is here so that the answer is not the only text."


def saved(document: Any) -> bytes:
    """Return what a library writes to a file."""
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def pdf(*pages: str) -> bytes:
    """Return a PDF with a heading and a text on each page; a page without text has a drawing only."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4, invariant=1)
    for number, text in enumerate(pages, start=1):
        if text:
            canvas.setFont("Helvetica-Bold", 18)
            canvas.drawString(72, 760, f"Chapter {number}")
            canvas.setFont("Times-Roman", 11)
            for line, words in enumerate(wrap(text, 90)):
                canvas.drawString(72, 720 - 14 * line, words)
        canvas.circle(300, 300, 50)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def encrypted_pdf(text: str) -> bytes:
    """Return a PDF that opens with a password only."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf(text))))
    writer.encrypt("secret", algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def flate_bomb() -> bytes:
    """Return a PDF of some kilobytes whose three pages have a gigabyte of spaces each."""
    import zlib

    packer = zlib.compressobj(9)
    first = packer.compress(b" " * 10_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    same = packer.compress(b" " * 10_000_000) + packer.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    once = zlib.compress(first + same * 99, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R 3 0 R 3 0 R]/Count 3>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R>>",
        b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%s\nendstream" % (len(once), once),
    ]
    data, places = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>startxref\n%d\n%%%%EOF\n" % (
        size, table, size, len(data),
    )  # fmt: skip


def word(text: str, *, heading: str = "Details") -> bytes:
    """Return a Word document with two headings, a list and a table."""
    document = WORD.Document()
    document.core_properties.author = "Ada Byron"
    document.add_heading("General", 1)
    document.add_paragraph(FILLER)
    document.add_heading(heading, 1)
    document.add_paragraph(text)
    document.add_paragraph("one item", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, value in zip([*table.rows[0].cells, *table.rows[1].cells], ("part", "count", "bolt", "4"), strict=True):
        cell.text = value
    return saved(document)


def slides(*texts: str, notes: str = "") -> bytes:
    """Return a presentation with a slide for each text, and speaker notes on the last."""
    deck = POWERPOINT.Presentation()
    for number, text in enumerate(texts, start=1):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Slide about part {number}"
        slide.placeholders[1].text = text
    if notes:
        deck.slides[-1].notes_slide.notes_text_frame.text = notes
    return saved(deck)


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]], *, far: str = "") -> bytes:
    """Return an Excel workbook; `far` is the name of a cell far from the others that has a value."""
    book = EXCEL.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if far:
            sheet[far] = "far away"
    return saved(book)


def old_workbook(name: str, rows: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook as Excel wrote it until 2003."""
    book = OLD_EXCEL.Workbook()
    sheet = book.add_sheet(name)
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    return saved(book)


def epub(*chapters: str) -> bytes:
    """Return an e-book with a chapter for each text."""
    names = [f"chapter{number}.xhtml" for number in range(1, len(chapters) + 1)]
    items = "".join(f'<item id="c{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="c{name}"/>' for name in names)
    files = {
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
        "</container>",
        "book.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier>'
        "<dc:title>A book of coasts</dc:title><dc:language>en</dc:language></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for number, (name, text) in enumerate(zip(names, chapters, strict=True), start=1):
        files[name] = (
            '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>'
            f"<body><h1>Chapter {number}</h1><p>{text}</p></body></html>"
        )
    return archive({"mimetype": b"application/epub+zip", **{name: text.encode() for name, text in files.items()}})


def mail(subject: str, text: str, attachments: Mapping[str, bytes] | None = None) -> EmailMessage:
    """Return a mail with attachments."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.org", "crew@example.org", subject
    message["Date"] = "Fri, 01 Mar 2024 10:00:00 +0100"
    message["Message-ID"] = f"<{subject.replace(' ', '.')}@example.org>"
    message.set_content(text)
    for name, data in (attachments or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message


def mailbox(*messages: EmailMessage) -> bytes:
    """Return an mbox file."""
    with TemporaryDirectory() as folder:
        box = mbox(Path(folder) / "box")
        for message in messages:
            box.add(message)
        box.close()
        return (Path(folder) / "box").read_bytes()


def notebook(*cells: tuple[str, str]) -> bytes:
    """Return a Jupyter notebook of cells of a type, "markdown" or "code". Code has an output, and a picture."""
    output = [
        {"output_type": "stream", "name": "stdout", "text": ["printed by the cell\n"]},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo" * 500}},
    ]
    content: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
        | ({"outputs": output, "execution_count": 1} if kind == "code" else {})
        for kind, text in cells
    ]
    return json.dumps({"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return file.getvalue()


def table(rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    """Return rows as CSV."""
    file = StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue().encode()


def picture(text: str) -> bytes:
    """Return a picture of a text."""
    image = Image.new("RGB", (1400, 200), "white")
    ImageDraw.Draw(image).text((30, 70), text, fill="black", font=ImageFont.load_default(36))
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
