"""Front matter: which values become metadata, and what is left as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.ingest.parsers.markdown import MarkdownParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.text.front_matter import read_front_matter
from resift.ingest.text.structure import ParsedDocument


def parse(text: str) -> ParsedDocument:
    return MarkdownParser().parse(Content("a.md", text=text))


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01 10:30:00", "2024-05-01 10:30:00"),
        ("1.10", "1.10"),
        ('"1.10"', "1.10"),
        ("3", 3),
        ("-12", -12),
        ("007", "007"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("12345678901234567890", "12345678901234567890"),
        ("true", True),
        ("no", "no"),
        ("'it''s'", "it's"),
        ("a # comment", "a"),
        ("[a, 'b, c', 2]", ["a", "b, c", "2"]),
        ("\n  - x\n  - name: y\n  - z", ["x", "z"]),
        ("|\n  two\n  lines", "two\nlines"),
        ("!!python/name:os.system x", "x"),
    ],
)
def test_values_keep_their_text_except_whole_numbers_and_booleans(yaml: str, value: object) -> None:
    assert parse(f"---\nfield: {yaml}\n---\ntext").metadata == {"field": value}


@pytest.mark.parametrize("yaml", ["", "''", "[]", "\n  deep: 1", "{a: 1}", "[[1], {a: 2}]"])
def test_empty_and_nested_fields_are_left_out(yaml: str) -> None:
    assert parse(f"---\nfield: {yaml}\nother: x\n---\ntext").metadata == {"other": "x"}


def test_names_that_no_filter_could_use_are_left_out() -> None:
    assert parse("---\nok-1: x\na.b: y\n? [a, b]\n: z\n---\ntext").metadata == {}
    assert parse("---\nok-1: x\na.b: y\n---\ntext").metadata == {"ok-1": "x"}


@pytest.mark.parametrize(
    "broken", ["title: Install: quickly", "tags: [a, b", "a: *unknown", "a: \x01", "a: " + "[" * 3000]
)
def test_broken_yaml_is_kept_as_text_and_gives_no_metadata(broken: str) -> None:
    parsed = parse(f"---\n{broken}\n---\n# Head\n\ntext")
    assert (parsed.metadata, parsed.title) == ({}, "Head")
    [note] = parsed.notes
    assert note.startswith("The front matter of a.md is not valid YAML (")
    [section, *_] = parsed.sections
    assert (section.path, section.blocks[0].first, section.blocks[0].last) == ((), 0, 3)


def test_note_on_broken_yaml_says_what_is_wrong_and_where() -> None:
    assert parse("---\nok: x\ntitle: Install: quickly\n---\ntext").notes == (
        "The front matter of a.md is not valid YAML (mapping values are not allowed here on line 3), so it was read as "
        "text.",
    )
    assert parse("---\ntitle: x\n---\ntext").notes == ()


@given(lines=st.lists(st.text(max_size=30), max_size=8))
def test_any_front_matter_is_read_without_an_error(lines: list[str]) -> None:
    found = read_front_matter(["---", *lines, "---", "text"])
    assert 0 <= found.lines <= len(lines) + 2
    assert all(isinstance(value, str | int | bool | list) for value in found.fields.values())


def test_front_matter_in_toml_is_read_as_that_in_yaml() -> None:
    toml = """
        # Hugo
        title = "Bees"
        date = 2024-05-01
        at = 2024-05-01T10:30:00Z
        version = 1.10
        weight = 3
        large = 12345678901234567890
        draft = false
        name = "3 bees"
        empty = ""
        "a.b" = "x"
        tags = [
            "a", 2, true, [1], {x = 1}
        ]
        [params]
        deep = 1
    """
    parsed = parse(f"+++{toml}\n+++\n# Head\n\ntext")
    assert (parsed.title, parsed.notes) == ("Bees", ())
    assert parsed.metadata == {
        "date": "2024-05-01",
        "at": "2024-05-01T10:30:00+00:00",
        "version": "1.10",
        "weight": 3,
        "large": "12345678901234567890",
        "draft": False,
        "name": "3 bees",
        "tags": ["a", "2", "true"],
    }
    assert "Hugo" not in str([parsed.lines[block.first] for section in parsed.sections for block in section.blocks])


@pytest.mark.parametrize(
    "text", ["+++\n+++\ntext", "+++\nSome words.\n+++\ntext", "+++\n[a](b.md)\n+++\n", "+++\na = 1\ntext", "+++"]
)
def test_text_between_rules_of_plus_signs_that_is_not_toml_stays_text(text: str) -> None:
    assert read_front_matter(text.split("\n")).lines == 0


def test_toml_of_tables_alone_and_numbers_beyond_all_measure_are_no_error() -> None:
    found = read_front_matter(["+++", "# x", "[params]", "a = 1", "+++"])
    assert (found.lines, found.fields, found.problem) == (5, {}, "")
    assert read_front_matter(["+++", f"a = 0x{'f' * 9000}", "+++"]).problem.startswith("is not valid TOML")


def test_broken_toml_is_kept_as_text_and_noted() -> None:
    parsed = parse("+++\nok = 1\ntitle = Bees\n+++\n# Head\n\ntext")
    assert (parsed.metadata, parsed.title) == ({}, "Head")
    [note] = parsed.notes
    assert note.startswith("The front matter of a.md is not valid TOML (")
    assert "line 3" in note


@given(lines=st.lists(st.text(max_size=30), max_size=8))
def test_any_front_matter_in_toml_is_read_without_an_error(lines: list[str]) -> None:
    found = read_front_matter(["+++", "a = 1", *lines, "+++", "text"])
    assert 0 <= found.lines <= len(lines) + 3
    assert all(isinstance(value, str | int | bool | list) for value in found.fields.values())
