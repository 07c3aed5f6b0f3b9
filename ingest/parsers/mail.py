"""Mail: a single one (.eml) with its attachments, and mailboxes (.mbox) with a document a mail."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import PurePath
from typing import Any, TypeAlias

from ...core.errors import ResiftError, UnreadableFile
from ..text.decoding import decode, normalise
from ..text.draft import Draft
from ..text.properties import facts_of
from ..text.structure import ParsedDocument, paragraphs
from .html import HtmlParser
from .protocols import Content, InnerDocument

_Mail: TypeAlias = "Message[str, str]"

MAX_MAILS = 100_000  # of one mailbox

MAX_PARTS = 1000  # of one mail

_MAX_HEADER_CHARS = 1000

_MAX_NAME_CHARS = 150

_FROM_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From [^\r\n]{0,200}\d\d:\d\d[^\r\n]{0,100}\r?\n")

_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)

_SHOWN = ("From", "To", "Cc", "Date")


class MailContainer:
    """Reads a mail: its text, or else its HTML, as a document of the file, and each attachment as one inside it."""

    suffixes = frozenset((".eml", ".emlx"))
    is_binary = True

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield the mail, which has no name inside the file, and its attachments, for other parsers to read.

        Raises:
            UnreadableFile: It is not a mail, or has too many parts.
        """
        data = content.data
        if size := re.match(rb"\d+\s*\n", data):  # Apple Mail writes the length first
            data = data[size.end() :]
        mail = message_from_bytes(data, policy=policy.compat32)
        if not any(
            name in mail for name in ("From", "To", "Subject", "Date", "Message-ID", "Received", "MIME-Version")
        ):
            raise UnreadableFile(f"{content.source} is not a mail: it begins with no header of one.")
        parts = _leaves(mail, content.source)
        attached = [part for part in parts if _is_attachment(part)]
        names = _names(attached)
        yield InnerDocument("", parsed=_document(mail, parts, names))
        for name, part in zip(names, attached, strict=True):
            yield InnerDocument(name, data=_bytes(part), is_optional=True)


class MailboxContainer:
    """Reads a mailbox: each mail is a document of its own, named after its Message-ID."""

    suffixes = frozenset((".mbox", ".mbx"))
    is_binary = True

    def split(self, content: Content) -> Iterator[InnerDocument]:
        """Yield the mails, for `MailContainer` to read.

        Raises:
            UnreadableFile: It is not a mailbox, or has too many mails.
        """
        starts = list(_FROM_LINE.finditer(content.data))
        if not starts or content.data[: starts[0].start()].strip():
            raise UnreadableFile(
                f"{content.source} is not a mailbox: it does not begin with a line such as `From a 12:34`."
            )
        if len(starts) > MAX_MAILS:
            raise UnreadableFile(f"{content.source} has more than {MAX_MAILS:,} mails. Split it.")
        ends = [*(start.start() for start in starts[1:]), len(content.data)]
        taken: set[str] = set()
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1):
            data = _QUOTED_FROM.sub(rb"\1", content.data[start.end() : end])
            name = _unique(f"{_message_id(data) or f'mail {number}'}.eml", taken)
            yield InnerDocument(name, data=data)


def _message_id(data: bytes) -> str:
    """Return the Message-ID of a mail as a name of a file, or ""."""
    header = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    found = re.search(rb"^Message-ID:\s*<([^>\r\n]+)>", header, re.MULTILINE | re.IGNORECASE)
    return _file_name(found[1].decode("ascii", "replace")) if found else ""


def _unique(name: str, taken: set[str]) -> str:
    stem, suffix, number = PurePath(name).stem, PurePath(name).suffix, 1
    while name in taken:
        number += 1
        name = f"{stem} ({number}){suffix}"
    taken.add(name)
    return name


def _file_name(text: str) -> str:
    """Return a text as a name without folders."""
    return re.sub(r"[\x00-\x1f/\\]+", "_", normalise(text)).strip(" .")[-_MAX_NAME_CHARS:]


def _leaves(mail: _Mail, source: str) -> list[_Mail]:
    """Return the parts of a mail that hold no parts themselves; a mail inside a mail is one."""
    found: list[_Mail] = []
    waiting: list[_Mail] = [mail]
    while waiting:
        part = waiting.pop()
        payload: Any = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() != "message":
            waiting += reversed(payload)  # pyright: ignore[reportUnknownArgumentType]
        else:
            found.append(part)
        if len(found) + len(waiting) > MAX_PARTS:
            raise UnreadableFile(f"{source} has more than {MAX_PARTS:,} parts. Leave it out.")
    return found


