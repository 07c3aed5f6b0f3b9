"""A collection's tuning is kept in its manifest; manifests of older versions are read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import IncompatibleCollection, StoreError
from resift.core.values import Logistic
from resift.core.vectors import standard_vectors
from resift.encoders.bm25 import Bm25Options
from resift.store.manifest import Manifest, Tuning, read_manifest, write_manifest

PLAIN = Manifest(
    standard_vectors("encoder", 384),
    Bm25Options(100.0),
    chunking="200/40/40",
    fields={"date": "date"},
    created="2026-01-01",
)
TUNING = Tuning(
    {"fused": 0.25, "rerank": 0.75}, 30, calibration=Logistic(2.0, -1.0), questions=100, gain=0.05, created="2026-07-01"
)


def test_tuning_is_written_and_read(tmp_path: Path) -> None:
    tuned = replace(PLAIN, tuning={"model": TUNING, "other": replace(TUNING, calibration=None)})
    write_manifest(tmp_path / "manifest.json", tuned)
    assert read_manifest(tmp_path / "manifest.json") == tuned


def test_collection_of_an_older_version_keeps_sentences_without_blanks_whole(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, replace(PLAIN, lexical=replace(PLAIN.lexical, splits_unspaced=True)))
    assert read_manifest(path).lexical.splits_unspaced
    old = json.loads(path.read_text())
    del old["lexical"]["splits_unspaced"]
    path.write_text(json.dumps(old))
    assert read_manifest(path) == PLAIN


def test_manifest_without_a_tuning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, PLAIN)
    old = json.loads(path.read_text())
    del old["tuning"]
    path.write_text(json.dumps(old))
    assert read_manifest(path) == PLAIN


def test_tuning_from_before_models_were_told_apart_is_read(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, replace(PLAIN, tuning={"model": replace(TUNING, model="model 0123456789ab")}))
    assert read_manifest(path).tuning["model"].model == "model 0123456789ab"
    old = json.loads(path.read_text())
    del old["tuning"]["model"]["model"]
    path.write_text(json.dumps(old))
    assert read_manifest(path).tuning["model"] == TUNING


def test_manifest_of_schema_1_is_read_as_having_the_standard_vectors(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, PLAIN)
    old = json.loads(path.read_text())
    del old["vectors"], old["storage"]
    path.write_text(json.dumps({**old, "schema_version": 1, "encoder": "encoder", "dimension": 384}))
    assert read_manifest(path) == PLAIN


def test_manifest_of_a_newer_version_asks_for_an_update(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, replace(PLAIN, schema_version=99))
    with pytest.raises(IncompatibleCollection, match=r"has schema 99; .* reads up to 3\. Update Resift"):
        read_manifest(path)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"fused": 0.5, "rerank": 0.6}},
        {"weights": {}, "calibration": None},
        {"weights": {"a": 2, "b": -1}},
        {"depth": 0},
    ],
)
def test_tuning_that_cannot_be_is_a_damaged_manifest(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, replace(PLAIN, tuning={"model": TUNING}))
    edited = json.loads(path.read_text())
    edited["tuning"]["model"] |= change
    path.write_text(json.dumps(edited))
    with pytest.raises(StoreError, match="is damaged"):
        read_manifest(path)
