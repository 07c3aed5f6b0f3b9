"""Which slide the speaker notes of a presentation belong to, as its parts say themselves.

undoc takes the first file of notes for those of the first slide, whatever slide names it.
"""

import posixpath
from collections.abc import Iterator, Mapping
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, fromstring
from zipfile import BadZipFile, ZipFile

_MOST_BYTES = 10_000_000  # of one part; that of a thousand slides has 200 kB

_MAIN = "{http://schemas.openxmlformats.org/presentationml/2006/main}"

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"

_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def speaker_notes(data: bytes) -> Mapping[int, tuple[str, ...]] | None:
    """Return the paragraphs of the notes by slide, counted from 1; None if the parts of the file cannot be read."""
    try:
        with ZipFile(BytesIO(data)) as parts:
            return {number: found for number, slide in _slides(parts) if (found := _notes_of(parts, slide))}
    except (BadZipFile, KeyError, NotImplementedError, ParseError, ValueError):
        return None


def _slides(parts: ZipFile) -> Iterator[tuple[int, str]]:
    """Yield the number and the part of each slide, in the order in which they are shown."""
    targets = {id_: target for id_, _, target in _relations(parts, "ppt/presentation.xml")}
    order = _parsed(parts, "ppt/presentation.xml").findall(f"{_MAIN}sldIdLst/{_MAIN}sldId")
    for number, slide in enumerate(order, start=1):
        yield number, targets[slide.attrib[_ID]]


def _notes_of(parts: ZipFile, slide: str) -> tuple[str, ...]:
    named = (target for _, kind, target in _relations(parts, slide) if kind == "notesSlide")
    return tuple(text for part in named for text in _paragraphs(_parsed(parts, part)))


def _paragraphs(notes: Element) -> Iterator[str]:
    """Yield the paragraphs of the notes themselves, without the number of the slide and the date."""
    for shape in notes.iter(f"{_MAIN}sp"):
        holder = next(shape.iter(f"{_MAIN}ph"), None)
        if holder is None or holder.get("type") != "body":
            continue
        for paragraph in shape.iter(f"{_DRAWING}p"):
            text = "".join(each.text or "" for each in paragraph.iter(f"{_DRAWING}t")).strip()
            if text:
                yield text


def _relations(parts: ZipFile, part: str) -> Iterator[tuple[str, str, str]]:
    """Yield the id, the kind and the part of whatever a part refers to inside the file."""
    folder, name = posixpath.split(part)
    path = f"{folder}/_rels/{name}.rels"
    if path not in parts.namelist():
        return
    for each in _parsed(parts, path):
        if each.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, each.attrib["Target"])).lstrip("/")
            yield each.attrib["Id"], each.attrib["Type"].rpartition("/")[2], target


def _parsed(parts: ZipFile, name: str) -> Element:
    if parts.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"{name} is too large")
    return fromstring(parts.read(name))  # noqa: S314  expat limits entities since 2.4.1, and the process its memory
