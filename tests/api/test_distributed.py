"""Ingestion with Ray's workers leaves what one process leaves, and reports it the same way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from resift.api.distributed import Division, ingest_with_ray
from resift.api.requests import IngestRequest
from resift.api.resift import Resift
from resift.core.errors import InvalidInput
from resift.core.vectors import DENSE
from resift.ingest.report import IngestReport
from resift.settings.load import Settings, load_settings
from resift.store.protocols import Point
from resift.tests.models.encoders import write_encoder
from resift.tests.standins.qdrant import serving

FILES = 300  # the stand-in compares each filter with every point


def _settings(folder: Path, **overrides: Any) -> Settings:
    encoder = {"kind": "onnx", "model": str(folder / "model")}
    return load_settings(data_dir=folder / "data", encoder=encoder, threads=1, **overrides)


def _stored(settings: Settings) -> dict[str, Point]:
    async def read() -> dict[str, Point]:
        async with Resift(settings) as resift:
            collection = await resift.services.store.open("default")
            points = await collection.read(list(await collection.entries()))
            return {point.passage.id: point for point in points}

    return anyio.run(read)


def _ingest(settings: Settings, folder: Path) -> IngestReport:
    async def ingest() -> IngestReport:
        async with Resift(settings) as resift:
            return await resift.ingest([folder], prune=True, metadata={"team": "wheels"})

    return anyio.run(ingest)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    for number in range(FILES):
        below = folder / f"{number % 20:02}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number}.md").write_text(f"# Wheel {number}\n\nWheel {number} has {number % 7} spokes.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    write_encoder(tmp_path / "model")
    return folder


@pytest.fixture
def ray() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # those of Ray about itself
def test_ray_leaves_what_one_process_leaves(tmp_path: Path, folder: Path, ray: Any) -> None:
    async def run() -> tuple[list[IngestReport], dict[str, Point]]:
        async with serving() as server:
            settings = _settings(tmp_path, QDRANT_URL=server.url, qdrant={"prefer_grpc": False, "timeout_s": 120})
            request = IngestRequest([folder], prune=True, metadata={"team": "wheels"})
            division = Division(files_per_task=50, cores_per_worker=1)

            def ingest() -> IngestReport:
                return ingest_with_ray(request, settings, division)

            reports = [await anyio.to_thread.run_sync(ingest)]
            (folder / "00" / "0.md").write_text("# Wheel 0\n\nIt has lost its spokes.\n")
            (folder / "01" / "1.md").unlink()
            reports.append(await anyio.to_thread.run_sync(ingest))
            return reports, await anyio.to_thread.run_sync(_stored, settings)

    reports, with_ray = anyio.run(run)
    plain = _settings(tmp_path)
    report = _ingest(plain, folder)
    assert [(each.added, each.updated, each.unchanged, each.removed) for each in reports] == [
        (FILES, 0, 0, 0),
        (0, 1, FILES - 2, 1),
    ]
    assert [each.passages for each in reports] == [FILES, 1]
    assert [[failure.reason for failure in each.failures] for each in reports] == [
        [failure.reason for failure in report.failures]
    ] * 2
    alone = _stored(plain)
    assert with_ray.keys() == alone.keys()
    for id_, point in alone.items():
        other = with_ray[id_]
        assert replace(other, vectors={}) == replace(point, vectors={})
        assert np.allclose(np.asarray(other.vectors[DENSE]), np.asarray(point.vectors[DENSE]), atol=1e-5)


def test_ray_needs_a_server(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with pytest.raises(InvalidInput, match="needs a Qdrant server"):
        ingest_with_ray(IngestRequest([tmp_path]), load_settings(data_dir=tmp_path))