def _is_attachment(part: _Mail) -> bool:
    """Return whether a part is a document of its own. Pictures inside the text are not."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        return True
    if not part.get_filename() or kind.startswith(("application/pkcs7", "application/pgp")):
        return False
    is_inline = "attachment" not in (part.get_content_disposition() or "")
    return not (is_inline and (kind.startswith("image/") or kind in {"text/plain", "text/html"}))


def _names(parts: list[_Mail]) -> list[str]:
    taken: set[str] = set()
    return [_unique(_attachment_name(part), taken) for part in parts]


def _attachment_name(part: _Mail) -> str:
    if part.get_content_type() == "message/rfc822":
        inner: Any = part.get_payload()
        subject = _header(inner[0], "Subject") if isinstance(inner, list) and inner else ""  # pyright: ignore
        return f"{_file_name(subject) or 'mail'}.eml"
    return _file_name(_decoded(part.get_filename() or "")) or "attachment"


def _bytes(part: _Mail) -> bytes:
    """Return the content of a part; that of a mail inside a mail is the mail."""
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        return payload[0].as_bytes() if payload else b""  # pyright: ignore
    content: Any = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _document(mail: _Mail, parts: list[_Mail], attached: list[str]) -> ParsedDocument:
    """Return the headers that people read, and the text."""
    draft, notes = Draft(), list[str]()
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(mail, name))]
    if attached:
        shown.append(f"Attachments: {', '.join(attached)}")
    draft.add(shown, [0] * len(shown), verbatim=True)
    for part in _text_parts(parts):
        _write(draft, part, notes)
    return draft.finish(title=_header(mail, "Subject"), metadata=_metadata(mail, attached), notes=tuple(notes))


def _text_parts(parts: list[_Mail]) -> list[_Mail]:
    """Return the parts of plain text, or those of HTML if there is no word in the former."""
    bodies = [part for part in parts if not _is_attachment(part) and part.get_content_maintype() == "text"]
    plain = [part for part in bodies if part.get_content_subtype() != "html"]
    if any(_bytes(part).strip() for part in plain):
        return plain
    return [part for part in bodies if part.get_content_subtype() == "html"]


def _write(draft: Draft, part: _Mail, notes: list[str]) -> None:
    """Write a part of text; one that cannot be read is noted."""
    try:
        decoded = decode(_bytes(part), "A part of the mail", declared=_charset(part))
    except ResiftError as error:
        notes.append(str(error))
        return
    notes += [decoded.note] if decoded.note else []
    if part.get_content_subtype() == "html":
        page = HtmlParser().parse(Content(text=decoded.text))
        for block in (block for section in page.sections for block in section.blocks):
            draft.add(page.lines[block.first : block.last], [0] * (block.last - block.first), verbatim=block.verbatim)
        return
    lines = decoded.text.split("\n")
    for block in paragraphs(lines, 0, len(lines)):
        draft.add(lines[block.first : block.last], [0] * (block.last - block.first))


def _charset(part: _Mail) -> str:
    charset: Any = part.get_content_charset()
    return charset if isinstance(charset, str) else ""


def _header(mail: _Mail, name: str) -> str:
    value: Any = mail.get(name)
    return "" if value is None else _decoded(str(value))


def _decoded(value: str) -> str:
    """Return a header on one line, with its encoded words decoded as far as they can be."""
    pieces: list[str] = []
    try:
        words: list[tuple[Any, str | None]] = decode_header(value[: 4 * _MAX_HEADER_CHARS])
    except (ValueError, LookupError):
        words = [(value, None)]
    for word, charset in words:
        if isinstance(word, bytes):
            try:
                pieces.append(decode(word, "A header", declared=charset or "").text)
            except ResiftError:
                pieces.append(word.decode("ascii", "replace"))
        else:
            pieces.append(word)
    return " ".join(normalise("".join(pieces)).split())[:_MAX_HEADER_CHARS]


def _metadata(mail: _Mail, attached: list[str]) -> Mapping[str, Any]:
    people = {name.lower(): _addresses(mail, name) for name in ("From", "To", "Cc")}
    fields: dict[str, Any] = {
        "from": next(iter(people["from"]), ""),
        "to": people["to"],
        "cc": people["cc"],
        "date": _date(mail),
        "attachments": attached,
    }
    return {**{name: value for name, value in fields.items() if value}, **facts_of(author=_author(mail))}


def _author(mail: _Mail) -> str:
    """Return the name of the sender, or else the address."""
    written: Any = mail.get("From")
    senders = getaddresses(["" if written is None else str(written)[: 4 * _MAX_HEADER_CHARS]])
    # A name is decoded after it is found: it may hold a comma then.
    return next((_decoded(name) or address.lower() for name, address in senders if address), "")


def _addresses(mail: _Mail, name: str) -> list[str]:
    """Return the addresses of a header, at most 50."""
    found = getaddresses([_header(mail, name)])
    return [address.lower() for _, address in found if address][:50]


def _date(mail: _Mail) -> str:
    """Return when the mail was sent, in UTC and ISO 8601, or "" if it does not say."""
    try:
        sent = parsedate_to_datetime(_header(mail, "Date"))
        return (sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent.astimezone(UTC)).isoformat()
    except (ValueError, TypeError, OverflowError):
        return ""
