"""`resift optimize` and `resift tune --memory` on a collection of the embedded store."""

import json
import re
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from resift.core.values import Passage
from resift.factories.engine import build_engine
from resift.server.cli.collections.optimize import StorageTrial, recommend
from resift.settings.load import load_settings
from resift.store.index_options import IndexOptions, Quantization
from resift.store.indexing import IndexMeasurement
from resift.store.protocols import Point
from resift.tests.server.in_process import Run

pytestmark = pytest.mark.slow

PASSAGES = 1200


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a collection "big"; `run` works on its data directory."""

    async def fill() -> None:
        engine = build_engine(load_settings(data_dir=tmp_path / "data"))
        collection = await engine.services.store.open("big", create=engine.services.pipeline.manifest)
        rows = np.random.default_rng(5).standard_normal((PASSAGES, collection.manifest.dimension)).astype(np.float32)
        rows += 2 * rows[np.arange(PASSAGES) % 60]
        points = [
            Point(Passage(str(n), 0, text="text"), "d", passages=1, vectors={"dense": row})
            for n, row in enumerate(rows)
        ]
        await collection.write(points)
        await engine.close()

    anyio.run(fill)
    return tmp_path / "data" / "collections" / "big"


def storage(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())["storage"]


def test_collection_changes_over_to_another_quantization_and_keeps_it(folder: Path, run: Run) -> None:
    done = run("optimize", "-c", "big", "--quantization", "int8")
    assert done.code == 0
    assert re.search(r"big: 1,200 passages, quantization int8, a full scan; searches find (100|9\d)\.\d%", done.out)
    again = run("optimize", "big")
    assert "big: 1,200 passages, quantization int8" in again.out
    two = run("optimize", "big", "-c", "small")
    assert (two.code, "Two collections are given, 'big' and 'small'" in " ".join(two.err.split())) == (2, True)
    assert (storage(folder)["quantization"], storage(folder)["indexed"]) == ("int8", PASSAGES)


def test_collection_that_every_search_reads_whole_needs_no_index(folder: Path, run: Run) -> None:
    done = run("optimize", "big")
    assert done.out == "big: no index needed, because every search compares all 1,200 passages.\n"


def test_index_is_built_without_code_of_the_working_directory(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "qdrant_edge.py").write_text("raise SystemExit('code of a project')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run("optimize", "-c", "big", "--quantization", "int8").code == 0
    assert storage(folder)["quantization"] == "int8"


def test_index_that_finds_too_little_fails_and_says_what_to_do(folder: Path, run: Run) -> None:
    poor = run("optimize", "-c", "big", "--quantization", "binary")
    assert poor.code == 1
    assert "below RESIFT_INDEX__RECALL, which was 95%" in poor.out
    assert "Choose another --quantization" in poor.out


def test_memory_of_each_way_is_measured_and_the_recommended_one_applied(folder: Path, run: Run) -> None:
    before = storage(folder)
    tried = run("tune", "-c", "big", "--memory", "--apply", "--dry-run")
    chosen = re.search(r"Recommended: (\w+)", tried.out)
    assert chosen is not None
    said = (
        "big uses it already."
        if chosen[1] == before["quantization"]
        else "To switch to it, run: resift optimize -c big"
    )
    assert (tried.code, said in tried.out) == (0, True)
    assert storage(folder) == before
    shown = run("tune", "-c", "big", "--memory", "--apply")
    assert shown.code == 0
    rows = re.findall(r"│ (\w+) +│ ([01]\.\d{3}) +│ +[\d.]+ +│ (\d+) ", shown.out)
    assert [kind for kind, _, _ in rows] == ["none", "int8", "turbo4", "binary"]
    assert rows[0][1] == "1.000"
    assert all(int(memory) > 0 for _, _, memory in rows)
    recommended = re.search(r"Recommended: (\w+)", shown.out)
    assert recommended is not None
    assert storage(folder)["quantization"] == recommended[1]


def test_small_collection_is_not_worth_measuring(run: Run, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("One passage.")
    run("ingest", str(tmp_path / "note.md"))
    refused = run("tune", "--memory")
    assert refused.code == 1
    assert "has 1 passage; with fewer than 1,000 no memory is saved" in refused.err


@pytest.mark.parametrize("arguments", [[], ["--apply"], ["--memory", "--reset"], ["--reset", "--apply"]])
def test_what_to_tune_has_to_be_said_once(run: Run, arguments: list[str]) -> None:
    refused = run("tune", *arguments)
    assert refused.code == 2
    assert "--memory" in refused.err


@pytest.mark.parametrize(
    ("trials", "chosen"),
    [
        ({"none": (1.0, 10, 300), "int8": (0.99, 4, 200), "binary": (0.8, 2, 90)}, "int8"),  # binary finds too little
        ({"none": (1.0, 10, 300), "int8": (0.99, 16, 200), "turbo4": (0.96, 15, 250)}, "turbo4"),  # int8 is too slow
        ({"none": (0.9, 10, 300), "int8": (0.9, 4, 200)}, "none"),  # nothing finds enough
    ],
)
def test_least_memory_that_finds_enough_in_time_is_recommended(
    trials: dict[Quantization, tuple[float, float, float]], chosen: Quantization
) -> None:
    options: dict[Quantization, StorageTrial] = {
        kind: StorageTrial(
            IndexOptions(kind),
            IndexMeasurement(recall, milliseconds, resident_mb=memory_mb, load_seconds=0.1),
            0,
        )
        for kind, (recall, milliseconds, memory_mb) in trials.items()
    }
    assert recommend(options) == chosen
