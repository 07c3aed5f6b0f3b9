"""What documents say reaches the terminal as text: nothing of it is obeyed."""

import json
import logging

import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Hit, Passage, Ranking
from resift.server.cli.console import note, print_error, print_json, say, show
from resift.server.cli.search import explain_table
from resift.server.output import MaskedFormatter

HOSTILE = "pump\x1b[2J \x9b31mhums\x07 \u202edekcab\u2066 \x7f\x08\r"

SHOWN = "pump[2J 31mhums dekcab"

OBEYED = frozenset("\x1b\x9b\x07\u202e\u2066\x7f\x08\r")


def test_lines_keep_their_text_and_lose_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{HOSTILE}\n\tnext", style="bold")
    note(HOSTILE)
    print_error(InvalidInput(f"No document {HOSTILE}."))
    captured = capsys.readouterr()
    assert SHOWN in captured.out
    assert "\n" in captured.out.strip()
    assert captured.err.count(SHOWN) == 2
    assert not OBEYED & {*captured.out, *captured.err}


def test_rows_of_a_table_show_titles_that_hold_escape_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    hit = Hit(Passage("a", 0, title=HOSTILE, text="text"), 1.0, rank=1, scores={"fused": 1.0}, was=1)
    show(explain_table(Ranking([hit], []), rows=1))
    out = capsys.readouterr().out
    assert "[2J" in out
    assert not OBEYED & {*out}
    assert len({len(line) for line in out.splitlines()}) == 1, "the columns stay straight"


def test_json_says_the_same_without_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": HOSTILE, "é": ["中文"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {"text": HOSTILE, "é": ["中文"]}
    assert "中文" in out
    assert not OBEYED & {*out}


def test_logs_show_no_escape_sequences() -> None:
    record = logging.LogRecord("resift", logging.WARNING, "", 0, "Left out: %s", (HOSTILE,), None)
    assert MaskedFormatter("%(message)s").format(record) == f"Left out: {SHOWN} "
