"""Settings come from the environment and one file; a mistake in them is named, not passed over."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import InvalidInput
from resift.factories.stores import open_store
from resift.settings.load import all_settings, load_settings
from resift.settings.location import ENV_FILE
from resift.settings.ranking import SearchSettings
from resift.store.edge.store import EdgeStore


def test_unknown_name_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_DATADIR", "/somewhere")
    with pytest.raises(InvalidInput, match=r"Unknown setting RESIFT_DATADIR\. Did you mean 'RESIFT_DATA_DIR'\?"):
        load_settings()


def test_unknown_name_that_only_begins_as_others_suggests_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_NOSUCH", "1")
    with pytest.raises(InvalidInput, match="Unknown setting RESIFT_NOSUCH") as caught:
        load_settings()
    assert "Did you mean" not in str(caught.value)


def test_unknown_name_in_the_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("RESIFT_TREADS=2\n")
    monkeypatch.setenv(ENV_FILE, str(file))
    with pytest.raises(InvalidInput, match=r"Unknown setting RESIFT_TREADS\. Did you mean 'RESIFT_THREADS'\?"):
        load_settings()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"search": {"dense_wieght": 0.9}}, r"Unknown setting search\.dense_wieght\. Did you mean 'dense_weight'\?"),
        ({"serach": {"dense_weight": 0.9}}, r"Unknown setting serach\. Did you mean 'search'\?"),
        ({"qdrant_ulr": "http://localhost:6333"}, r"Unknown setting qdrant_ulr\. Did you mean 'qdrant_url'\?"),
        ({"http": {"tokens": [{"nmae": "ci"}]}}, r"RESIFT_HTTP__TOKENS: "),
    ],
)
def test_unknown_argument_is_refused_with_the_nearest(overrides: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        load_settings(**overrides)


@pytest.mark.parametrize(("name", "said"), [("*", "leave out '*'"), ("a b", "'a b' is not a valid collection name")])
def test_token_for_a_collection_that_cannot_be_is_refused(name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"RESIFT_HTTP__TOKENS: 0 collections 0: .*{re.escape(said)}"):
        load_settings(http={"tokens": [{"name": "ci", "sha256": "0" * 64, "collections": [name]}]})


def test_groups_are_given_as_dicts_or_as_they_are() -> None:
    assert load_settings(search={"dense_weight": 0.9}).search.dense_weight == 0.9
    assert load_settings(search=SearchSettings(dense_weight=0.9)).search.dense_weight == 0.9
    for name in ("qdrant_url", "QDRANT_URL"):
        assert load_settings(**{name: "http://localhost:6333"}).qdrant_url == "http://localhost:6333"


def test_private_store_is_in_its_folder_even_if_the_settings_name_a_server(tmp_path: Path) -> None:
    settings = load_settings(QDRANT_URL="http://localhost:6333", threads=3).with_private_store(tmp_path / "own")
    assert isinstance(open_store(settings), EdgeStore)
    assert (settings.data_dir, settings.qdrant_url, settings.threads) == (tmp_path / "own", "", 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESIFT_SEARCH", '{"dense_wieght": 0.9}'),
        ("RESIFT_HTTP__TOKENS", '[{"nmae": "ci"}]'),
        ("RESIFT_RERANKERS", '{"own": {"kind": "tei", "ulr": "http://localhost"}}'),
    ],
)
def test_unknown_name_in_json_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESIFT_THREADS", "many"),
        ("RESIFT_THREADS", "-1"),
        ("RESIFT_SEARCH__FUSION", "sum"),
        ("RESIFT_RERANK__WEIGHT", "1.5"),
        ("RESIFT_INGEST__MAX_TOKENS", "10000"),
        ("RESIFT_LOG_LEVEL", "LOUD"),
    ],
)
def test_bad_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=rf"{name} = '{value}': .*Correct it or leave it out"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RESIFT_BLEND__OFFICIAL_SOURCES", "docs/", "Expecting value, at character 1 of 5"),
        ("RESIFT_BLEND__BOOST", '{"kind": {"docs": 1.5}', "Expecting ',' delimiter, at its end"),
        ("RESIFT_VECTORS__FIELDS", "[title]", "Expecting value, at character 2 of 7"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_broken_json_is_named_with_its_variable_and_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, said: str, *, in_file: bool
) -> None:
    if in_file:
        (tmp_path / "settings.env").write_text(f"{name}='{value}'\n")
        monkeypatch.setenv(ENV_FILE, str(tmp_path / "settings.env"))
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput) as refused:
        load_settings()
    assert (
        str(refused.value)
        == f'{name} is not valid JSON: {said}. Write a list as ["one", "two"] and an object as {{"name": "value"}}.'
    )


def test_settings_that_do_not_fit_together_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_LLM__PERMUTATIONS", "5")
    monkeypatch.setenv("RESIFT_LLM__MAX_CALLS", "2")
    expected = (
        "RESIFT_LLM__PERMUTATIONS = '5', RESIFT_LLM__MAX_CALLS = '2': permutations must be at most max_calls. Correct"
    )
    with pytest.raises(InvalidInput, match=f"^{expected}"):
        load_settings()


def test_file_named_by_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("RESIFT_THREADS=3\nRESIFT_SEARCH__FUSION=rrf\nOTHER=1\n")
    monkeypatch.setenv(ENV_FILE, str(file))
    settings = load_settings()
    assert (settings.threads, settings.search.fusion) == (3, "rrf")


def test_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("RESIFT_THREADS=3\n")
    monkeypatch.setenv(ENV_FILE, str(file))
    monkeypatch.setenv("RESIFT_THREADS", "2")
    assert load_settings().threads == 2


def test_file_in_the_working_directory_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RESIFT_THREADS=3\nRESIFT_NONSENSE=1\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().threads == 0


def test_roots_are_split_at_the_separator_of_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = (tmp_path / "one", tmp_path / "two")
    monkeypatch.setenv("RESIFT_INGEST_ROOTS", os.pathsep.join(map(str, folders)) + os.pathsep)
    assert load_settings().ingest_roots == folders


def test_weights_of_metadata_count_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_BLEND__RECENCY_FIELD", "date")
    monkeypatch.setenv("RESIFT_BLEND__RECENCY_WEIGHT", "0.9")
    assert load_settings().blend.signals.shares == {"recency": 0.9}
    monkeypatch.setenv("RESIFT_BLEND__BOOST", '{"kind": {"docs": 1.5}}')
    with pytest.raises(InvalidInput, match=r": RECENCY_WEIGHT, 0\.9, and BOOST_WEIGHT, 0\.2, must sum to at most 1\."):
        load_settings()
    monkeypatch.setenv("RESIFT_BLEND__BOOST_WEIGHT", "0.1")
    assert load_settings().blend.signals.shares == {"recency": 0.9, "boost": 0.1}


def test_data_folder_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESIFT_DATA_DIR", "store")
    assert load_settings().data_dir == tmp_path / "store"


def test_defaults_of_several_values_are_listed_as_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    [default] = [default for name, default, _ in all_settings() if name == "RESIFT_INGEST__URL_PORTS"]
    assert default == "[80, 443]"
    monkeypatch.setenv("RESIFT_INGEST__URL_PORTS", default)
    assert load_settings().ingest.url_ports == (80, 443)


def test_every_setting_has_a_meaning_and_can_be_set_by_the_name_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for row in all_settings() if row[0] != ENV_FILE]
    assert len(rows) > 10
    for name, default, meaning in rows:
        assert meaning, name
        if default:
            monkeypatch.setenv(name, default)
    settings = load_settings()
    assert settings.model_dump(exclude={"data_dir"}) == type(settings)(_env_file=None).model_dump(exclude={"data_dir"})  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("foo", "OPENAI_BASE_URL = 'foo' must begin with http:// or https:// and a host. Write it as"),
        ("localhost:8000/v1", "OPENAI_BASE_URL = 'localhost:8000/v1' must begin with http://"),
        ("http://[::1", "OPENAI_BASE_URL = 'http://[::1' is not a URL: Invalid IPv6 URL. Write it as"),
        ("http://h:99999", "is not a URL: Port out of range"),
        ("http://me:sesame@h:99999", "OPENAI_BASE_URL is not a URL. Write it as"),
    ],
)
def test_endpoint_that_cannot_be_called_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings(OPENAI_BASE_URL=url)
    assert told in str(caught.value)
    assert "sesame" not in str(caught.value)
    for fine in ("http://[::1]:8000/v1", "https://me:sesame@host/v1", "http://localhost:8000"):
        assert load_settings(OPENAI_BASE_URL=fine).openai_base_url == fine
