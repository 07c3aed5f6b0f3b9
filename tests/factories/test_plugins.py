"""Rerankers and encoders of other packages are chosen by name; a broken one is an error that names its package."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Document
from resift.factories.engine import build_engine
from resift.ingest.job import Job
from resift.settings.load import load_settings
from resift.tests.factories.reranked import ask, client_with, order, stages
from resift.tests.plugins.installed import PLUGINS, installed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(autouse=True)
def models() -> Iterator[None]:
    with installed(PLUGINS / "models"):
        yield


async def test_plugin_reranker_is_chosen_by_name_with_its_options(tmp_path: Path) -> None:
    table = {
        "mine": {"kind": "overlap"},
        "night": {"kind": "overlap", "options": {"bonus": "overnight"}},
        "both": {"stages": ["cross-encoder:4", "mine:3"]},
    }
    async with client_with(tmp_path, table) as client:
        mine, night, both = [await ask(client, name) for name in ("mine", "night", "both")]
    assert order(mine)[0] == "all", "it has most words of the query"
    assert stages(mine) == [("rerank", "overlap", 4, 4)]
    assert order(night)[0] == "other"
    assert [stage[0] for stage in stages(both)] == ["rerank", "mine"]


async def test_plugin_reranker_that_fails_leaves_the_order_and_names_its_package(tmp_path: Path) -> None:
    async with client_with(tmp_path, {"mine": {"kind": "failing"}}) as client:
        plain, failed = await ask(client, "none"), await ask(client, "mine")
    assert order(failed) == order(plain)
    assert failed["degraded"]
    assert "resift-test-models 1.0 failed: RuntimeError: out of luck" in failed["notes"][-1]


async def test_plugin_encoder_makes_and_searches_a_collection(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, encoder={"kind": "letters", "model": "a-z"})
    engine = build_engine(settings)
    documents = [Document("zoo", "", text="zzzz zebra"), Document("aa", "", text="aaaa abacus")]
    await engine.services.ingestor.ingest(Job("default", documents, total=len(documents)))
    manifest = (await engine.services.store.open("default")).manifest
    await engine.close()
    assert (manifest.encoder, manifest.dimension) == ("letters:a-z", 26)


def test_broken_plugins_are_errors_that_name_their_package(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'missing' of resift-test-models 1\.0 cannot be used: AttributeError"):
        build_engine(load_settings(data_dir=tmp_path, rerankers={"mine": {"kind": "missing"}}))
    with pytest.raises(InvalidInput, match=r"'unwilling' of resift-test-models 1\.0 cannot be used: KeyError"):
        build_engine(load_settings(data_dir=tmp_path, encoder={"kind": "unwilling"}))


def test_unknown_kinds_list_the_plugins_too() -> None:
    with pytest.raises(InvalidInput, match="openai, letters, unwilling"):
        load_settings(encoder={"kind": "leters"})
    with pytest.raises(InvalidInput, match="vllm, failing, missing, overlap"):
        load_settings(rerankers={"mine": {"kind": "overlapp"}})
