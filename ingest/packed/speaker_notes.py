"""Which slide the speaker notes of a presentation belong to, as its parts say themselves.

undoc takes the first file of notes for those of the first slide, whatever slide names it.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from ...core.errors import UnreadableFile
from .office_parts import read_part
from .safe_xml import Element
from .zip_members import Archive

_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def speaker_notes(data: bytes) -> Mapping[int, tuple[str, ...]] | None:
    """Return the paragraphs of the notes by slide, counted from 1; None if the parts of the file cannot be read."""
    try:
        parts = Archive(data)
        return {number: found for number, slide in _slides(parts) if (found := _notes_of(parts, slide))}
    except (UnreadableFile, KeyError):
        return None


def _slides(parts: Archive) -> Iterator[tuple[int, str]]:
    """Yield the number and the part of each slide, in the order in which they are shown."""
    targets = {id_: target for id_, _, target in _relations(parts, "ppt/presentation.xml")}
    shown = _below(_below([read_part(parts, "ppt/presentation.xml")], "presentation"), "sldIdLst")
    for number, slide in enumerate(_below(shown, "sldId"), start=1):  # sections repeat the list elsewhere
        yield number, targets[slide.attributes[_RELATION]]


def _below(elements: Iterable[Element], name: str) -> Iterator[Element]:
    return (child for element in elements for child in element.children if child.name == name)


def _notes_of(parts: Archive, slide: str) -> tuple[str, ...]:
    named = (target for _, kind, target in _relations(parts, slide) if kind == "notesSlide")
    return tuple(text for part in named for text in _paragraphs(read_part(parts, part)))


def _paragraphs(notes: Element) -> Iterator[str]:
    """Yield the paragraphs of the notes themselves, without the number of the slide and the date."""
    for shape in notes.named("sp"):
        holder = next(shape.named("ph"), None)
        if holder is None or holder.attributes.get("type") != "body":
            continue
        for paragraph in shape.named("p"):
            text = "".join(each.text for each in paragraph.named("t")).strip()
            if text:
                yield text


def _relations(parts: Archive, part: str) -> Iterator[tuple[str, str, str]]:
    """Yield the id, the kind and the part of whatever a part refers to inside the file."""
    folder, name = posixpath.split(part)
    path = f"{folder}/_rels/{name}.rels"
    if parts.find(path) is None:
        return
    for each in read_part(parts, path).named("Relationship"):
        if each.attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, each.attributes["Target"])).lstrip("/")
            yield each.attributes["Id"], each.attributes["Type"].rpartition("/")[2], target
