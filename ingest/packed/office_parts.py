"""Parts of Office files that undoc does not tell of: whether the sheets of a workbook are hidden."""

from collections.abc import Sequence

from ...core.errors import UnreadableFile
from .safe_xml import Element, read_xml
from .zip_members import Archive

_MOST_BYTES = 10_000_000  # of one part; that of a thousand slides has 200 kB

_WORKBOOK = "xl/workbook.xml"

_HIDDEN = {"hidden", "veryHidden"}

_SHOWN_SHEETS = 5  # by name in a note


def read_part(parts: Archive, name: str) -> Element:
    """Return the root of a part of an Office file.

    Raises:
        UnreadableFile: It is missing, too large, or not well-formed.
    """
    member = parts.find(name)
    if member is None or member.info.file_size > _MOST_BYTES:
        raise UnreadableFile(f"{name} is missing or too large. Leave it out.")
    return read_xml(parts.read(member), name)


def hidden_sheets(data: bytes) -> frozenset[str]:
    """Return the names of the sheets that Excel does not show; none for files before 2007, which are not archives."""
    try:
        workbook = read_part(Archive(data), _WORKBOOK)
    except UnreadableFile:
        return frozenset()
    return frozenset(
        sheet.attributes.get("name", "")
        for sheet in workbook.named("sheet")
        if sheet.attributes.get("state") in _HIDDEN
    )


def note_on_hidden(names: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence on sheets that Excel does not show although their rows are found now."""
    if not names:
        return ()
    shown = ", ".join(f'"{" ".join(name.split())}"' for name in names[:_SHOWN_SHEETS])
    if len(names) > _SHOWN_SHEETS:
        shown += f" and {len(names) - _SHOWN_SHEETS} more"
    if len(names) == 1:
        return (f"Sheet {shown} is hidden in Excel. Its rows were read too.",)
    return (f"Sheets {shown} are hidden in Excel. Their rows were read too.",)
