"""Messages for others do not tell where a server's files lie."""

from pathlib import Path

import pytest

from resift.api.hidden_paths import NOTHING_HIDDEN, HiddenPaths

DATA = HiddenPaths({Path("/srv/data"): "DATA", Path("/srv/data/models"): "MODELS"})


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("The data directory /srv/data is in use.", "The data directory DATA is in use."),
        ("'/srv/data/a b/manifest.json' is damaged", "'DATA/a b/manifest.json' is damaged"),
        ("Make room in /srv/data. Then go on.", "Make room in DATA. Then go on."),
        ("file:///srv/data/x and /srv/data/models/y", "file://DATA/x and MODELS/y"),
        ("/mnt/srv/data /srv/data-sheets /srv/data.bak /srv/database", None),
        ("", None),
    ],
)
def test_path_is_replaced_where_it_is_a_path_of_its_own(message: str, told: str | None) -> None:
    assert DATA.hide(message) == (message if told is None else told)
    assert NOTHING_HIDDEN.hide(message) == message


def test_link_to_a_folder_is_hidden_as_well_as_the_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    hidden = HiddenPaths({tmp_path / "link": "DATA"})
    assert hidden.hide(f"{tmp_path}/link/x and {tmp_path}/real/x") == "DATA/x and DATA/x"


def test_only_messages_of_a_reply_are_changed() -> None:
    reply = {
        "hits": [{"text": "see /srv/data", "score": 0.5, "metadata": {"problem": "/srv/data is full"}}],
        "notes": ["/srv/data is full", {"place": "/srv/data/x"}],
        "collections": [{"name": "/srv/data", "problem": "/srv/data/c is damaged"}],
        "vector": [0.5, 0.25],
        "empty": [],
    }
    told = DATA.hide_in(reply, {"notes", "problem"})
    assert told["notes"] == ["DATA is full", {"place": "DATA/x"}]
    assert told["collections"] == [{"name": "/srv/data", "problem": "DATA/c is damaged"}]
    assert {name: told[name] for name in ("hits", "vector", "empty")} == {
        name: reply[name] for name in ("hits", "vector", "empty")
    }
    assert NOTHING_HIDDEN.hide_in(reply, {"notes", "problem"}) is reply
