"""The protocol of a document format: content in, text with its structure out."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from ..text.structure import ParsedDocument, check_length

SECONDS_PER_PAGE = 0.05


def _no_limit(_: float) -> None:
    """Ignore that a parser asks for time: nothing limits it."""


@dataclass(frozen=True, slots=True)
class RecordFields:
    """Which fields of a record are its title, its text and its id: the first of each that it has."""

    title: Sequence[str] = ("title", "headline", "name", "subject", "question")
    text: Sequence[str] = ("text", "content", "contents", "body", "passage", "document", "answer", "description")
    id: Sequence[str] = ("id", "_id", "doc_id", "docid", "document_id", "uuid", "key")

    @classmethod
    def preferring(cls, *, title: Sequence[str] = (), text: Sequence[str] = (), id: Sequence[str] = ()) -> Self:
        """Return the usual fields after these."""
        usual = cls()
        return cls((*title, *usual.title), (*text, *usual.text), id=(*id, *usual.id))


USUAL_FIELDS = RecordFields()


@dataclass(frozen=True, slots=True)
class Content:
    """What a parser reads. `source` is a path or a URI, or empty for text that came without either.

    A document may take 10 seconds and one more for each megabyte. A parser that finds pages, or work that takes longer,
    asks for more time before it begins it.

    Raises:
        UnreadableFile: The text has more than a million lines.
    """

    source: str = ""
    text: str = ""
    r"""The decoded text with \n as the only line end; empty for a parser of a binary format."""
    data: bytes = b""
    """The bytes of the file; empty for a parser of a text format."""
    more_time: Callable[[float], None] = _no_limit
    """Asks for so many seconds more."""
    record_fields: RecordFields = USUAL_FIELDS
    """How the fields of records are called."""

    def __post_init__(self) -> None:
        check_length(self.text.count("\n"))

    def more_pages(self, count: int) -> None:
        """Ask for the time that so many pages take."""
        self.more_time(count * SECONDS_PER_PAGE)


class Parser(Protocol):
    """Reads one document format. Parsers keep no state: one object serves all threads."""

    @property
    def suffixes(self) -> Collection[str]:
        """Return the file name suffixes of the format, in lower case and with their dot."""
        ...

    @property
    def is_binary(self) -> bool:
        """Return whether the parser reads `Content.data`, the bytes of a file, rather than `Content.text`."""
        ...

    def sniff(self, text: str) -> bool:
        """Return whether text without a known suffix looks like this format; `text` is the beginning of it."""
        ...

    def parse(self, content: Content) -> ParsedDocument:
        """Return the text of a document with its structure, its title and its metadata.

        Raises:
            ResiftError: The content cannot be parsed; the message says why and what to do. Any other exception of
                a plug-in is reported as a failure of this document as well.
        """
        ...


@dataclass(frozen=True, slots=True)
class InnerDocument:
    """A document inside a file: a file of an archive, a mail of a mailbox, a record of a table.

    It has either `data`, the bytes of a file whose format its name tells, or `parsed`; or neither and a `problem`.
    """

    name: str
    """Its path inside the file, unique there. The id of the document is the path of the file, "/" and this."""
    data: bytes = b""
    parsed: ParsedDocument | None = None
    problem: str = ""
    """Why it cannot be read, as a sentence about "It"; empty if it can."""
    is_unnamed: bool = False
    """Whether its name only tells where it stands, because what it is called cannot be read."""
    is_optional: bool = False
    """Whether it is left out, and no failure, if no parser reads its format and it does not look like text."""
    note: str = ""
    """A sentence on the whole file for the ingest report; that of the first document counts."""


@runtime_checkable
class Container(Protocol):
    """Reads a format whose files hold several documents, told by their suffix. Containers keep no state."""

    @property
    def suffixes(self) -> Collection[str]:
        """Return the file name suffixes of the format, in lower case and with their dot."""
        ...

    @property
    def is_binary(self) -> bool:
        """Return whether the container reads `Content.data`, the bytes of a file, rather than `Content.text`."""
        ...

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield the documents inside a file.

        Raises:
            ResiftError: The file as a whole cannot be read; the message says why and what to do.
        """
        ...


def suffix_of(source: str) -> str:
    """Return the suffix of a path or URI in lower case, without the query and fragment of a URI."""
    path = re.sub(r"[?#].*$", "", source) if "://" in source else source
    name = path.rstrip("/").rpartition("/")[2]
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""  # as PurePath.suffix, which takes ten times as long
