"""Citations: the place of a passage in its document, as in `report.pdf:p.12-13`, `setup.md:10-24` or `setup.md:7`."""

import re
from dataclasses import dataclass
from typing import Self

_CITATION = re.compile(
    r"(?P<source>.+):(?P<page>p\.?\s?)?(?P<first>\d{1,9})(?:[-\u2013](?P<last>\d{1,9}))?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A source, and the lines or pages of it that are meant; pages stand for slides and sheets as well."""

    source: str
    first: int = 0
    """The first line or page, from 1; 0 for the whole source."""
    last: int = 0
    """The last line or page; 0 if only the first is given."""
    is_page: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the citation in a text; without lines or pages, the text is the source."""
        found = _CITATION.fullmatch(text)
        if found is None or not int(found["first"]):
            return cls(text)
        first, last = int(found["first"]), int(found["last"] or 0)
        return cls(found["source"], first=first, last=last, is_page=found["page"] is not None)

    def __str__(self) -> str:
        """Return `source:p.12`, `source:p.12-13`, `source:7`, `source:10-24`, or the source alone.

        The source of a record without an id, such as `notes.jsonl/line 13`, names its line already.
        """
        if not self.source or not self.first:
            return self.source
        last = self.last or self.first
        if not self.is_page and last == self.first and self.source.endswith(f"/line {self.first}"):
            return self.source
        places = f"{self.first}-{last}" if last > self.first else str(self.first)
        return f"{self.source}:{'p.' if self.is_page else ''}{places}"
