"""Files that are broken, hostile, or not to be read, each with what has to become of it; and documents of packages."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from resift.tests.ingest.corpus.writers import FILLER, archive, encrypted_pdf, flate_bomb, pdf, slides, word, workbook

SECRET = "plutonium-kestrel-41"
"""Stands in a file outside the folder, which XML entities name."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A file, and what has to become of it: the words of a failure, or the kind of what is skipped, or documents."""

    data: bytes
    fails: str = ""
    skipped: str = ""
    documents: int = 0
    note: str = ""
    """Words of a note of the report."""


def _packed_spaces(names: tuple[str, ...], megabytes: int) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name in names:
            with packed.open(name, "w", force_zip64=True) as inner:
                for _ in range(megabytes):
                    inner.write(b" " * 1_000_000)
    return file.getvalue()


def _with_entity(document: bytes, member: str, path: Path) -> bytes:
    """Return an office document one part of which names an entity that is a file."""
    with zipfile.ZipFile(BytesIO(document)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    head, _, rest = parts[member].partition(b"?>")
    entity = f'<!DOCTYPE x [<!ENTITY secret SYSTEM "file://{path}">]>'.encode()
    parts[member] = head + b"?>" + entity + rest.replace(b"nothing that anybody", b"&secret; that anybody")
    return archive(parts)


_SKIPPED = {
    "empty.md": Wrong(b"", skipped="empty"),
    "blank.md": Wrong(b" \n\t\n", skipped="blank"),
    "page.html": Wrong(b"<script>let a = 1</script>", fails="no text"),
    "tool.exe": Wrong(b"MZ\0\1", skipped="exe"),
    "data": Wrong(b"\0\1\2\3" * 50, skipped="binary"),
    ".hidden.md": Wrong(FILLER.encode(), skipped="hidden"),
    "node_modules/x.js": Wrong(b"let a = 1;", skipped="generated folders"),
    "app.min.js": Wrong(b"function a(){return 1}", skipped="minified"),
    "credentials.json": Wrong(json.dumps({"key": "x"}).encode(), skipped="secret files"),
}


def wrong_files(secret: Path) -> dict[str, Wrong]:
    """Return the files by name; `secret` is a file that none of them may bring into the index."""
    document, office_bomb = word(FILLER), _packed_spaces(("xl/workbook.xml", "[Content_Types].xml"), 150)
    book = workbook({"A": [["nothing that anybody", "asks for"], ["a", "b"]]})
    return {
        "truncated.pdf": Wrong(pdf(FILLER, FILLER)[:700], fails="PDF"),
        "encrypted.pdf": Wrong(encrypted_pdf(FILLER), fails="password"),
        "bomb.pdf": Wrong(flate_bomb(), fails="took more than 10"),
        "drawing.pdf": Wrong(pdf("", ""), skipped="blank"),
        "not.docx": Wrong(b"PK\3\4 this is no archive", fails="not an Office file"),
        "text.docx": Wrong(FILLER.encode(), fails="not an Office file"),
        "cut.pptx": Wrong(slides(FILLER)[:9000], fails="not an Office file"),
        "bomb.xlsx": Wrong(office_bomb, fails="not an Office file"),
        "xxe.docx": Wrong(_with_entity(document, "word/document.xml", secret), documents=1),
        "xxe.xlsx": Wrong(_with_entity(book, "xl/worksheets/sheet1.xml", secret), documents=1),
        "xxe.html": Wrong(
            f'<!DOCTYPE html [<!ENTITY s SYSTEM "file://{secret}">]><p>A page with &s; in it.'.encode(), documents=1
        ),
        "include.rst": Wrong(f"Include\n=======\n\nA text.\n\n.. include:: {secret}\n".encode(), documents=1),
        "far.xlsx": Wrong(workbook({"A": [["near", "here"]]}, far="XFD1048576"), documents=1),
        "line.txt": Wrong(b"one line of words " * 5_600_000, fails="100,800,000 bytes"),
        "nul.txt": Wrong(b"A text with a NUL \0 in the middle of it.", fails="binary"),
        "mixed.txt": Wrong(
            "Café crème brûlée, Besançon, Noël, très, à la fête. ".encode() * 3 + b"\xff is no UTF-8.",
            documents=1,
            note="not valid UTF-8",
        ),
        "bomb.zip": Wrong(_packed_spaces(("a.txt", "b.txt"), 150), fails="zip bomb"),
        "cut.zip": Wrong(archive({"a.txt": FILLER.encode() * 9})[:-30], fails="not a zip archive"),
        "bad.json": Wrong(b'{"a": [1, 2', documents=1),
        "deep.json": Wrong(b"[" * 200_000, fails="nested"),
        "bad.ipynb": Wrong(b'{"cells": 3}', skipped="blank"),
        "bad.epub": Wrong(b"PK no book", fails="not a zip archive"),
        **_SKIPPED,
    }  # fmt: skip


PACKAGED: Mapping[str, str] = {
    "docutils": "writers/s5_html/themes/README.rst",
    "numpy": "ma/README.rst",
    "email": "architecture.rst",
    "matplotlib": "mpl-data/sample_data/msft.csv",
    "reportlab": "fonts/DarkGarden-readme.txt",
    "pptx": "templates/default.pptx",
    "docx": "templates/default.docx",
    "html": "parser.py",
    "json": "decoder.py",
}
"""Documents that come with packages: the package, and the file in it."""


def packaged_files() -> dict[str, bytes]:
    """Return documents that come with Python and with the packages of the tests, by a name for each."""
    found: dict[str, bytes] = {}
    for package, path in PACKAGED.items():
        if path:
            found[f"{package}-{Path(path).name}"] = files(package).joinpath(path).read_bytes()
    return found
