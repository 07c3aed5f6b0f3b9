"""The notes of presentations as python-pptx writes them, and of files that are damaged or hostile."""

import zipfile
from io import BytesIO
from typing import Any

import pptx
import pytest

from resift.ingest.packed.speaker_notes import speaker_notes
from resift.ingest.parsers.office import OfficeParser
from resift.ingest.parsers.protocols import Content


def presentation() -> Any:
    return pptx.Presentation()


def saved(deck: Any) -> bytes:
    file = BytesIO()
    deck.save(file)
    return file.getvalue()


def with_entity(data: bytes, name: str) -> bytes:
    """Return the file with a part that declares an entity."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for each in old.namelist():
            entity = b'?><!DOCTYPE d [<!ENTITY x "y">]>' if each == name else b"?>"
            new.writestr(each, old.read(each).replace(b"?>", entity, 1))
    return file.getvalue()


def test_speaker_notes_belong_to_the_slide_that_names_them() -> None:
    deck = presentation()
    for number in range(1, 5):
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = f"Slide {number}"
    for number in (4, 2):  # the file of the first notes is that of the last slide
        deck.slides[number - 1].notes_slide.notes_text_frame.text = f"Said of slide {number}."
    parsed = OfficeParser().parse(Content("a", data=saved(deck)))
    pages = dict(zip(parsed.lines, parsed.page_numbers, strict=True))
    assert (pages["Notes: Said of slide 4."], pages["Notes: Said of slide 2."]) == (4, 2)


@pytest.mark.parametrize("broken", [b"", b"PK", b"no archive"])
def test_notes_of_a_file_that_is_no_archive_are_unknown(broken: bytes) -> None:
    assert speaker_notes(broken) is None


def test_notes_of_a_file_with_a_damaged_part_or_entities_are_unknown() -> None:
    deck = presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).notes_slide.notes_text_frame.text = "Said."
    data, main = saved(deck), "ppt/presentation.xml"
    assert speaker_notes(data) == {1: ("Said.",)}
    with zipfile.ZipFile(BytesIO(data)) as parts:
        start = parts.getinfo(main).header_offset + 30 + len(main)
    assert speaker_notes(data[:start] + b"\xff" * 20 + data[start + 20 :]) is None
    assert speaker_notes(with_entity(data, main)) is None
