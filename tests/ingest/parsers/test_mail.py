"""Mails, their attachments, and mailboxes."""

import mailbox
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.ingest.parsing import Part, parse_file

BUDGET = "Hello Alan,\n\nthe budget is 500 €.\n\n> You wrote:\n> How much?\n\nRegards\nAda\n"


def mail(subject: str = "Über den Haushalt 2026", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ada Lövelace <ada@example.org>"
    message["To"] = "Alan <alan@example.org>, Bob <BOB@example.org>"
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime(2026, 3, 4, 10, 20, tzinfo=timezone(timedelta(hours=2))))
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


def read(message: EmailMessage) -> list[Part]:
    return parse_file("a.eml", message.as_bytes())


def text(part: Part) -> str:
    assert part.parsed is not None, part.problem
    return "\n".join(part.parsed.lines)


def test_mail_has_its_subject_as_title_and_its_headers_as_metadata() -> None:
    message = mail()
    message.set_content(BUDGET)
    [part] = read(message)
    assert part.parsed is not None
    assert (part.name, part.format, part.parsed.title) == ("", "mail", "Über den Haushalt 2026")
    assert part.parsed.metadata == {
        "from": "ada@example.org",
        "to": ["alan@example.org", "bob@example.org"],
        "date": "2026-03-04T08:20:00+00:00",
        "author": "Ada Lövelace",
    }
    assert text(part).startswith("From: Ada Lövelace <ada@example.org>\nTo: Alan")


@pytest.mark.parametrize(
    ("sender", "author"),
    [
        ("ADA@example.org", "ada@example.org"),
        ("=?utf-8?q?L=C3=B6velace=2C_Ada?= <ada@example.org>", "Lövelace, Ada"),
        ("Ada <ada@example.org>, Bob <bob@example.org>", "Ada"),
        ("", None),
    ],
)
def test_author_of_a_mail_is_its_sender(sender: str, author: str | None) -> None:
    [part] = parse_file("a.eml", f"From: {sender}\nSubject: Budget\n\nHello\n".encode())
    assert part.parsed is not None
    assert part.parsed.metadata.get("author") == author


def test_quoted_replies_are_kept() -> None:
    message = mail()
    message.set_content(BUDGET)
    assert text(read(message)[0]).endswith(BUDGET.strip())


def test_plain_text_is_read_rather_than_html() -> None:
    message = mail()
    message.set_content("As text.")
    message.add_alternative("<p>As a page.", subtype="html")
    assert text(read(message)[0]).endswith("\n\nAs text.")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
def test_html_is_read_where_there_is_no_plain_text(charset: str) -> None:
    message = mail()
    message.set_content("<h1>News</h1><p>Käse &amp; more", subtype="html", charset=charset)
    assert text(read(message)[0]).endswith("\n\nNews\n\nKäse & more")


def test_attachments_that_a_parser_reads_are_documents_of_their_own() -> None:
    inner = mail("Inner")
    inner.set_content("Inside.")
    message = mail()
    message.set_content("See the report.")
    message.add_attachment(b"# Report\n\nFigures.", maintype="application", subtype="x", filename="Zahlen/Bericht ü.md")
    message.add_attachment(b"\x89PNG\0", maintype="application", subtype="x", filename="a.unknown")
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="Zahlen/Bericht ü.md")
    message.add_attachment(inner)
    first, *others = read(message)
    assert first.parsed is not None
    assert first.parsed.metadata["attachments"] == [
        "Zahlen_Bericht ü.md",
        "a.unknown",
        "Zahlen_Bericht ü (2).md",
        "Inner.eml",
    ]
    assert [(part.name, part.problem) for part in others] == [
        ("Zahlen_Bericht ü.md", ""),
        ("Zahlen_Bericht ü (2).md", ""),
        ("Inner.eml", ""),
    ]
    assert text(others[0]) == "# Report\n\nFigures."
    assert text(others[2]).endswith("Inside.")


def test_headers_with_broken_encodings_are_read_as_far_as_possible() -> None:
    subject = b"Subject: =?utf-8?B?///?= =?nonsense?Q?a=FFb?= ok\n"
    data = subject + b"From: =?utf-8?Q?=C3=A4?= <a@b>, broken <\nDate: never\n\nText."
    [part] = parse_file("a.eml", data)
    assert part.parsed is not None
    assert part.parsed.title.endswith("ok")
    assert "date" not in part.parsed.metadata


def test_mailbox_is_a_document_a_mail(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "in.mbox")
    for number in range(2):
        message = mail(f"Number {number}", **{"Message_ID": "<one@example.org>"} if number == 0 else {})
        message.set_content(f"From here on.\n\nFrom there 12:30 on: text {number}.")
        box.add(message)
    box.close()
    parts = parse_file("in.mbox", (tmp_path / "in.mbox").read_bytes())
    assert [part.name for part in parts] == ["one@example.org.eml", "mail 2.eml"]
    assert [part.parsed.title for part in parts if part.parsed] == ["Number 0", "Number 1"]
    assert text(parts[1]).endswith("From here on.\n\nFrom there 12:30 on: text 1.")


@pytest.mark.parametrize(("name", "data"), [("a.eml", b"Just text.\n"), ("a.mbox", b"Just text.\n"), ("a.mbox", b"\0")])
def test_what_is_no_mail_is_refused(name: str, data: bytes) -> None:
    [part] = parse_file(name, data)
    assert part.problem.startswith(f"{name} is not a mail")


def test_mail_of_too_many_parts_is_refused() -> None:
    data = b"Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 2000
    [part] = parse_file("a.eml", data)
    assert part.problem == "a.eml has more than 1,000 parts. Leave it out."


HEADERS = st.sampled_from([
    "Subject: a", "From: =?x?B?", "Date: 99 Foo", "Content-Type: multipart/mixed; boundary=b", "--b", "--b--", "",
    "Content-Type: text/html; charset=utf-7", "Content-Transfer-Encoding: base64", "From a 12:30",
    "Content-Type: message/rfc822",
])  # fmt: skip


@settings(max_examples=40)
@given(st.lists(HEADERS | st.text("ab:=?<>@ \xff", max_size=12), max_size=14))
def test_any_mail_is_read_or_refused(lines: list[str]) -> None:
    data = "\n".join(lines).encode("latin-1")
    for name in ("a.eml", "a.mbox"):
        for part in parse_file(name, data):
            assert (part.parsed is not None) != bool(part.problem)
            assert "cannot be turned into passages" not in part.problem
