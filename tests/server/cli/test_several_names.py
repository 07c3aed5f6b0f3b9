"""`resift search` over several collections, by repeating -c or with '*'."""

from pathlib import Path

import pytest

from resift.tests.server.in_process import Run

TEXTS = {"devices": "The pump hums because its bearing is worn.", "people": "Ada repairs the pump on Mondays."}


@pytest.fixture
def stocked(run: Run, tmp_path: Path) -> Run:
    for name, text in TEXTS.items():
        file = tmp_path / f"{name}.md"
        file.write_text(f"# About {name}\n\n{text}\n")
        assert run("ingest", str(file), "-c", name).code == 0
    return run


@pytest.mark.parametrize("options", [("-c", "devices", "-c", "people"), ("-c", "*"), ("-c", "people,devices")])
def test_hits_of_several_collections_name_theirs(stocked: Run, options: tuple[str, ...]) -> None:
    shown = stocked("search", "why does the pump hum", *options)
    assert shown.code == 0, shown.err
    assert shown.out.index("devices: ") < shown.out.index("people: ")
    found = stocked("search", "why does the pump hum", *options, "--json").json
    assert [hit["collection"] for hit in found["hits"]] == ["devices", "people"]


def test_single_collection_is_searched_as_before(stocked: Run) -> None:
    shown = stocked("search", "why does the pump hum", "-c", "people")
    assert "people: " not in shown.out
    assert "Ada repairs" in shown.out
    missing = stocked("search", "why does the pump hum")
    assert missing.code == 1
    assert "No collection 'default'" in missing.err
