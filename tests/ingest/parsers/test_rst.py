"""reStructuredText: sections, code, tables, fields; nothing read from elsewhere."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.ingest.parsers.protocols import Content
from resift.ingest.parsers.registry import BUILT_IN, installed_parsers
from resift.ingest.parsers.rst import MAX_CHARS, RstParser
from resift.ingest.passages.chunker import Chunker
from resift.ingest.reader import FileDocument
from resift.ingest.text.structure import ParsedDocument

GUIDE = """=====
Wheel
=====

:Author: Ada
:Date: 2024-05-01
:Related command: left out

Intro with ``code``.

Turning the :ref:`big <big-wheel>` *wheel*
------------------------------------------

Like this::

   turn()

   stop()

.. code-block:: python
   :linenos:
   :caption: Only Sphinx knows these.

   def f():

       return 1

.. unknown-directive:: x

   Its text stays.

Deeper
~~~~~~

.. note:: Nested.

   .. code:: c

      int x;

=====  =====
A      B
=====  =====
1      2

3      4
=====  =====

After.
"""


def parse(text: str) -> ParsedDocument:
    return RstParser().parse(Content("a.rst", text=text))


def verbatim(parsed: ParsedDocument) -> list[str]:
    blocks = [block for section in parsed.sections for block in section.blocks if block.verbatim]
    return ["\n".join(parsed.lines[block.first : block.last]) for block in blocks]


def test_sections_nest_and_have_the_words_of_their_titles() -> None:
    parsed = parse(GUIDE)
    turning = ("Wheel", "Turning the big wheel")
    assert (parsed.title, [section.path for section in parsed.sections]) == (
        "Wheel",
        [("Wheel",), turning, (*turning, "Deeper")],
    )
    first = parsed.sections[1].blocks[0]
    assert parsed.lines[first.first : first.first + 2] == [
        "Turning the :ref:`big <big-wheel>` *wheel*",
        "------------------------------------------",
    ]


def test_code_and_tables_stay_whole() -> None:
    assert verbatim(parse(GUIDE)) == [
        "   turn()\n\n   stop()",
        ".. code-block:: python\n   :linenos:\n   :caption: Only Sphinx knows these.\n\n   def f():\n\n       return 1",
        "   .. code:: c\n\n      int x;",
        "=====  =====\nA      B\n=====  =====\n1      2\n\n3      4\n=====  =====",
    ]


def test_fields_at_the_top_are_metadata() -> None:
    assert parse(GUIDE).metadata == {"author": "Ada", "date": "2024-05-01"}
    assert parse(":tags: a\n\nText.\n\n:field: later\n").metadata == {"tags": "a"}
    assert parse("Text.\n\n:field: later\n").metadata == {}


def test_no_line_of_text_is_lost(chunker: Chunker) -> None:
    parsed = parse(GUIDE)
    passages = chunker.chunk(FileDocument(id="d", title="", text=GUIDE, source="a.rst", parsed=parsed))
    found = "\n".join(passage.text for passage in passages).split("\n")
    assert {line.strip() for line in GUIDE.split("\n")} - {line.strip() for line in found} <= {""}
    assert (passages[0].start_line, passages[-1].end_line) == (1, GUIDE.count("\n"))


def test_of_several_chapters_none_is_the_title() -> None:
    assert parse("One\n===\n\na\n\nTwo\n===\n\nb\n").title == ""


def test_text_with_the_addresses_of_links_has_sections() -> None:
    text = "Wheel\n=====\n\nMade by Ada_ in Ulm__.\n\n.. _Ada: https://ada.example/\n.. _mail: ada@wheel.example\n__ https://ulm.example/\n"
    parsed = parse(text)
    assert (parsed.notes, parsed.title) == ((), "Wheel")
    assert parsed.lines[5] == ".. _Ada: https://ada.example/"


@pytest.mark.parametrize(
    "directive", ["include:: {path}", "raw:: html\n   :file: {path}", "csv-table::\n   :file: {path}"]
)
def test_no_other_file_is_read(tmp_path: Path, directive: str) -> None:
    (tmp_path / "secret.txt").write_text("hidden words")
    parsed = parse(f"Text.\n\n.. {directive.format(path=tmp_path / 'secret.txt')}\n")
    assert "hidden" not in "\n".join(parsed.lines)


def test_settings_and_roles_of_a_document_do_not_outlast_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docutils.conf").write_text("[general]\nhalt_level: 1\n")
    monkeypatch.chdir(tmp_path)
    from docutils.parsers.rst import roles

    before = dict(roles._roles)  # pyright: ignore
    assert parse(".. role:: mine\n\n.. default-role:: mine\n\n`x`\n").notes == ()
    assert roles._roles == before  # pyright: ignore


def test_what_docutils_cannot_parse_is_plain_text_and_noted() -> None:
    nested = parse("".join(" " * depth + "a\n\n" for depth in range(600)))
    assert nested.notes == ("a.rst was read as plain text: its parts are nested too deeply.",)
    assert len(nested.sections[0].blocks) == 600
    long = parse("x" * (MAX_CHARS + 1))
    assert long.notes == ("a.rst was read as plain text: it has more than 1,000,000 characters.",)


def test_text_is_recognised_by_an_overlined_title_or_a_directive() -> None:
    assert installed_parsers().for_text("", "=====\nTitle\n=====\n\nText.") is BUILT_IN["rst"]
    assert installed_parsers().for_text("", "Text.\n\n.. note:: More.") is BUILT_IN["rst"]
    assert installed_parsers().for_text("", "Text ...\n.. and so on") is BUILT_IN["text"]


PIECES = ["=", "==", "-", "a", " ", "\n", "\n\n", "::", ".. ", "code:: ", "+--+", "`", "*", ":a:", "[#]_", "_", "\t"]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_any_text_is_read(text: str) -> None:
    parsed = parse(text.replace("\r", ""))
    blocks = [block for section in parsed.sections for block in section.blocks]
    covered = {index for block in blocks for index in range(block.first, block.last)}
    assert all(index in covered for index, line in enumerate(parsed.lines) if line.strip())
