"""`resift token`: the token is printed once, and its row fits the settings."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from resift.core.errors import InvalidInput
from resift.server.http.bearer import StaticTokens
from resift.settings.load import load_settings
from resift.settings.table import shown
from resift.tests.server.in_process import Run


def _setting(err: str) -> str:
    [line] = [line for line in err.splitlines() if line.startswith("RESIFT_HTTP__TOKENS=")]
    return line.partition("=")[2].strip("'")


@pytest.mark.anyio
async def test_printed_setting_accepts_the_printed_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("token", "ci", "--read-only", "-c", "docs", "--expires", "9000-12-31")
    monkeypatch.setenv("RESIFT_HTTP__TOKENS", _setting(first.err))
    second = run("token", "o'brien")
    monkeypatch.setenv("RESIFT_HTTP__TOKENS", _setting(second.err))
    settings = load_settings()
    tokens = StaticTokens(settings.http.tokens)
    reader, writer = [await tokens.verify_token(each.out.strip()) for each in (first, second)]
    assert reader is not None
    assert writer is not None
    assert (reader.client_id, reader.may_write, reader.collections) == ("ci", False, frozenset({"docs"}))
    assert (writer.client_id, writer.may_write, writer.collections) == ("o'brien", True, None)
    assert reader.expires_at == datetime(9001, 1, 1, tzinfo=UTC).timestamp()
    assert shown(settings, "RESIFT_HTTP__TOKENS") == "ci, o'brien"
    assert first.out.strip() not in first.err


def test_json_has_the_token_and_its_row(run: Run) -> None:
    made = run("token", "ci", "--json").json
    assert made["row"] == {"name": "ci", "sha256": made["row"]["sha256"], "write": True}
    assert made["token"].startswith("resift_")


@pytest.mark.parametrize("name", ["", "  ", "n" * 101])
def test_unusable_name_is_a_usage_error(run: Run, name: str) -> None:
    refused = run("token", name)
    assert (refused.code, refused.out) == (2, "")
    assert "is not a name of 1 to 100 characters" in refused.err


def test_token_for_a_collection_that_cannot_be_is_refused(run: Run) -> None:
    refused = run("token", "ci", "--collection", "docs", "--collection", "*")
    assert (refused.code, refused.out) == (2, "")
    assert "leave --collection out" in " ".join(refused.err.split())
    for name in ("a b", "../x"):
        refused = run("token", "ci", "--collection", name)
        assert (refused.code, refused.out) == (1, "")
        assert "is not a valid collection name" in refused.err


def test_last_day_that_is_past_is_refused(run: Run) -> None:
    today = datetime.now(UTC).date()
    refused = run("token", "ci", "--expires", str(today - timedelta(days=2)))
    assert (refused.code, refused.out) == (2, "")
    assert "is past" in refused.err
    assert run("token", "ci", "--expires", str(today + timedelta(days=1))).code == 0


def test_second_token_of_a_name_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("token", "ci")
    assert "before you make the next one" in first.err
    monkeypatch.setenv("RESIFT_HTTP__TOKENS", _setting(first.err))
    for options in ((), ("--json",)):
        refused = run("token", "ci", *options)
        assert (refused.code, refused.out) == (1, "")
        assert "There is already a token named 'ci'. Choose another name, or delete its row" in refused.err


def test_tokens_of_one_name_in_the_settings_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [run("token", "ci", "--json").json["row"] for _ in range(2)]
    monkeypatch.setenv("RESIFT_HTTP__TOKENS", json.dumps(rows))
    with pytest.raises(InvalidInput, match=r"^RESIFT_HTTP__TOKENS: several tokens are named 'ci'"):
        load_settings()


def test_token_in_place_of_its_hash_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in (
        {"name": "ci", "sha256": "resift_never-to-be-seen"},
        {"name": "ci", "token": "resift_never-to-be-seen"},
    ):
        monkeypatch.setenv("RESIFT_HTTP__TOKENS", json.dumps([row]))
        with pytest.raises(InvalidInput, match=r"RESIFT_HTTP__TOKENS: 0 .*`resift token NAME`") as refused:
            load_settings()
        assert "never-to-be-seen" not in str(refused.value)
